//! A judged snapshot, from which all metrics, pages and commands are built.

use std::collections::BTreeMap;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Label, Lifecycle, Scope};
use crate::fleet::model::app::AppHealth;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::{CountByLabel, Counted};
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingState, WorkspaceState};
use crate::fleet::rules::coder::{CoderState, coder_state};
use crate::fleet::rules::health::{Assessment, Health, Limits, assess};
use crate::fleet::rules::status::{Status, was_closed};
use crate::fleet::stats::duplicates::merged_rows;
use crate::fleet::stats::histogram::Histogram;

/// A snapshot, with every agent judged at the snapshot's time, and the counts.
#[derive(Debug, Clone)]
pub struct FleetStats {
    /// The facts that were judged.
    pub snapshot: Snapshot,
    /// Agents by scope and kind, sorted by name; `None` if agents are unknown.
    pub agents: Option<BTreeMap<(Scope, Kind), AgentCounts>>,
    /// Apps by scope, with zeros for every scope that has an agent; `None` if unknown.
    pub apps: Option<BTreeMap<Scope, CountByLabel<AppHealth>>>,
    /// Workspaces by scope, with zeros as for apps; `None` if unknown.
    pub workspaces: Option<BTreeMap<Scope, CountByLabel<WorkspaceState>>>,
    /// Chats by scope, with zeros as for apps; `None` if unknown.
    pub bindings: Option<BTreeMap<Scope, CountByLabel<BindingState>>>,
    /// Number of rows that were merged because they would give a series twice
    /// (`docs/spec/failures.md`).
    pub merged_rows: u64,
    limits: Limits,
    problems: Vec<Ranked>,
}

/// Counts of the agents of one scope and kind. Each agent counts once in each field.
#[derive(Debug, Clone)]
pub struct AgentCounts {
    /// Number of agents by connection status.
    pub status: CountByLabel<Status>,
    /// Number of agents by lifecycle state.
    pub lifecycle: CountByLabel<Lifecycle>,
    /// Number of agents by health class.
    pub health: CountByLabel<Health>,
    /// By problem: when the oldest one began. Problems that no agent has are missing.
    pub oldest: BTreeMap<Health, Timestamp>,
    /// Number of agents by version. It is empty for agents that have never connected.
    pub versions: BTreeMap<Label, u64>,
    /// Seconds since the last heartbeat, for agents whose connection was not closed.
    pub heartbeat_ages: Histogram,
    /// The latest heartbeat of these agents.
    pub newest_heartbeat: Option<Timestamp>,
}

/// An agent with a problem.
#[derive(Debug, Clone, Copy)]
pub struct AgentProblem<'a> {
    /// Row of the agent.
    pub agent: &'a Agent,
    /// Health class, which is a problem.
    pub health: Health,
    /// When the problem began.
    pub since: Timestamp,
    /// Why it is stuck in `created` (`docs/spec/causes.md`), if that is known.
    pub cause: Option<Cause>,
}

impl AgentProblem<'_> {
    /// What to do about it, in one sentence.
    pub fn advice(&self) -> Option<&'static str> {
        self.health.advice(self.agent.kind, self.cause)
    }
}

/// The sort key of a problem.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    since: Timestamp,
    id: Uuid,
    health: Health,
    index: usize,
}

/// Bucket bounds of heartbeat ages, as multiples of the inactivity timeout. They are dense below
/// the timeout, for early warnings, and go up to ten times the timeout.
const AGE_BOUNDS: [f64; 11] = [0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 5.0, 10.0];

impl FleetStats {
    /// Judges every agent of the snapshot at the snapshot's time.
    pub fn of(snapshot: Snapshot, limits: &Limits) -> Self {
        let mut fleet = Self {
            agents: None,
            apps: None,
            workspaces: None,
            bindings: None,
            merged_rows: merged_rows(&snapshot),
            limits: *limits,
            problems: Vec::new(),
            snapshot,
        };
        if fleet.snapshot.agents.is_some() {
            fleet.problems = fleet.rank_problems();
            fleet.agents = Some(fleet.count_agents());
        }
        let scopes = fleet.scopes_with_agents();
        let snapshot = &fleet.snapshot;
        fleet.apps = snapshot.apps.as_ref().map(|apps| {
            let mut counts = zeros(&scopes);
            for app in apps {
                if let Some(scope) = snapshot.scopes.get(app.scope) {
                    let counts = entry(&mut counts, scope);
                    counts.add_named(&app.health, app.count);
                }
            }
            counts
        });
        fleet.workspaces = snapshot.workspaces.as_ref().map(|workspaces| {
            let mut counts = zeros(&scopes);
            for it in workspaces {
                entry(&mut counts, &it.scope).add(it.state(), it.count);
            }
            counts
        });
        fleet.bindings = snapshot.bindings.as_ref().map(|bindings| {
            let mut counts = zeros(&scopes);
            for it in bindings {
                entry(&mut counts, &it.scope).add(it.state, it.count);
            }
            counts
        });
        fleet
    }

    /// All agents with their assessments at the snapshot's time; empty if agents are unknown.
    pub fn judged(&self) -> impl ExactSizeIterator<Item = (&Agent, Assessment)> {
        // Worked out anew each time: that is cheaper than keeping it.
        let agents = self.snapshot.agents.as_deref().unwrap_or_default();
        agents
            .iter()
            .map(|agent| (agent, assess(agent, &self.limits, self.snapshot.now)))
    }

