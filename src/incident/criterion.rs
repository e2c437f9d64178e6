//! How long a description is, in bits. See `docs/spec/incidents.md`, "Factors".

use std::f64::consts::{LOG2_E, TAU};

/// What is expected of the share of a group's members that are in the set: a beta distribution, with
/// the weights of the hit and of the spared.
struct Prior {
    hit: f64,
    spared: f64,
}

/// Jeffreys' prior, the usual choice where nothing is known. It expects nearly all or nearly none.
const UNKNOWN_SHARE: Prior = Prior {
    hit: 0.5,
    spared: 0.5,
};

/// A cause hits most of its members.
const HIGH_SHARE: Prior = Prior {
    hit: 4.0,
    spared: 0.6,
};

/// Bits that say which members of a group are in a set, by a code that learns the share as it goes
/// (Krichevsky and Trofimov, 1981).
fn bits_by(prior: &Prior, group: Group) -> f64 {
    let (hit, spared) = (group.hit, group.members.saturating_sub(group.hit));
    let after = log2_beta(prior.hit + f64::from(hit), prior.spared + f64::from(spared));
    log2_beta(prior.hit, prior.spared) - after
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
        bits_by(&UNKNOWN_SHARE, self)
    }

    /// The same, if it is the group of a value on the list, beside this rest. A cause hits most of
    /// its members; of a spared group nothing is expected.
    pub fn bits_beside(self, rest: Self) -> f64 {
        match self.rate() > rest.rate() {
            true => bits_by(&HIGH_SHARE, self),
            false => self.bits(),
        }
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

    fn group_bits(members: u32, hit: u32) -> f64 {
        Group { members, hit }.bits()
    }

    #[test]
    fn cause_that_hits_most_costs_less_and_one_that_hits_few_more() {
        let rest = Group {
            members: 100,
            hit: 1,
        };
        let saved = |members, hit| {
            let group = Group { members, hit };
            group.bits() - group.bits_beside(rest)
        };
        assert!(saved(4, 4) > 1.0 && saved(40, 36) > 1.0);
        assert!(saved(10, 3) < -1.0);
        // A share that is lower than that of the rest.
        assert!(saved(100, 0).abs() < 1e-9);
        // The first is in the set with 4 of 4.6, the second with 5 of 5.6.
        let group = Group { members: 2, hit: 2 };
        let probability = 4.0 / 4.6 * 5.0 / 5.6_f64;
        assert!((group.bits_beside(rest) + probability.log2()).abs() < 1e-8);
    }

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
