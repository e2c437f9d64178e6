//! The time between two collections, agent by agent.

use enum_map::EnumMap;

use crate::fleet::model::agent::{Agent, Kind, ScopeId};
use crate::fleet::model::startup::{StartupPhase, StartupResult};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::startup::{first_start, phases};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::transitions::Sight;

use super::{AgentSeconds, LONGEST};

/// The time between the collection before and this one, while its agents are seen.
#[derive(Debug)]
pub struct Interval {
    /// The collection before, if the time since then counts.
    start: Option<Timestamp>,
    end: Timestamp,
    /// Whether this is the first collection: what it finds happened at an unknown time before.
    is_first: bool,
    previous: Option<Timestamp>,
    unobserved_seconds: f64,
    seconds: Vec<EnumMap<Kind, Option<AgentSeconds>>>,
    pub(super) startups: Vec<Observed>,
}

/// A phase of a start-up that took this long.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) scope: ScopeId,
    pub(super) kind: Kind,
    pub(super) phase: StartupPhase,
    pub(super) result: StartupResult,
    pub(super) seconds: f64,
}

impl Interval {
    pub(super) fn new(previous: Option<Timestamp>, fleet: &FleetStats) -> Self {
        let now = fleet.snapshot.now;
        // A moment a little before the last one is an older collection that ended later, or a
        // server whose clock is behind: time goes on where it was.
        let end = match previous {
            Some(previous) if previous > now && !previous.is_past(now, LONGEST) => previous,
            _ => now,
        };
        let forward = previous.filter(|it| *it < now);
        let start = forward.filter(|it| !now.is_past(*it, LONGEST));
        let unobserved = forward.filter(|_| start.is_none());
        Self {
            start,
            end,
            is_first: previous.is_none(),
            previous,
            unobserved_seconds: unobserved.map_or(0.0, |it| now.seconds_since(it)),
            seconds: vec![EnumMap::default(); fleet.snapshot.scopes.len()],
            startups: Vec::new(),
        }
    }

    /// Counts an agent of this collection.
    pub fn see(&mut self, fleet: &FleetStats, sight: &Sight<'_>) {
        let agent = sight.agent;
        self.count(agent, sight);
        if self.is_first || !self.is_first_ready(agent, sight) {
            return;
        }
        let Some(result) = first_start(agent) else {
            return;
        };
        let job = fleet.snapshot.startup_jobs.as_ref();
        let job = job.and_then(|it| it.get(&agent.id));
        let observed = phases(agent, job).map(|(phase, seconds)| Observed {
            scope: agent.scope,
            kind: agent.kind,
            phase,
            result,
            seconds,
        });
        self.startups.extend(observed);
    }

    /// Whether the agent became ready for the first time since the collection before. An agent
    /// whose row is younger than that collection was not ready then.
    fn is_first_ready(&self, agent: &Agent, sight: &Sight<'_>) -> bool {
        match sight.before {
            Some(before) => agent.ready_at.is_some() && !before.was_ready,
            None => agent.created_at > self.previous,
        }
    }

    fn count(&mut self, agent: &Agent, sight: &Sight<'_>) {
        let Some(counts) = self.seconds.get_mut(agent.scope.index()) else {
            return;
        };
        let counts = counts[agent.kind].get_or_insert_default();
        let health = sight.assessment.health;
        let Some(start) = self.start.filter(|_| health != Health::Shutdown) else {
            return;
        };
        let whole = self.end.seconds_since(start);
        counts.expected += whole;
        let Some(since) = sight.assessment.since else {
            return;
        };
        let was_problem = sight.before.is_some_and(|it| it.health.is_problem());
        // Up to the collection before, unless that one knew of the problem.
        let before = match was_problem {
            true => 0.0,
            false => LONGEST.as_secs_f64(),
        };
        let seconds = self.end.seconds_since(since);
        counts.unavailable[health] += seconds.clamp(0.0, whole + before);
    }

    pub(super) fn end(&self) -> Timestamp {
        self.end
    }

    pub(super) fn unobserved_seconds(&self) -> f64 {
        self.unobserved_seconds
    }

    /// What was counted, by scope and kind.
    pub(super) fn seconds(&self) -> impl Iterator<Item = (ScopeId, Kind, &AgentSeconds)> {
        let scopes = (0_u32..).map(ScopeId).zip(&self.seconds);
        scopes.flat_map(|(scope, by_kind)| {
            let kinds = by_kind.iter();
            kinds.filter_map(move |(kind, it)| Some((scope, kind, it.as_ref()?)))
        })
    }
}
