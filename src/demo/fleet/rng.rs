//! Random numbers of the simulated fleet.

use std::ops::Range;

use uuid::{Builder, Uuid};

use crate::chance::Chance;

/// [`Chance`] with the distributions that a fleet needs.
#[derive(Debug, Clone)]
pub(super) struct Rng(Chance);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(Chance::new(seed))
    }

    /// A number from 0 to `limit` - 1; 0 if `limit` is 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.below(limit as u64)).unwrap_or(0)
    }

    /// A random number of seconds in `range`.
    pub(super) fn within(&mut self, range: Range<i64>) -> i64 {
        let width = usize::try_from(range.end - range.start).unwrap_or(0);
        range.start + i64::try_from(self.below(width)).unwrap_or(0)
    }

    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, each with the same probability. Panics if `items` is empty.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        self.0.pick(items)
    }

    /// One of `items`, with a probability in proportion to its weight.
    pub(super) fn weighted<T: Copy>(&mut self, items: &[(usize, T)]) -> T {
        let mut rest = self.below(items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            if rest < *weight {
                return *item;
            }
            rest -= weight;
        }
        items[0].1
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let bits = u128::from(self.0.bits()) << 64 | u128::from(self.0.bits());
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}
