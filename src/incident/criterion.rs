//! How long a description is, in bits. See `docs/spec/incidents.md`, "Factors".

use std::f64::consts::{LOG2_E, PI, TAU};

/// The prior of a group's share: Beta(a, a). Below 1 it expects nearly all or nearly none, as causes
/// are; 1/2 is Jeffreys' prior, the usual choice where nothing is known.
const PRIOR: f64 = 0.5;

/// Bits that say which `hit` of `members` agents are in a set, by a code that learns the share as it
/// goes (Krichevsky and Trofimov, 1981).
pub fn group_bits(members: u32, hit: u32) -> f64 {
    let (hit, spared) = (f64::from(hit), f64::from(members.saturating_sub(hit)));
    // The beta function of the prior is π.
    PI.log2() - log2_beta(hit + PRIOR, spared + PRIOR)
}

/// Members of a value that are not of one before it, and how many of them are in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// All of them.
    pub members: u32,
    /// Those in the set.
    pub hit: u32,
}

impl Group {
    /// The share of its members that are in the set.
    pub fn rate(self) -> f64 {
        f64::from(self.hit) / f64::from(self.members.max(1))
    }

    /// Bits that say which of its members are in the set.
    pub fn bits(self) -> f64 {
        group_bits(self.members, self.hit)
    }

    /// Its members and those of `other`, which has none of them.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            members: self.members + other.members,
            hit: self.hit + other.hit,
        }
    }

    /// Its members that are not of `other`, which is a part of it.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self {
            members: self.members - other.members,
            hit: self.hit - other.hit,
        }
    }
}

/// log2 of the beta function.
fn log2_beta(a: f64, b: f64) -> f64 {
    log2_gamma(a) + log2_gamma(b) - log2_gamma(a + b)
}

/// log2 of the gamma function of a positive number: by Stirling's series where that is exact to
/// 1e-9, and by the recurrence below. No table, whatever the size of the fleet.
fn log2_gamma(mut x: f64) -> f64 {
    const EXACT: f64 = 10.0;
    let mut below = 1.0;
    while x < EXACT {
        below *= x;
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    LOG2_E * ((x - 0.5) * x.ln() - x + 0.5 * TAU.ln() + series) - below.log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_agrees_with_factorials() {
        for n in [1, 2, 5, 9, 10, 11, 170] {
            let factorial: f64 = (2..n).map(|it| f64::from(it).log2()).sum();
            assert!((log2_gamma(f64::from(n)) - factorial).abs() < 1e-8, "{n}");
        }
        let half = std::f64::consts::PI.sqrt().log2();
        assert!((log2_gamma(0.5) - half).abs() < 1e-8);
    }

    #[test]
    fn code_of_one_after_another_is_the_code_of_all() {
        // P(hit) of the next is (hits + 1/2) / (members + 1).
        let one_by_one = [0.5 / 1.0, 1.5 / 2.0, 0.5 / 3.0, 2.5 / 4.0_f64];
        let bits: f64 = one_by_one.iter().map(|it| -it.log2()).sum();
        assert!((group_bits(4, 3) - bits).abs() < 1e-8);
        assert!(group_bits(0, 0).abs() < 1e-8);
    }

    #[test]
    fn all_or_none_costs_least_and_half_costs_most() {
        assert!(group_bits(100, 0) < 5.0);
        assert!((group_bits(100, 0) - group_bits(100, 100)).abs() < 1e-8);
        assert!(group_bits(100, 50) > group_bits(100, 20));
    }
}
