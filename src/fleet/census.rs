//! A judged snapshot: what every metric, page and command is made of.

use std::collections::BTreeMap;

use super::agent::{Agent, Kind, Lifecycle, Scope};
use super::app::AppHealth;
use super::health::{Assessment, Health, Limits, assess};
use super::named::Counts;
use super::snapshot::Snapshot;
use super::status::Status;
use super::time::Timestamp;

/// A snapshot with every agent judged at its one moment, and counted.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The facts.
    pub snapshot: Snapshot,
    /// Agents by scope and kind, in the order of the names; `None` when agents are unknown.
    pub agents: Option<BTreeMap<(Scope, Kind), Tally>>,
    /// Apps by scope, with a zero for each scope that has an agent; `None` when unknown.
    pub apps: Option<BTreeMap<Scope, Counts<AppHealth>>>,
    problems: Vec<Problem>,
}

/// How many agents of one scope and kind are what. Each agent counts once in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By connection status.
    pub status: Counts<Status>,
    /// By lifecycle state.
    pub lifecycle: Counts<Lifecycle>,
    /// By health class.
    pub health: Counts<Health>,
}

/// An agent somebody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Problem {
    since: Timestamp,
    health: Health,
    index: usize,
}

impl Fleet {
    /// Judges every agent of the snapshot at the snapshot's own moment.
    pub fn of(snapshot: Snapshot, limits: &Limits) -> Self {
        let mut problems = Vec::new();
        let agents = snapshot.agents.as_deref().map(|agents| {
            let judged = agents.iter().enumerate().map(|(index, agent)| {
                let assessment = assess(agent, limits, snapshot.now);
                problems.extend(assessment.since.map(|since| Problem {
                    since,
                    health: assessment.health,
                    index,
                }));
                (agent, assessment)
            });
            tally(&snapshot, judged)
        });
        problems.sort_by_key(|problem| (problem.since, agent_id(&snapshot, problem.index)));
        let apps = count_apps(&snapshot);
        Self {
            snapshot,
            agents,
            apps,
            problems,
        }
    }

    /// Agents with a problem and since when, oldest first; equally old ones by id, so that
    /// two looks at one snapshot show one order.
    pub fn problems(&self) -> impl ExactSizeIterator<Item = (&Agent, Health, Timestamp)> {
        let agents = self.snapshot.agents.as_deref().unwrap_or_default();
        self.problems
            .iter()
            .map(|it| (&agents[it.index], it.health, it.since))
    }
}

fn agent_id(snapshot: &Snapshot, index: usize) -> Option<uuid::Uuid> {
    let agents = snapshot.agents.as_deref()?;
    agents.get(index).map(|agent| agent.id)
}

fn tally<'a>(
    snapshot: &Snapshot,
    judged: impl Iterator<Item = (&'a Agent, Assessment)>,
) -> BTreeMap<(Scope, Kind), Tally> {
    // Counted by number first: hashing two names per agent would cost more than all the rest.
    let mut counts: Vec<[Option<Tally>; 2]> = vec![[None, None]; snapshot.scopes.len()];
    for (agent, assessment) in judged {
        let slot = &mut counts[agent.scope.0 as usize][agent.kind as usize];
        let tally = slot.get_or_insert_default();
        tally.status.add(assessment.status, 1);
        tally.health.add(assessment.health, 1);
        tally.lifecycle.add_named(&agent.lifecycle, 1);
    }
    let scopes = snapshot.scopes.iter().zip(counts);
    scopes
        .flat_map(|(scope, by_kind)| {
            [Kind::Root, Kind::Sub]
                .into_iter()
                .zip(by_kind)
                .filter_map(|(kind, tally)| Some(((scope.clone(), kind), tally?)))
        })
        .collect()
}

fn count_apps(snapshot: &Snapshot) -> Option<BTreeMap<Scope, Counts<AppHealth>>> {
    let apps = snapshot.apps.as_ref()?;
    let mut by_scope: BTreeMap<Scope, Counts<AppHealth>> = snapshot
        .scopes
        .iter()
        .map(|scope| (scope.clone(), Counts::default()))
        .collect();
    for app in apps {
        let scope = snapshot.scopes.get(app.scope);
        if let Some(counts) = scope.and_then(|scope| by_scope.get_mut(scope)) {
            counts.add_named(&app.health, app.count);
        }
    }
    Some(by_scope)
}
