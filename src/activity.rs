//! Reads the session reports once a minute, in a task of its own and never in a scrape.
//!
//! The probe dials a connected agent only while a session report shows that its workspace is in use
//! (`docs/spec/probe.md`). One statement answers this for all workspaces at the same cost as for
//! one, so a single task reads the reports and everything else uses its latest reading.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::collect::Collect;
use crate::error::ErrorKind;
use crate::error::Failure;
use crate::fleet::model::activity::Activity;
use crate::log_dedup::{LogDedup, Subject};
use crate::log_output::say;
use crate::postgres::lookup::directory::QUESTION_TIMEOUT;

/// Time between two readings.
const INTERVAL: Duration = Duration::from_secs(60);

/// Reads session reports: the database, or a fake in tests.
pub trait ReportSource: Send + Sync + 'static {
    /// The session reports of the last minute, with the time of the reading.
    fn activity(&self) -> impl Future<Output = Result<Activity, Failure>> + Send;
}

impl ReportSource for Collect {
    async fn activity(&self) -> Result<Activity, Failure> {
        let _turn = self.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.database().activity(deadline).await
    }
}

/// One reading of the session reports.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Workspaces with sessions in the last minute.
    pub activity: Arc<Activity>,
    /// This process' clock just before the query was sent, so that no report seems younger than it
    /// is.
    pub read_at: Instant,
}

/// The latest reading, shared by all clones.
#[derive(Clone)]
pub struct ActivityReader<S> {
    source: S,
    began: Instant,
    /// Locked only for short reads and writes, never across an await.
    state: Arc<Mutex<ActivityState>>,
}

impl<S> fmt::Debug for ActivityReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_tuple("ActivityReader").field(&*state).finish()
    }
}

#[derive(Debug, Default)]
struct ActivityState {
    latest: Option<Reading>,
    log: LogDedup,
    /// Whether the log already has the message that this Coder stores no session reports.
    said_none_are_stored: bool,
}

impl<S: ReportSource> ActivityReader<S> {
    /// A reader without a reading yet.
    pub fn new(source: S) -> Self {
        Self {
            source,
            began: Instant::now(),
            state: Arc::default(),
        }
    }

    /// Reads now and then once a minute. Never returns; drop the future to stop it.
    pub async fn run(&self) {
        let mut readings = interval(INTERVAL);
        readings.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            readings.tick().await;
            self.read().await;
        }
    }

    /// Reads once. A failure clears the latest reading, because an old one may show users who have
    /// left.
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
                    // Of a database that cannot be reached the collection's line says enough.
                    let is_of_reports = !matches!(
                        failure.kind,
                        ErrorKind::Authentication | ErrorKind::Connect | ErrorKind::Tls
                    );
                    is_of_reports.then(|| state.log.failed(Subject::Activity, &failure, uptime))
                }
            }
        };
        line.iter().for_each(say);
    }

    /// The latest reading; `None` before the first one and after one that failed.
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
                 day), so the activity of workspaces is unknown and the probe dials no connected agent"
            );
        }
        self.said_none_are_stored = !is_stored;
    }
}
