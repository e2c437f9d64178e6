//! The members of every value, found once for a population.

use crate::incident::population::{Column, Population, Value};

/// For each value its members, and a fingerprint of them.
#[derive(Debug)]
pub struct Index {
    columns: Vec<Postings>,
}

/// The members of one dimension, sorted by their code.
#[derive(Debug)]
struct Postings {
    /// Where the members of each code begin; one more than there are codes.
    starts: Vec<u32>,
    members: Vec<u32>,
    fingerprints: Vec<u64>,
}

impl Index {
    /// Looks at every member once for each dimension.
    pub fn of(population: &Population) -> Self {
        let columns = population.columns.iter().map(Postings::of).collect();
        Self { columns }
    }

    /// The members that have this value, in ascending order.
    pub fn members(&self, value: Value) -> &[u32] {
        let postings = &self.columns[value.column as usize];
        let code = value.code as usize;
        let range = postings.starts[code] as usize..postings.starts[code + 1] as usize;
        &postings.members[range]
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

impl Postings {
    fn nameable(&self, minimum: u32, all: usize) -> usize {
        let sizes = self.starts.windows(2).map(|it| it[1] - it[0]);
        sizes
            .filter(|&it| it >= minimum && (it as usize) < all)
            .count()
    }

    fn of(column: &Column) -> Self {
        let mut starts = vec![0_u32; column.names.len() + 1];
        let known = || (0_u32..).zip(&column.codes);
        let known = || known().filter(|&(_, &code)| code != Column::NONE);
        for (_, &code) in known() {
            starts[code as usize + 1] += 1;
        }
        for code in 1..starts.len() {
            starts[code] += starts[code - 1];
        }
        let mut next = starts.clone();
        let mut members = vec![0; starts.last().copied().unwrap_or(0) as usize];
        let mut fingerprints = vec![0; column.names.len()];
        for (member, &code) in known() {
            let place = &mut next[code as usize];
            members[*place as usize] = member;
            *place += 1;
            fingerprints[code as usize] ^= fingerprint(member);
        }
        Self {
            starts,
            members,
            fingerprints,
        }
    }
}

/// A number for a member whose bits look random, so that the XOR of many stands for their set.
pub fn fingerprint(member: u32) -> u64 {
    let mut bits = u64::from(member).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
