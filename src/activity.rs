//! Reads the session reports once a minute, beside the scrapes and never in one.
//!
//! The probe dials a connected agent only while a report shows that its workspace is in use
//! (`docs/spec/probe.md`). The statement costs the same whatever is asked of its answer, so one
//! task reads it for all, and everything else looks at the latest reading.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::collect::Collect;
use crate::error::Failure;
use crate::fleet::model::activity::Activity;
use crate::log_dedup::{LogDedup, Subject};
use crate::log_output::say;
use crate::postgres::lookup::directory::QUESTION_TIMEOUT;

/// From one reading to the next.
const INTERVAL: Duration = Duration::from_secs(60);

/// Where session reports are read.
pub trait ReportSource: Send + Sync + 'static {
    /// The reports of the last minute, with the moment of the reading.
    fn activity(&self) -> impl Future<Output = Result<Activity, Failure>> + Send;
}

impl ReportSource for Collect {
    async fn activity(&self) -> Result<Activity, Failure> {
        let _turn = self.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.database().activity(deadline).await
    }
}

/// One reading, and when it was made by this process' clock.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What was read.
    pub activity: Arc<Activity>,
    /// Just before the database was asked: a report is never taken for younger than it is.
    pub read_at: Instant,
}

/// The latest reading, shared by all clones.
#[derive(Debug, Clone)]
pub struct ActivityReader<S> {
    source: S,
    began: Instant,
    /// Never held across an await.
    state: Arc<Mutex<ActivityState>>,
}

#[derive(Debug, Default)]
struct ActivityState {
    latest: Option<Reading>,
    log: LogDedup,
    /// Whether the log has said that this Coder stores no reports.
    said_none_are_stored: bool,
}

impl<S: ReportSource> ActivityReader<S> {
    /// Nothing is read yet.
    pub fn new(source: S) -> Self {
        Self {
            source,
            began: Instant::now(),
            state: Arc::default(),
        }
    }

    /// Reads now and every minute from now on, until it is dropped.
    pub async fn run(&self) {
        let mut readings = interval(INTERVAL);
        readings.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            readings.tick().await;
            self.read().await;
        }
    }

    /// Reads once. After a failure no reading is known: an old one would not tell who has left.
    pub async fn read(&self) {
        let read_at = Instant::now();
        let result = self.source.activity().await;
        let uptime = self.began.elapsed();
        let line = {
            let mut state = self.state.lock();
            match result {
                Ok(activity) => {
                    state.note_whether_stored(&activity);
                    state.latest = Some(Reading {
                        activity: Arc::new(activity),
                        read_at,
                    });
                    state.log.works(Subject::Activity, uptime)
                }
                Err(failure) => {
                    state.latest = None;
                    Some(state.log.failed(Subject::Activity, &failure, uptime))
                }
            }
        };
        line.iter().for_each(say);
    }

    /// The latest reading; `None` before the first and after one that failed.
    pub fn latest(&self) -> Option<Reading> {
        self.state.lock().latest.clone()
    }
}

impl ActivityState {
    fn note_whether_stored(&mut self, activity: &Activity) {
        let is_stored = activity.is_stored();
        if !is_stored && !self.said_none_are_stored {
            tracing::info!(
                "Coder stores no session reports (workspace_agent_stats has none of the last \
                 day), so use is unknown and the probe dials no connected agent"
            );
        }
        self.said_none_are_stored = !is_stored;
    }
}