    /// Agents with a problem, oldest first. Equal ages are sorted by id, so that the order is
    /// always the same.
    pub fn problems(&self) -> impl ExactSizeIterator<Item = AgentProblem<'_>> {
        let agents = self.snapshot.agents.as_deref().unwrap_or_default();
        self.problems.iter().map(|it| AgentProblem {
            agent: &agents[it.index],
            health: it.health,
            since: it.since,
            cause: self.snapshot.causes.get(&it.id).copied(),
        })
    }

    /// The limits by which the agents were judged.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The latest heartbeat minus the snapshot's time, in seconds. Positive if coderd's clock,
    /// which dates heartbeats, is ahead of the database's. `None` without a heartbeat.
    pub fn heartbeat_lead_seconds(&self) -> Option<f64> {
        let newest = self.newest_heartbeat()?;
        Some(newest.seconds_since(self.snapshot.now))
    }

    /// The newest heartbeat of all agents; `None` when there is none.
    pub fn newest_heartbeat(&self) -> Option<Timestamp> {
        let all_counts = self.agents.as_ref()?.values();
        all_counts.filter_map(|it| it.newest_heartbeat).max()
    }

    /// Whether Coder is alive; `None` where it writes no replicas, or agents or replicas are
    /// unknown.
    pub fn coder_state(&self) -> Option<CoderState> {
        let replicas = self.snapshot.replicas.as_ref()?;
        self.agents.as_ref()?;
        let Snapshot {
            now,
            clock_skew_seconds,
            ..
        } = self.snapshot;
        coder_state(replicas, self.newest_heartbeat(), now, clock_skew_seconds)
    }

    fn rank_problems(&self) -> Vec<Ranked> {
        let judged = self.judged().enumerate();
        let mut problems: Vec<_> = judged
            .filter_map(|(index, (agent, assessment))| {
                Some(Ranked {
                    since: assessment.since?,
                    id: agent.id,
                    health: assessment.health,
                    index,
                })
            })
            .collect();
        problems.sort_by_key(|it| (it.since, it.id));
        problems
    }

    fn count_agents(&self) -> BTreeMap<(Scope, Kind), AgentCounts> {
        // Counted by number first: hashing two names per agent would cost more than the rest.
        let none: EnumMap<Kind, Option<AgentCounts>> = EnumMap::default();
        let mut all_counts = vec![none; self.snapshot.scopes.len()];
        for (agent, assessment) in self.judged() {
            all_counts[agent.scope.index()][agent.kind]
                .get_or_insert_with(|| AgentCounts::new(&self.limits))
                .add(agent, assessment, self.snapshot.now);
        }
        let scopes = self.snapshot.scopes.iter().zip(all_counts);
        scopes
            .flat_map(|(scope, by_kind)| {
                by_kind
                    .into_iter()
                    .filter_map(|(kind, counts)| Some(((scope.clone(), kind), counts?)))
            })
            .collect()
    }

    fn scopes_with_agents(&self) -> Vec<Scope> {
        match &self.agents {
            Some(all_counts) => all_counts.keys().map(|(scope, _)| scope.clone()).collect(),
            // Loaded for the apps' sake alone, or not at all.
            None => self.snapshot.scopes.iter().cloned().collect(),
        }
    }
}

impl AgentCounts {
    fn new(limits: &Limits) -> Self {
        let timeout = limits.inactive_timeout.as_secs_f64();
        let bounds = AGE_BOUNDS.map(|part| part * timeout);
        Self {
            status: CountByLabel::default(),
            lifecycle: CountByLabel::default(),
            health: CountByLabel::default(),
            oldest: BTreeMap::new(),
            versions: BTreeMap::new(),
            heartbeat_ages: Histogram::new(&bounds),
            newest_heartbeat: None,
        }
    }

    fn add(&mut self, agent: &Agent, assessment: Assessment, now: Timestamp) {
        self.status.add(assessment.status, 1);
        self.health.add(assessment.health, 1);
        self.lifecycle.add_named(&agent.lifecycle, 1);
        if let Some(since) = assessment.since {
            let oldest = self.oldest.entry(assessment.health).or_insert(since);
            *oldest = since.min(*oldest);
        }
        match self.versions.get_mut(&agent.version) {
            Some(count) => *count += 1,
            None => drop(self.versions.insert(agent.version.clone(), 1)),
        }
        // The infinities are dates that were not meant, and would hide every real heartbeat.
        let real = |at: &Timestamp| *at != Timestamp::END && *at != Timestamp::BEGINNING;
        let heartbeat = agent.last_connected_at.filter(real);
        self.newest_heartbeat = self.newest_heartbeat.max(heartbeat);
        if let Some(heartbeat) = open_heartbeat(agent) {
            self.heartbeat_ages.observe(now.seconds_since(heartbeat));
        }
    }
}

/// The last heartbeat of an agent whose connection was not closed; `None` if it never connected.
fn open_heartbeat(agent: &Agent) -> Option<Timestamp> {
    agent.first_connected_at?;
    agent.last_connected_at.filter(|_| !was_closed(agent))
}

fn zeros<V: Counted>(scopes: &[Scope]) -> BTreeMap<Scope, CountByLabel<V>> {
    let scopes = scopes.iter().cloned();
    scopes
        .map(|scope| (scope, CountByLabel::default()))
        .collect()
}

fn entry<'a, V: Counted>(
    counts: &'a mut BTreeMap<Scope, CountByLabel<V>>,
    scope: &Scope,
) -> &'a mut CountByLabel<V> {
    counts.entry(scope.clone()).or_default()
}
