//! The values that are worth a try: those of the members in the set, and where most of all is in it,
//! also those that were spared.

use rustc_hash::FxHashMap;

use crate::incident::criterion::Group;
use crate::incident::index::{Index, fingerprint};
use crate::incident::population::{Column, Population, Value};

/// Values that are tried on each list: those that alone shorten the description most.
const MOST_CANDIDATES: usize = 256;

/// From this share of its group on, a set without a factor is the whole deployment's.
pub const MAJORITY: f64 = 0.5;

/// A spared value has at least a fiftieth of all members, and at least so many.
const SPARED_MEMBERS: u32 = 10;

/// A set of members to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The population.
    pub population: &'a Population,
    /// Its index.
    pub index: &'a Index,
    /// The members to explain, in ascending order.
    pub set: &'a [u32],
    /// Members that are left out of every count, in ascending order: they were gone before.
    pub excluded: &'a [u32],
    /// A value needs so many members of the set.
    pub minimum: u32,
    /// Whether the set has a cause for sure: its problems began together.
    pub is_caused: bool,
}

impl Question<'_> {
    /// Bits to say that no value is the cause: where there is one for sure, it is one of the
    /// dimensions, or none of them.
    pub fn unnamed_bits(&self) -> f64 {
        match self.is_caused {
            true => (self.population.columns.len() as f64 + 1.0).log2(),
            false => 0.0,
        }
    }

    /// All members that count.
    pub fn all(&self) -> Group {
        Group {
            members: self.population.size - self.excluded.len() as u32,
            hit: self.set.len() as u32,
        }
    }
}

/// A value that may be put on the list, with those that have the same members.
#[derive(Debug)]
pub struct Candidate {
    /// The value.
    pub value: Value,
    /// Values of narrower dimensions that have the same members.
    pub also: Vec<Value>,
    /// Its members, while nothing is on the list.
    pub group: Group,
}

/// Values that are frequent in the set; and where most of all is in it, values that are not.
pub fn find_candidates(question: Question<'_>) -> Vec<Candidate> {
    let mut alike: FxHashMap<u64, usize> = FxHashMap::default();
    let mut found: Vec<Candidate> = Vec::new();
    for (position, column) in (0_u32..).zip(&question.population.columns) {
        let prints = excluded_prints(question, column);
        for (code, group) in groups(question, position, column) {
            let value = Value {
                column: position,
                code,
            };
            let print = question.index.fingerprint(value) ^ prints[code as usize];
            match alike.get(&print) {
                Some(&broader) => found[broader].also.push(value),
                None => {
                    alike.insert(print, found.len());
                    found.push(Candidate {
                        value,
                        also: Vec::new(),
                        group,
                    });
                }
            }
        }
    }
    keep_best(&mut found, question.all());
    found
}

/// The groups of a dimension that may be causes, or spared, by their code.
fn groups(question: Question<'_>, position: u32, column: &Column) -> Vec<(u32, Group)> {
    let all = question.all();
    let is_spread = all.rate() >= MAJORITY / 2.0;
    let rare = (all.members / 50).max(SPARED_MEMBERS);
    let hit = count(column, question.set);
    let excluded = count(column, question.excluded);
    let group = |code: u32| {
        let value = Value {
            column: position,
            code,
        };
        Group {
            members: question.index.size(value) - excluded[code as usize],
            hit: hit[code as usize],
        }
    };
    let codes = 0..column.names.len() as u32;
    let may_be = codes.filter(|&code| is_spread || hit[code as usize] >= question.minimum);
    let groups = may_be.map(|code| (code, group(code)));
    groups
        .filter(|(_, group)| {
            let is_cause = group.hit >= question.minimum;
            let is_spared = is_spread && group.members >= rare && group.rate() < all.rate();
            // One that all have says nothing.
            (is_cause || is_spared) && group.members != all.members
        })
        .collect()
}

/// For each code, the fingerprint of its members that are left out.
fn excluded_prints(question: Question<'_>, column: &Column) -> Vec<u64> {
    let mut prints = vec![0; column.names.len()];
    for &member in question.excluded {
        if let Some(print) = prints.get_mut(column.code_of(member) as usize) {
            *print ^= fingerprint(member);
        }
    }
    prints
}

fn keep_best(found: &mut Vec<Candidate>, all: Group) {
    if found.len() > MOST_CANDIDATES {
        let alone = |it: &Candidate| it.group.bits() + all.without(it.group).bits();
        found.sort_by(|a, b| alone(a).total_cmp(&alone(b)));
        found.truncate(MOST_CANDIDATES);
    }
}

/// How many of these members have each code.
fn count(column: &Column, members: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; column.names.len()];
    for &member in members {
        // One without a value has a code beyond the last.
        if let Some(count) = counts.get_mut(column.code_of(member) as usize) {
            *count += 1;
        }
    }
    counts
}
