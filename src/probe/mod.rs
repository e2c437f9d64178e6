//! The probe: checks whether the agents of workspaces answer (`docs/spec/probe.md`).
//!
//! It runs in rounds, independent of scrapes. A round chooses workspaces, resolves some of them at
//! the same time, and records the results. A scrape reads the results.
//!
//! Coder counts a dial through it as use of the workspace. `gate` decides for each dial whether it
//! is allowed, so that the probe keeps no workspace running.

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
use crate::fleet::probe::pace::Pace;
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

/// Delay of a round after the full minute. The session reports are read at the start of each
/// minute, so the round uses a new reading.
const AFTER_READING: Duration = Duration::from_secs(5);

/// Places that a round never takes: a person who asks does not wait for its slow dials.
const KEPT_FOR_REQUESTS: usize = 1;

/// The settings of the probe: `--probe.*`.
#[derive(Debug, Clone, Copy)]
pub struct ProbeSettings {
    /// Workspaces that are probed.
    pub scope: ProbeScope,
    /// Time between the starts of two rounds.
    pub interval: Duration,
    /// Maximum number of workspaces in a round; `None` for as many as the horizon needs.
    pub sample: Option<usize>,
    /// Dials of a round at the same time, at most; one more is made on demand.
    pub concurrency: usize,
    /// How long the result of a dial counts in the gauges.
    pub horizon: Duration,
    /// Timeout of the collection at the start of a round.
    pub collect_timeout: Duration,
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`.
    pub limits: Limits,
    /// Timeouts and cache size of the resolver.
    pub resolver: ResolverSettings,
}

impl ProbeSettings {
    /// How many workspaces are probed how often.
    pub fn pace(&self) -> Pace {
        Pace {
            interval: self.interval,
            sample: self.sample,
            horizon: self.horizon,
        }
    }
}

/// Probes workspaces in rounds and on request. Cheap to clone; all clones share the same state.
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
    /// One permit for each dial, in a round or on request.
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
    /// A probe of the fleet in `source`. It does nothing until it runs.
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
                probes: Probes::new(settings.pace()),
                log: LogDedup::default(),
            }),
            source,
            settings,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Runs rounds. Never returns; drop the future to stop it. If a round takes longer than the
    /// interval, the next one starts at the next multiple of the interval, so two rounds never
    /// overlap.
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

    /// The settings of the probe.
    pub fn settings(&self) -> &ProbeSettings {
        &self.shared.settings
    }

    /// The reader of the session reports, which decide the scope. The owner of the probe runs it.
    pub fn activity(&self) -> &ActivityReader<S> {
        &self.shared.activity
    }

    /// Whether Coder counts its dials as use of the workspace.
    pub fn counts_as_use(&self) -> bool {
        self.shared.resolver.dialer().counts_as_use()
    }

    /// The statistics of the probe at this time.
    pub fn stats(&self) -> ProbeStats {
        let uptime = self.shared.began.elapsed();
        self.lock().probes.stats(uptime)
    }

    /// The last probes, newest first.
    pub fn history(&self) -> Vec<Arc<Probed>> {
        self.lock().probes.history().cloned().collect()
    }

    /// The last probes that did not reach their agent, newest first.
    pub fn failures(&self) -> Vec<Arc<Probed>> {
        self.lock().probes.failures().cloned().collect()
    }

    /// All probes of a workspace in the histories, newest first.
    pub fn of_workspace(&self, workspace: Uuid) -> Vec<Arc<Probed>> {
        self.lock().probes.of_workspace(workspace)
    }

    /// The latest probes whose status contradicts the dial, newest first.
    pub fn at_odds(&self) -> Vec<Arc<Probed>> {
        let uptime = self.shared.began.elapsed();
        self.lock().probes.at_odds(uptime)
    }

    /// Locks the results. The lock must not be held across an await.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock()
    }
}
