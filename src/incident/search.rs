//! The shortest description of a set of agents by values they have in common. See
//! `docs/spec/incidents.md`, "Factors".

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::incident::candidates::{Candidate, MAJORITY, Question, find_candidates};
use crate::incident::criterion::Group;
use crate::incident::population::Value;

/// Values on a list at most.
const LONGEST_LIST: usize = 8;

/// Lists that are followed at each length.
const BEAM: usize = 6;

/// Lengths without a shorter description after which the search ends.
const PATIENCE: usize = 2;

/// A list is followed while its description is longer than the shortest by fewer bits.
const SLACK: f64 = 6.0;

/// What is left beside the spared values must be this share of all, or it is not the deployment.
const MOST: f64 = 0.7;

/// Bits on top for a value that is spared.
const SPARED: f64 = 8.0;

/// A value that explains members of the set.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The value.
    pub value: Value,
    /// Values of narrower dimensions that have the same members.
    pub also: Vec<Value>,
    /// Its group.
    pub group: Group,
    /// Its group's members in the set, in ascending order.
    pub hit: Vec<u32>,
    /// Bits by which the description would grow without it.
    pub score: f64,
    /// Values that would do nearly as well in its place, best first, each with its score.
    pub runners_up: Vec<(Value, f64)>,
}

/// The shortest description that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Values with a higher share in the set than the rest.
    pub factors: Vec<Factor>,
    /// Values that were spared where most of the rest is in the set.
    pub spared: Vec<Value>,
    /// All other members.
    pub rest: Group,
    /// The rest's members in the set, in ascending order.
    pub rest_hit: Vec<u32>,
}

/// Descriptions that differ by less are of the same length.
const SAME: f64 = 1e-9;

/// Runners-up that are named.
const RUNNERS_UP: usize = 3;

/// The candidate of a value that is none.
const NO_CANDIDATE: u32 = u32::MAX;

/// Members by position.
#[derive(Clone)]
struct Bits(Vec<u64>);

impl Bits {
    fn of(size: usize, members: &[u32]) -> Self {
        let mut bits = Self(vec![0; size.div_ceil(64)]);
        members.iter().for_each(|&it| bits.insert(it));
        bits
    }

    fn insert(&mut self, member: u32) {
        self.0[member as usize / 64] |= 1 << (member % 64);
    }

    fn has(&self, member: u32) -> bool {
        self.0[member as usize / 64] & (1 << (member % 64)) != 0
    }
}

/// A list of candidates, and what is left of each candidate and of the rest beside it.
#[derive(Clone)]
struct List {
    chosen: Vec<usize>,
    groups: Vec<Group>,
    taken: Bits,
    left: Vec<Group>,
    rest: Group,
    /// Bits of the chosen values and their groups; before one is chosen, those that say so.
    bits: f64,
}

impl List {
    fn total(&self) -> f64 {
        self.bits + self.rest.bits()
    }

    /// Bits of the chosen values, if one more is chosen. A list of n + 1 values can be written in
    /// n + 1 times as many orders as one of n, and all of them say the same.
    fn named_bits(&self) -> f64 {
        match self.chosen.len() {
            0 => 0.0,
            chosen => self.bits - (chosen as f64 + 1.0).log2(),
        }
    }
}

/// Finds the shortest description.
pub fn explain(question: Question<'_>) -> Explanation {
    Search::new(question).run()
}

struct Search<'a> {
    question: Question<'a>,
    in_set: Bits,
    candidates: Vec<Candidate>,
    /// The members of each candidate that was tried, in ascending order.
    members: Vec<OnceCell<Vec<u32>>>,
    /// For each column, the candidate of each code; values that are alike have one.
    by_code: Vec<Vec<u32>>,
    /// Bits to name a value of each dimension.
    naming: Vec<f64>,
    /// No value chosen yet.
    empty: List,
}

impl<'a> Search<'a> {
    fn new(question: Question<'a>) -> Self {
        let size = question.population.size as usize;
        let candidates = find_candidates(question);
        let columns = question.population.columns.iter();
        let mut by_code: Vec<_> = columns
            .map(|it| vec![NO_CANDIDATE; it.names.len()])
            .collect();
        for (position, candidate) in (0_u32..).zip(&candidates) {
            let value = candidate.value;
            by_code[value.column as usize][value.code as usize] = position;
        }
        let empty = List {
            chosen: Vec::new(),
            groups: Vec::new(),
            taken: Bits::of(size, question.excluded),
            left: candidates.iter().map(|it| it.group).collect(),
            rest: question.all(),
            bits: question.unnamed_bits(),
        };
        Self {
            in_set: Bits::of(size, question.set),
            naming: question.index.naming_bits(question.minimum, size),
            members: vec![OnceCell::new(); candidates.len()],
            candidates,
            by_code,
            empty,
            question,
        }
    }

