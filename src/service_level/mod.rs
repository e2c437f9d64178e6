//! The service level (`docs/spec/service-level.md`): how long agents were expected, how long they
//! were unavailable, and how long they took to start. Pure: each collection is compared with the
//! one before it, and every moment is the snapshot's.

mod interval;

use std::collections::BTreeMap;
use std::time::Duration;

use enum_map::EnumMap;

use crate::fleet::model::agent::{Kind, Scope};
use crate::fleet::model::startup::{StartupPhase, StartupResult};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::histogram::Histogram;

pub use interval::Interval;

/// Collections further apart than this leave their time unobserved. It is also the most that an
/// agent adds for the time before a collection found its problem.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// Bounds of start-up durations, in seconds: from a container that is there already to a machine
/// that is installed first.
const STARTUP_BOUNDS: [f64; 8] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Sums since the start of the process.
#[derive(Debug, Clone, Default)]
pub struct ServiceLevel {
    /// The moment up to which time was counted.
    last: Option<Timestamp>,
    seconds: BTreeMap<(Scope, Kind), AgentSeconds>,
    startups: BTreeMap<Startup, Histogram>,
    unobserved_seconds: f64,
}

/// Agent-seconds of one scope and kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AgentSeconds {
    /// Of agents that were expected.
    pub expected: f64,
    /// Of agents with a problem, by its health class.
    pub unavailable: EnumMap<Health, f64>,
}

/// What a distribution of start-up durations is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Startup {
    /// Organization and template.
    pub scope: Scope,
    /// Kind of the agents.
    pub kind: Kind,
    /// The phase that was measured.
    pub phase: StartupPhase,
    /// How the start-up ended.
    pub result: StartupResult,
}

impl ServiceLevel {
    /// The interval that ends with this collection. Each of its agents is to be
    /// [seen](Interval::see), and then the interval [added](Self::add).
    pub fn begin(&self, fleet: &FleetStats) -> Interval {
        Interval::new(self.last, fleet)
    }

    /// Adds an interval.
    pub fn add(&mut self, fleet: &FleetStats, interval: Interval) {
        self.unobserved_seconds += interval.unobserved_seconds();
        self.last = Some(interval.end());
        let scopes = |id| fleet.snapshot.scopes.get(id).cloned();
        for (scope, kind, seconds) in interval.seconds() {
            if let Some(scope) = scopes(scope) {
                self.seconds.entry((scope, kind)).or_default().add(seconds);
            }
        }
        for it in interval.startups {
            if let Some(scope) = scopes(it.scope) {
                let startup = Startup {
                    scope,
                    kind: it.kind,
                    phase: it.phase,
                    result: it.result,
                };
                self.startups
                    .entry(startup)
                    .or_insert_with(|| Histogram::new(&STARTUP_BOUNDS))
                    .observe(it.seconds);
            }
        }
    }

    /// Agent-seconds of each scope and kind that ever had an agent.
    pub fn seconds(&self) -> impl Iterator<Item = (&Scope, Kind, &AgentSeconds)> {
        let seconds = self.seconds.iter();
        seconds.map(|((scope, kind), seconds)| (scope, *kind, seconds))
    }

    /// Durations of start-ups.
    pub fn startups(&self) -> impl Iterator<Item = (&Startup, &Histogram)> {
        self.startups.iter()
    }

    /// Seconds between collections that were too far apart to count.
    pub fn unobserved_seconds(&self) -> f64 {
        self.unobserved_seconds
    }
}

impl AgentSeconds {
    fn add(&mut self, more: &Self) {
        self.expected += more.expected;
        for (health, seconds) in more.unavailable {
            self.unavailable[health] += seconds;
        }
    }
}

#[cfg(test)]
mod tests;
