//! The probe: does a workspace still resolve to an agent that answers (`docs/spec/probe.md`)?
//!
//! Runs beside the scrape and never in it. A round chooses workspaces, resolves them some at a
//! time, and records what came of it; a scrape reads the record.
//!
//! A dial through Coder counts as use of the workspace. `gate` decides at each dial whether it
//! may be made, so that the probe keeps no workspace alive.

mod gate;
mod one;
mod questions;
mod round;
mod source;

#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

use crate::activity::ActivityReader;
use crate::collect::Collect;
use crate::fleet::probe::probed::Probed;
use crate::fleet::probe::results::{ProbeStats, Probes};
use crate::fleet::probe::scheduler::ProbeScheduler;
use crate::fleet::probe::scope::ProbeScope;
use crate::fleet::rules::health::Limits;
use crate::log_dedup::LogDedup;
use crate::resolver::{Dialer, Resolver, ResolverSettings};

use gate::Gate;
pub use gate::Reach;
pub use one::{Answer, Asked, Refused, Skipped};
use questions::Questions;
pub use source::Source;

/// The session reports are read at the start of each minute, and a round that begins a little
/// later finds a reading as young as can be.
const AFTER_READING: Duration = Duration::from_secs(5);

/// Places that a round never takes: a person who asks does not wait for its slow dials.
const KEPT_FOR_REQUESTS: usize = 1;

/// Without `--probe.sample`, a round has at least this many workspaces, so that a small fleet is
/// seen whole in each.
const LEAST_SAMPLE: usize = 20;

/// Without `--probe.sample`, a round has at most this many workspaces.
const MOST_SAMPLE: usize = 200;

/// What the probe runs with: `--probe.*`.
#[derive(Debug, Clone, Copy)]
pub struct ProbeSettings {
    /// Which workspaces it looks at.
    pub scope: ProbeScope,
    /// From the beginning of one round to that of the next.
    pub interval: Duration,
    /// Workspaces in a round, at most; `None` for as many as the horizon needs.
    pub sample: Option<usize>,
    /// Dials of a round at the same time, at most; one more is made on demand.
    pub concurrency: usize,
    /// For how long a probe says something of the present.
    pub horizon: Duration,
    /// How long a collection over the fleet may take.
    pub collect_timeout: Duration,
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`.
    pub limits: Limits,
    /// The resolver's constants.
    pub resolver: ResolverSettings,
}

impl ProbeSettings {
    /// Workspaces in a round where `in_scope` are in scope: as many as it takes to probe each
    /// within the horizon, at least 20, at most 200, unless set.
    pub fn sample_of(&self, in_scope: usize) -> usize {
        let rounds = self.horizon.as_secs_f64() / self.interval.as_secs_f64();
        let needed = (in_scope as f64 / rounds.max(1.0)).ceil() as usize;
        let following = needed.clamp(LEAST_SAMPLE, MOST_SAMPLE);
        self.sample.unwrap_or(following)
    }
}

/// Probes in rounds and on demand. Cheap to clone; all clones share everything.
pub struct Probe<L: Dialer, S: Source = Collect> {
    shared: Arc<Shared<L, S>>,
}

impl<L: Dialer, S: Source> Clone for Probe<L, S> {
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        Self { shared }
    }
}

impl<L: Dialer, S: Source> fmt::Debug for Probe<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared.settings;
        f.debug_tuple("Probe").field(settings).finish()
    }
}

struct Shared<L: Dialer, S: Source> {
    source: S,
    questions: Arc<Questions<S>>,
    resolver: Resolver<Arc<Questions<S>>, L>,
    gate: Gate<S>,
    activity: ActivityReader<S>,
    settings: ProbeSettings,
    /// A dial needs a place, in a round or on demand.
    places: Semaphore,
    began: Instant,
    record: Mutex<Record>,
}

struct Record {
    scheduler: ProbeScheduler,
    probes: Probes,
    log: LogDedup,
}

impl<L: Dialer, S: Source> Probe<L, S> {
    /// Probes the fleet that `source` knows; nothing happens yet.
    pub fn new(source: S, dialer: L, settings: ProbeSettings) -> Self {
        let questions = Arc::new(Questions::new(source.clone()));
        let activity = ActivityReader::new(source.clone());
        let inactive_timeout = settings.resolver.inactive_timeout;
        let shared = Shared {
            resolver: Resolver::new(questions.clone(), dialer, settings.resolver),
            questions,
            gate: Gate::new(settings.scope, inactive_timeout, activity.clone()),
            activity,
            places: Semaphore::new(settings.concurrency + KEPT_FOR_REQUESTS),
            began: Instant::now(),
            record: Mutex::new(Record {
                scheduler: ProbeScheduler::default(),
                probes: Probes::new(settings.horizon),
                log: LogDedup::default(),
            }),
            source,
            settings,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Makes rounds until it is dropped. A round that takes longer than the interval is followed
    /// by the next at the next multiple of it; there are never two at once.
    pub async fn run(&self) {
        let interval = self.shared.settings.interval;
        let mut rounds = interval_at(Instant::now() + AFTER_READING.min(interval), interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            rounds.tick().await;
            // One that panics costs itself: the next begins when it is due.
            if AssertUnwindSafe(self.round()).catch_unwind().await.is_err() {
                self.broke();
            }
        }
    }

    /// What it runs with.
    pub fn settings(&self) -> &ProbeSettings {
        &self.shared.settings
    }

    /// Reads the session reports that decide what is in scope; the owner of the probe runs it
    /// beside the rounds.
    pub fn activity(&self) -> &ActivityReader<S> {
        &self.shared.activity
    }

    /// Whether Coder counts its dials as use of the workspace.
    pub fn counts_as_use(&self) -> bool {
        self.shared.resolver.dialer().counts_as_use()
    }

    /// The numbers of this moment.
    pub fn stats(&self) -> ProbeStats {
        let uptime = self.shared.began.elapsed();
        self.lock().probes.stats(uptime)
    }

    /// The last probes, the newest first.
    pub fn history(&self) -> Vec<Arc<Probed>> {
        self.lock().probes.history().cloned().collect()
    }

    /// The last probes that did not reach their agent, the newest first.
    pub fn failures(&self) -> Vec<Arc<Probed>> {
        self.lock().probes.failures().cloned().collect()
    }

    /// Everything that is remembered of one workspace, the newest first.
    pub fn of_workspace(&self, workspace: Uuid) -> Vec<Arc<Probed>> {
        self.lock().probes.of_workspace(workspace)
    }

    /// The probes about whose agents database and dial disagree, the newest first.
    pub fn at_odds(&self) -> Vec<Arc<Probed>> {
        let uptime = self.shared.began.elapsed();
        self.lock().probes.at_odds(uptime)
    }

    /// Never held across an await.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock()
    }
}