    fn run(&self) -> Explanation {
        let mut best = self.empty.clone();
        let mut beam = vec![self.empty.clone()];
        let mut unchanged = 0;
        for _ in 0..LONGEST_LIST {
            beam = self.longer(&beam, best.total() + SLACK);
            let Some(first) = beam.first() else { break };
            if first.total() < best.total() {
                best = first.clone();
                unchanged = 0;
            } else {
                unchanged += 1;
                if unchanged == PATIENCE {
                    break;
                }
            }
        }
        let settled = self.settle(best);
        let settled = self.settle(self.exchange(settled));
        match settled.chosen.is_empty().then(|| self.exact()).flatten() {
            Some(exact) => self.describe(&self.with(&self.empty, exact)),
            None => self.describe(&settled),
        }
    }

    /// In a fleet so small that no name is worth its bits: the value whose members are exactly the
    /// set, if the set would else be the deployment's.
    fn exact(&self) -> Option<usize> {
        let all = self.empty.rest;
        let is_exact = |it: &Candidate| it.group.hit == all.hit && it.group.members == all.hit;
        let exact = self.candidates.iter().position(is_exact);
        exact.filter(|_| all.rate() >= MAJORITY && all.hit > self.question.minimum)
    }

    /// The best lists that are one value longer, shortest description first.
    fn longer(&self, beam: &[List], longest: f64) -> Vec<List> {
        let mut children: Vec<(f64, usize, usize)> = Vec::new();
        for (position, list) in beam.iter().enumerate() {
            let more = (0..self.candidates.len())
                .filter_map(|candidate| Some((self.total_with(list, candidate)?, candidate)));
            let more = more.filter(|it| it.0 < longest);
            children.extend(more.map(|(total, candidate)| (total, position, candidate)));
        }
        children.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        let mut seen = HashSet::new();
        let mut next = Vec::new();
        for (_, position, candidate) in children {
            let mut chosen = beam[position].chosen.clone();
            chosen.push(candidate);
            chosen.sort_unstable();
            if seen.insert(chosen) {
                next.push(self.with(&beam[position], candidate));
                if next.len() == BEAM {
                    break;
                }
            }
        }
        next
    }

    /// The length of the description with one more value; `None` where it may not be added.
    fn total_with(&self, list: &List, candidate: usize) -> Option<f64> {
        let group = list.left[candidate];
        if group.members == 0 || list.chosen.contains(&candidate) {
            return None;
        }
        let rest = list.rest.without(group);
        self.may_be_named(group, rest).then(|| {
            let named = list.named_bits() + self.naming_of(candidate, group, rest);
            named + group.bits_beside(rest) + rest.bits()
        })
    }

    /// It takes more to say that all but some are hit: what is hit should be named, if it can be.
    fn naming_of(&self, candidate: usize, group: Group, rest: Group) -> f64 {
        let spared = if group.rate() < rest.rate() {
            SPARED
        } else {
            0.0
        };
        let candidate = &self.candidates[candidate];
        let names = [candidate.value]
            .into_iter()
            .chain(candidate.also.iter().copied());
        let cheapest = names.map(|it| self.naming[it.column as usize]);
        cheapest.fold(f64::INFINITY, f64::min) + spared
    }

    /// A cause is more frequent in its group than in the rest. A spared group is less frequent than
    /// in a rest that is most of the deployment.
    fn may_be_named(&self, group: Group, rest: Group) -> bool {
        let is_cause = group.hit >= self.question.minimum && group.rate() > rest.rate();
        let is_spared = group.rate() < rest.rate() && self.is_deployment(rest);
        is_cause || is_spared
    }

    fn is_deployment(&self, rest: Group) -> bool {
        let all = f64::from(self.empty.rest.members);
        rest.rate() >= MAJORITY && f64::from(rest.members) >= MOST * all
    }

    fn with(&self, list: &List, candidate: usize) -> List {
        let mut next = list.clone();
        let group = list.left[candidate];
        let members = self.members_of(candidate).iter().copied();
        let new = members.filter(|&it| !list.taken.has(it));
        let new: Vec<u32> = new.collect();
        new.iter().for_each(|&it| next.taken.insert(it));
        for (column, by_code) in self.question.population.columns.iter().zip(&self.by_code) {
            for &member in &new {
                let other = by_code.get(column.code_of(member) as usize);
                let other = other.copied().unwrap_or(NO_CANDIDATE);
                if let Some(left) = next.left.get_mut(other as usize) {
                    let hit = u32::from(self.in_set.has(member));
                    *left = left.without(Group { members: 1, hit });
                }
            }
        }
        next.rest = next.rest.without(group);
        let named = list.named_bits() + self.naming_of(candidate, group, next.rest);
        next.bits = named + group.bits_beside(next.rest);
        next.chosen.push(candidate);
        next.groups.push(group);
        next
    }

