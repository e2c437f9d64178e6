//! Calm days: people stop and start their workspaces, a few agents are lost, a few scripts fail, some
//! agents flap, prebuilds are refilled by the dozen, and once a week a replica of Coder is replaced.
//! Only that has a common cause.

use std::fmt::{Display, Formatter, Result};
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::fleet::model::time::Timestamp;
use crate::incident::analysis::analyze;
use crate::incident::model::{Common, Incident, IncidentSettings};
use crate::incident::population::{Dimension, Family, Population, Problem};

use super::fleets::{Fleet, Shared, fraction};

/// Minutes between two looks.
const LOOK: u64 = 5;

const A_DAY: u64 = 24 * 60;

/// Minutes between two refills of prebuilds, how many each builds, and on how many provisioners. A
/// build takes a minute.
const REFILL: u64 = 180;
const REFILLED: usize = 24;
const PROVISIONERS: usize = 4;

/// What became of one agent. All moments are in minutes.
#[derive(Clone, Copy, Default)]
struct Life {
    /// Its workspace runs.
    is_on: bool,
    /// When it was stopped, for those that are off.
    stopped: Option<u64>,
    /// Its problem: family, since and end.
    problem: Option<(Family, f64, f64)>,
    /// It is lost for a minute every few minutes.
    flaps: bool,
}

/// What was said of some calm days.
pub(crate) struct CalmDays {
    size: usize,
    looks: u64,
    /// Incidents that were none.
    pub(crate) wrong: Vec<String>,
    time: Duration,
}

impl CalmDays {
    /// So many days of so many agents.
    pub(crate) fn of(size: usize, days: u64) -> Self {
        let began = Instant::now();
        let fleet = Fleet::of(size, size as u64);
        let mut chance = Chance::new(size as u64 + 1);
        let mut lives: Vec<Life> = (0..size)
            .map(|_| Life {
                is_on: chance.below(10) < 3,
                flaps: chance.below(500) == 0,
                ..Life::default()
            })
            .collect();
        let mut wrong = Vec::new();
        for minute in 0..days * A_DAY {
            for life in &mut lives {
                live(life, minute, &mut chance);
            }
            if minute % REFILL == REFILL / 2 {
                refill(&fleet, &mut lives, minute, &mut chance);
            }
            let is_upgrade = minute % (7 * A_DAY) == A_DAY / 2;
            if is_upgrade {
                upgrade(&fleet, &mut lives, minute);
            }
            if minute.is_multiple_of(LOOK) {
                let incidents = look(&fleet, &lives, minute);
                let wrong_ones = incidents
                    .iter()
                    .filter(|it| !(is_upgrade && is_replica(it)));
                wrong.extend(wrong_ones.map(|it| describe(it, minute)));
            }
        }
        Self {
            size,
            looks: days * A_DAY / LOOK,
            wrong,
            time: began.elapsed(),
        }
    }
}

impl Display for CalmDays {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (size, looks, time) = (self.size, self.looks, self.time);
        let wrong = self.wrong.len();
        write!(
            f,
            "calm days of {size}: {wrong} false in {looks} looks, {time:.0?}"
        )
    }
}

fn is_replica(incident: &Incident) -> bool {
    let common = &incident.common;
    matches!(
        common,
        Common::Value(Dimension::CoderdReplica, _) | Common::Deployment
    )
}

fn describe(incident: &Incident, minute: u64) -> String {
    let (day, minute) = (minute / A_DAY, minute % A_DAY);
    let (hit, expected) = (incident.members.len(), incident.expected);
    let (family, common) = (incident.family, &incident.common);
    format!("day {day} minute {minute}: {family:?} {common:?} {hit} of {expected}")
}

