//! How many members every value has, and which values have the same: found once for a population.

use crate::incident::population::{Column, Population, Value};

/// For each value the number of its members, and a fingerprint of them. The members themselves are
/// looked up where a value is tried, which few are: lists of all of them are megabytes.
#[derive(Debug)]
pub struct Index {
    columns: Vec<Sizes>,
}

/// The values of one dimension, by their code.
#[derive(Debug)]
struct Sizes {
    members: Vec<u32>,
    fingerprints: Vec<u64>,
}

impl Index {
    /// Looks at every member once for each dimension.
    pub fn of(population: &Population) -> Self {
        let columns = population.columns.iter().map(Sizes::of).collect();
        Self { columns }
    }

    /// How many members have this value.
    pub fn size(&self, value: Value) -> u32 {
        self.columns[value.column as usize].members[value.code as usize]
    }

    /// Bits that name a value of each dimension: which dimension it is, and which of its values
    /// that at least `minimum` members have, and not all.
    pub fn naming_bits(&self, minimum: u32, all: usize) -> Vec<f64> {
        let counts = self.columns.iter().map(|it| it.nameable(minimum, all));
        let counts: Vec<usize> = counts.collect();
        let dimensions = counts.iter().filter(|it| **it > 0).count().max(1) as f64;
        let bits = |values: usize| dimensions.log2() + (values.max(1) as f64).log2();
        counts.into_iter().map(bits).collect()
    }

    /// Equal for values that have the same members, and as good as never for others.
    pub fn fingerprint(&self, value: Value) -> u64 {
        self.columns[value.column as usize].fingerprints[value.code as usize]
    }
}

impl Sizes {
    fn nameable(&self, minimum: u32, all: usize) -> usize {
        let sizes = self.members.iter();
        sizes
            .filter(|&&it| it >= minimum && (it as usize) < all)
            .count()
    }

    fn of(column: &Column) -> Self {
        let mut sizes = Self {
            members: vec![0; column.names.len()],
            fingerprints: vec![0; column.names.len()],
        };
        for (member, code) in (0_u32..).zip(column.codes()) {
            // One without a value has a code beyond the last.
            if let Some(members) = sizes.members.get_mut(code as usize) {
                *members += 1;
                sizes.fingerprints[code as usize] ^= fingerprint(member);
            }
        }
        sizes
    }
}

/// A number for a member whose bits look random, so that the XOR of many stands for their set.
pub fn fingerprint(member: u32) -> u64 {
    let mut bits = u64::from(member).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
