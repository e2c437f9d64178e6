//! Chance, repeatable by its seed: for the demo, and for tests whose failures can be repeated.

/// SplitMix64. Ten lines of our own rather than a crate: the same seed must tell the same
/// story after every `cargo update`, and nothing here needs to be hard to guess.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same sequence for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits, each of them as likely as not.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number less than `limit`; 0 for a limit of 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of the remainder is far below what anybody could see.
        self.bits() % limit.max(1)
    }

    /// One of `items`, of which there must be some.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.below(items.len() as u64);
        items[usize::try_from(index).unwrap_or(0)]
    }
}
