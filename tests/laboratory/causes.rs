//! Causes that are put into a fleet.

use std::collections::BTreeSet;

use crate::chance::Chance;
use crate::fleet::model::time::Timestamp;
use crate::incident::model::CoderDown;
use crate::incident::population::Family;

use super::fleets::{DIMENSIONS, Fleet, Shared, percent, set_problem, size};

/// The moment of every look, in microseconds.
const NOW: i64 = 1_750_000_000_000_000;

const SECOND: i64 = 1_000_000;

/// Numbers of fleets above this have two causes that hit some of their agents.
pub(crate) const PARTLY: u64 = 10_000;

/// What is put into a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// At least 80 % of the agents with a value.
    Full(Shared),
    /// 30 to 80 % of them.
    Partial(Shared),
    /// 60 to 100 % of all agents.
    Deployment,
    /// All agents, and Coder with them.
    CoderDown,
    /// Two values at once, both in full.
    Two,
    /// Two values at once, of both 30 to 80 %.
    TwoPartly,
    /// A version that breaks agents one by one over an hour, as people restart.
    Slow,
    /// Losses that have nothing in common.
    Nothing,
}

impl Cause {
    /// All of them, those more often of which there is more than one sort.
    fn all() -> Vec<Self> {
        let mut all: Vec<Self> = DIMENSIONS.map(Self::Full).into();
        all.extend(DIMENSIONS.map(Self::Partial));
        all.extend([Self::Deployment, Self::CoderDown]);
        all.extend([Self::Two; 3]);
        all.extend([Self::Slow; 2]);
        all.extend([Self::Nothing; 2]);
        all
    }

    /// The cause of this number. Numbers above [`PARTLY`] are of one sort, which came later: so the
    /// others kept theirs.
    fn of_seed(seed: u64) -> Self {
        if seed > PARTLY {
            return Self::TwoPartly;
        }
        let causes = Self::all();
        causes[(seed % causes.len() as u64) as usize]
    }

    /// How much of its members it hits, in percent.
    const fn share(self) -> (u64, u64) {
        match self {
            Self::Partial(_) | Self::TwoPartly => (30, 80),
            Self::Deployment => (60, 100),
            Self::CoderDown => (95, 100),
            Self::Full(_) | Self::Two | Self::Slow | Self::Nothing => (80, 100),
        }
    }

    /// Within how many seconds it does.
    const fn within(self) -> u64 {
        match self {
            Self::Slow => 3600,
            _ => 90,
        }
    }

    fn family(self, chance: &mut Chance) -> Family {
        match self {
            Self::Slow => Family::StartFailed,
            Self::CoderDown | Self::Deployment => Family::Lost,
            _ => chance.pick(&[
                Family::Lost,
                Family::Lost,
                Family::NeverConnected,
                Family::StartFailed,
                Family::StuckCreated,
            ]),
        }
    }

    /// The members that each of its causes could hit; `None` where the fleet has none that suit.
    fn reach(self, fleet: &mut Fleet) -> Option<Vec<Vec<u32>>> {
        let size = fleet.population.size;
        Some(match self {
            Self::Full(shared) | Self::Partial(shared) => vec![pick(fleet, shared)?],
            Self::Slow => vec![pick(fleet, Shared::TemplateVersion)?],
            Self::Deployment | Self::CoderDown => vec![(0..size).collect()],
            Self::Two | Self::TwoPartly => two(fleet)?,
            Self::Nothing => Vec::new(),
        })
    }
}

/// A fleet with its cause, and the answers that count as right.
pub(crate) struct Case {
    pub(crate) fleet: Fleet,
    pub(crate) coder_down: Option<CoderDown>,
    family: Family,
    /// The members that each cause could have hit.
    pub(crate) reach: Vec<BTreeSet<u32>>,
    /// How many were hit, by all causes together.
    hit: usize,
    /// Members that had a problem before.
    pub(crate) gone: BTreeSet<u32>,
}

/// Fleets that are tried until one has values that suit.
const TRIES: u64 = 20;

impl Case {
    /// The case of this number, in a fleet of 5 to `largest` agents.
    pub(crate) fn of_seed(seed: u64, largest: f64) -> Option<(Cause, Self)> {
        let mut chance = Chance::new(seed);
        let cause = Cause::of_seed(seed);
        let size = size(&mut chance, 5.0, largest);
        let noise = chance.pick(&[0, 0, 50, 100, 200]);
        let case = (0..TRIES).find_map(|again| {
            let fleet = Fleet::of(size.max(5 + again as usize), seed * 100 + again);
            Self::of(fleet, cause, noise)
        });
        Some((cause, case?))
    }

