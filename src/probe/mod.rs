//! The probe: does a workspace still resolve to an agent that answers (`docs/spec/probe.md`)?
//!
//! Runs beside the scrape and never in it. A round chooses workspaces, resolves them some at a
//! time, and records what came of it; a scrape reads the record.

mod one;
mod questions;
mod round;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::collect::Collect;
use crate::fleet::health::Limits;
use crate::fleet::probed::Probed;
use crate::fleet::probes::{ProbeStats, Probes};
use crate::fleet::rota::Rota;
use crate::logfold::LogFold;
use crate::resolver::{Dialer, Resolver, Settings as ResolverSettings};

pub use one::{Asked, Refused};
use questions::Questions;

/// What the probe runs with: `--probe.*`.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// From the beginning of one round to that of the next.
    pub interval: Duration,
    /// Workspaces in a round, at most.
    pub sample: usize,
    /// Dials at the same time, at most.
    pub concurrency: usize,
    /// For how long a probe says something of the present.
    pub horizon: Duration,
    /// How long a pass over the fleet may take.
    pub collect_timeout: Duration,
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`.
    pub limits: Limits,
    /// The resolver's constants.
    pub resolver: ResolverSettings,
}

/// Probes in rounds and on demand. Cheap to clone; all clones share everything.
pub struct Probe<L: Dialer> {
    shared: Arc<Shared<L>>,
}

impl<L: Dialer> Clone for Probe<L> {
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        Self { shared }
    }
}

impl<L: Dialer> fmt::Debug for Probe<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared.settings;
        f.debug_tuple("Probe").field(settings).finish()
    }
}

struct Shared<L: Dialer> {
    collect: Collect,
    resolver: Resolver<Questions, L>,
    settings: Settings,
    /// A dial needs a place, in a round or on demand.
    places: Semaphore,
    began: Instant,
    record: Mutex<Record>,
}

struct Record {
    rota: Rota,
    probes: Probes,
    log: LogFold,
}

impl<L: Dialer> Probe<L> {
    /// Probes the fleet that `collect` collects; nothing happens yet.
    pub fn new(collect: Collect, dialer: L, settings: Settings) -> Self {
        let questions = Questions::new(collect.clone());
        let shared = Shared {
            resolver: Resolver::new(questions, dialer, settings.resolver),
            places: Semaphore::new(settings.concurrency),
            began: Instant::now(),
            record: Mutex::new(Record {
                rota: Rota::default(),
                probes: Probes::new(settings.horizon),
                log: LogFold::default(),
            }),
            collect,
            settings,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Makes rounds until it is dropped. One that takes longer than the interval is followed by
    /// the next as soon as it ends, never by two at once.
    pub async fn run(&self) {
        let mut rounds = interval(self.shared.settings.interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            // One that panics costs itself: the next begins when it is due.
            if AssertUnwindSafe(self.round()).catch_unwind().await.is_err() {
                self.broke();
            }
        }
    }

    /// What it runs with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
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
        let record = self.shared.record.lock();
        record.unwrap_or_else(PoisonError::into_inner)
    }
}