/// One minute of one agent.
fn live(life: &mut Life, minute: u64, chance: &mut Chance) {
    let now = minute as f64;
    let one_in = |chance: &mut Chance, minutes: u64| chance.below(minutes) == 0;
    if life.problem.is_some_and(|(_, _, end)| end <= now) {
        life.problem = None;
    }
    match (life.is_on, minute % A_DAY) {
        // Most go home between eight and ten at night.
        (true, 1200..1320) if one_in(chance, 60) => {
            *life = Life {
                stopped: Some(minute),
                flaps: life.flaps,
                ..Life::default()
            };
        }
        (false, 420..540) if one_in(chance, 60) => {
            life.is_on = true;
            life.stopped = None;
            life.problem = start(minute, chance);
        }
        // One in fifty is lost on a day, for some hours.
        (true, _) if one_in(chance, 50 * A_DAY) => {
            let since = now + fraction(chance);
            life.problem = Some((Family::Lost, since, now + duration(chance, 180)));
        }
        (true, _) if life.flaps && life.problem.is_none() && one_in(chance, 3) => {
            life.problem = Some((Family::Lost, now, now + 1.0));
        }
        _ => {}
    }
}

/// How the start of an agent ends: few do not connect, of some more the script fails.
fn start(minute: u64, chance: &mut Chance) -> Option<(Family, f64, f64)> {
    let now = minute as f64;
    match chance.below(100) {
        0 => Some((
            Family::NeverConnected,
            now + 2.0,
            now + duration(chance, 60),
        )),
        1..3 => Some((Family::StartFailed, now + 1.0, now + duration(chance, 120))),
        _ => None,
    }
}

/// The claimed prebuilds of one template version are built anew, one after another on each
/// provisioner. A problem is seen when its time has come.
fn refill(fleet: &Fleet, lives: &mut [Life], minute: u64, chance: &mut Chance) {
    let versions = &fleet.population.columns[Shared::TemplateVersion as usize];
    let version = chance.below(versions.names.len() as u64) as u32;
    let of_version = lives.iter_mut().zip(versions.codes());
    let of_version = of_version.filter(|it| it.1 == version).map(|it| it.0);
    let built = of_version.filter(|it| it.is_on).take(REFILLED);
    for (position, life) in built.enumerate() {
        life.problem = start(minute + (position / PROVISIONERS) as u64, chance);
    }
}

/// A duration with this mean.
fn duration(chance: &mut Chance, mean: u64) -> f64 {
    -(1.0 - fraction(chance)).ln() * mean as f64 + 1.0
}

/// Each agent of one replica that runs loses its connection for some seconds.
fn upgrade(fleet: &Fleet, lives: &mut [Life], minute: u64) {
    let replicas = &fleet.population.columns[Shared::CoderdReplica as usize];
    for (life, replica) in lives.iter_mut().zip(replicas.codes()) {
        if life.is_on && life.problem.is_none() && replica == replicas.code_of(0) {
            life.problem = Some((Family::Lost, minute as f64 - 0.2, minute as f64 + 0.5));
        }
    }
}

fn look(fleet: &Fleet, lives: &[Life], minute: u64) -> Vec<Incident> {
    let moment = |minutes: f64| Timestamp::from_unix_micros((minutes * 60e6) as i64);
    let counts = |life: &Life| life.is_on || life.stopped.is_some_and(|it| minute - it < A_DAY);
    let here = (0_u32..).zip(lives).filter(|(_, life)| counts(life));
    let here: Vec<u32> = here.map(|it| it.0).collect();
    let problems = (0..).zip(&here).filter_map(|(member, &it)| {
        let problem = lives[it as usize].problem;
        let (family, since, _) = problem.filter(|(_, since, _)| *since <= minute as f64)?;
        Some(Problem {
            member,
            family,
            since: moment(since),
            workspace: it.into(),
        })
    });
    let columns = fleet.population.columns.iter().cloned();
    let population = Population {
        kind: fleet.population.kind,
        size: here.len() as u32,
        problems: problems.collect(),
        columns: columns.map(|it| it.only(&here)).collect(),
    };
    analyze(
        &population,
        IncidentSettings::default(),
        None,
        moment(minute as f64),
    )
}