    /// `None` where the fleet has no value that suits.
    fn of(mut fleet: Fleet, cause: Cause, noise: u64) -> Option<Self> {
        let family = cause.family(&mut fleet.chance);
        let reach = cause.reach(&mut fleet)?;
        let since = Timestamp::from_unix_micros(NOW - 200 * SECOND);
        let is_coder = cause == Cause::CoderDown;
        let mut case = Self {
            reach: reach
                .iter()
                .map(|it| it.iter().copied().collect())
                .collect(),
            coder_down: is_coder.then_some(CoderDown { since }),
            hit: 0,
            gone: BTreeSet::new(),
            fleet,
            family,
        };
        for members in reach {
            case.hit(members, cause)?;
        }
        case.add_noise(noise);
        let began = NOW - (60 + cause.within() as i64) * SECOND;
        let problems = case.fleet.population.problems.iter();
        let gone = problems.filter(|it| it.since < Timestamp::from_unix_micros(began));
        case.gone = gone.map(|it| it.member).collect();
        Some(case)
    }

    /// Breaks some of these; `None` where fewer than four would be.
    fn hit(&mut self, mut members: Vec<u32>, cause: Cause) -> Option<()> {
        let chance = &mut self.fleet.chance;
        let (least, most) = cause.share();
        let share = percent(chance, least, most) as usize;
        let wanted = (members.len() * share).div_ceil(100);
        if wanted < 4 {
            return None;
        }
        shuffle(chance, &mut members);
        members.truncate(wanted);
        let within = cause.within();
        let began = NOW - (60 + within as i64) * SECOND;
        for &member in &members {
            let after = chance.below(within * SECOND as u64) as i64;
            let since = Timestamp::from_unix_micros(began + after);
            set_problem(&mut self.fleet.population, member, self.family, since);
        }
        self.hit += members.len();
        Some(())
    }

    /// Up to `noise` percent of the incident's size of old losses, and a tenth as many new ones.
    fn add_noise(&mut self, noise: u64) {
        let size = self.fleet.population.size as usize;
        let old = (self.hit.max(5) * noise as usize / 100).min(size / 4);
        for number in 0..old + old / 10 {
            let member = self.fleet.chance.below(size as u64) as u32;
            let (least, most) = if number < old {
                (600, 7 * 86_400)
            } else {
                (30, 300)
            };
            let ago = least + self.fleet.chance.below(most - least);
            let since = Timestamp::from_unix_micros(NOW - ago as i64 * SECOND);
            if self.fleet.population.problem(member).is_none() {
                set_problem(&mut self.fleet.population, member, self.family, since);
            }
        }
    }
}

/// The members with a value of this dimension, at least four and not all.
fn pick(fleet: &mut Fleet, shared: Shared) -> Option<Vec<u32>> {
    let column = shared as usize;
    let values = fleet.population.columns[column].names.len() as u64;
    for _ in 0..40 {
        if values == 0 {
            break;
        }
        let code = fleet.chance.below(values) as u32;
        let members = fleet.with(column, code);
        if members.len() >= 4 && members.len() < fleet.population.size as usize {
            return Some(members);
        }
    }
    None
}

/// Two values that overlap in less than a third of the smaller one.
fn two(fleet: &mut Fleet) -> Option<Vec<Vec<u32>>> {
    const OF: [Shared; 6] = [
        Shared::Template,
        Shared::TemplateVersion,
        Shared::CoderdReplica,
        Shared::Provisioner,
        Shared::Owner,
        Shared::Metadata,
    ];
    for _ in 0..40 {
        let (first, second) = (fleet.chance.pick(&OF), fleet.chance.pick(&OF));
        let (Some(a), Some(b)) = (pick(fleet, first), pick(fleet, second)) else {
            continue;
        };
        let in_a: BTreeSet<u32> = a.iter().copied().collect();
        let both = b.iter().filter(|it| in_a.contains(it)).count();
        let is_part = a.len() + b.len() < fleet.population.size as usize;
        if both * 3 < a.len().min(b.len()) && is_part {
            return Some(vec![a, b]);
        }
    }
    None
}

fn shuffle(chance: &mut Chance, members: &mut [u32]) {
    for last in (1..members.len()).rev() {
        members.swap(last, chance.below(last as u64 + 1) as usize);
    }
}

/// The moment of every look.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_micros(NOW)
}