    fn members_of(&self, candidate: usize) -> &[u32] {
        self.members[candidate].get_or_init(|| {
            let value = self.candidates[candidate].value;
            let size = self.question.index.size(value);
            let mut members = Vec::with_capacity(size as usize);
            let column = &self.question.population.columns[value.column as usize];
            members.extend(column.members(value.code));
            members
        })
    }

    fn list_of(&self, chosen: impl IntoIterator<Item = usize>) -> List {
        let mut list = self.empty.clone();
        for candidate in chosen {
            list = self.with(&list, candidate);
        }
        list
    }

    /// Takes off the list what makes it longer after all, and what is neither cause nor spared.
    fn settle(&self, mut best: List) -> List {
        loop {
            let rest = best.rest;
            let is_idle = |group: Group| !self.may_be_named(group, rest);
            let shorter = (0..best.chosen.len())
                .map(|position| (position, self.list_without(&best, position)))
                .find(|(position, list)| {
                    list.total() <= best.total() || is_idle(best.groups[*position])
                });
            match shorter {
                Some((_, list)) => best = list,
                None => return best,
            }
        }
    }

    /// Puts a value in the place of another for as long as that makes the description shorter: what was
    /// taken off may have been what the others were good beside.
    fn exchange(&self, mut best: List) -> List {
        for _ in 0..LONGEST_LIST {
            let shortest = (0..best.chosen.len())
                .filter_map(|position| self.exchanged(&best, position))
                .min_by(|a, b| a.total().total_cmp(&b.total()));
            match shortest.filter(|it| it.total() + SAME < best.total()) {
                Some(list) => best = list,
                None => break,
            }
        }
        best
    }

    /// The list with the best other value in this place.
    fn exchanged(&self, list: &List, position: usize) -> Option<List> {
        let others = self.list_without(list, position);
        let all = (0..self.candidates.len()).filter(|it| *it != list.chosen[position]);
        let totals = all.filter_map(|it| Some((self.total_with(&others, it)?, it)));
        let (_, candidate) = totals.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
        Some(self.with(&others, candidate))
    }

    fn list_without(&self, list: &List, position: usize) -> List {
        let kept = list.chosen.iter().enumerate();
        self.list_of(kept.filter(|it| it.0 != position).map(|it| *it.1))
    }

    fn describe(&self, list: &List) -> Explanation {
        let mut factors = Vec::new();
        let mut spared = Vec::new();
        let mut explained = Bits::of(self.question.population.size as usize, &[]);
        for (position, (&chosen, &group)) in list.chosen.iter().zip(&list.groups).enumerate() {
            let candidate = &self.candidates[chosen];
            let members = self.members_of(chosen).iter().copied();
            let hit = members.filter(|&it| self.in_set.has(it) && !explained.has(it));
            let hit: Vec<u32> = hit.collect();
            hit.iter().for_each(|&it| explained.insert(it));
            if group.rate() < list.rest.rate() {
                spared.push(candidate.value);
                continue;
            }
            let (score, runners_up) = self.compare(list, position);
            factors.push(Factor {
                value: candidate.value,
                also: candidate.also.clone(),
                group,
                hit,
                score,
                runners_up,
            });
        }
        let rest_hit = self.question.set.iter().copied();
        Explanation {
            factors,
            spared,
            rest: list.rest,
            rest_hit: rest_hit.filter(|&it| !explained.has(it)).collect(),
        }
    }

    /// The score of a value on the list, and the values that would do nearly as well.
    fn compare(&self, list: &List, position: usize) -> (f64, Vec<(Value, f64)>) {
        let others = self.list_without(list, position);
        let without = others.total();
        let score = without - list.total();
        let in_its_place = (0..self.candidates.len()).filter(|it| *it != list.chosen[position]);
        let scores = in_its_place.filter_map(|it| {
            let score = without - self.total_with(&others, it)?;
            (score > 0.0).then(|| (self.candidates[it].value, score))
        });
        let mut runners_up: Vec<_> = scores.collect();
        runners_up.sort_by(|a, b| b.1.total_cmp(&a.1));
        runners_up.truncate(RUNNERS_UP);
        (score, runners_up)
    }
}
