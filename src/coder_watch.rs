//! Asks Coder how it is, beside the scrapes and never in one (`docs/spec/signs-of-life.md`).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::coder_api::CoderApi;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::coder::CoderAnswers;
use crate::log_dedup::{LogDedup, Subject};
use crate::log_output::say;

/// From one question at `/healthz` to the next.
const INTERVAL: Duration = Duration::from_secs(15);

/// Coder works its health report out anew when it is asked for it: not more often than this.
const REPORT_EVERY: Duration = Duration::from_secs(5 * 60);

/// Coder may take this long for a health report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(60);

/// A version is a constant of Coder's.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// What Coder said last. Cheap to clone; all clones share everything.
#[derive(Debug, Clone)]
pub struct CoderWatch {
    api: Arc<CoderApi>,
    began: Instant,
    /// Never held across an await.
    state: Arc<Mutex<WatchState>>,
}

#[derive(Debug, Default)]
struct WatchState {
    answers: CoderAnswers,
    log: LogDedup,
    asked_for_report: Option<Instant>,
    /// Whether the log has said that the token may not read the health report.
    said_no_report: bool,
}

impl CoderWatch {
    /// Nothing has been asked yet.
    pub fn new(api: Arc<CoderApi>) -> Self {
        Self {
            api,
            began: Instant::now(),
            state: Arc::default(),
        }
    }

    /// Asks now and every 15 s from now on, until it is dropped.
    pub async fn run(&self) {
        let mut questions = interval(INTERVAL);
        questions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            questions.tick().await;
            self.ask().await;
        }
    }

    /// What Coder said last.
    pub fn answers(&self) -> CoderAnswers {
        self.state.lock().answers.clone()
    }

    /// Asks once.
    pub async fn ask(&self) {
        let healthz = self.api.healthz().await;
        let is_up = healthz.is_ok();
        self.note_healthz(healthz);
        if is_up {
            let version = timeout(VERSION_TIMEOUT, self.api.version()).await;
            if let Ok(Ok(version)) = version {
                self.state.lock().answers.version = Some(version);
            }
            self.ask_for_report().await;
        }
    }

    fn note_healthz(&self, healthz: Result<Duration, Failure>) {
        let uptime = self.began.elapsed();
        let line = {
            let mut state = self.state.lock();
            let line = match &healthz {
                Ok(_) => state.log.works(Subject::Coder, uptime),
                Err(failure) => Some(state.log.failed(Subject::Coder, failure, uptime)),
            };
            if healthz.is_err() {
                // What a Coder said that does not answer any more is not known to hold.
                state.answers = CoderAnswers::default();
            }
            state.answers.healthz = Some(healthz.map_err(|failure| failure.message));
            line
        };
        line.iter().for_each(say);
    }

    async fn ask_for_report(&self) {
        let is_due = {
            let mut state = self.state.lock();
            let asked = state.asked_for_report;
            let is_due =
                self.api.has_token() && asked.is_none_or(|asked| asked.elapsed() >= REPORT_EVERY);
            if is_due {
                state.asked_for_report = Some(Instant::now());
            }
            is_due
        };
        if !is_due {
            return;
        }
        let report = timeout(REPORT_TIMEOUT, self.api.health_report()).await;
        let report = report.unwrap_or_else(|_| {
            let message = "Coder's health report took longer than 60 s";
            Err(Failure::new(ErrorKind::Timeout, message))
        });
        let mut state = self.state.lock();
        match report {
            Ok(severities) => {
                state.answers.severities = Some(severities);
                state.said_no_report = false;
            }
            Err(failure) => {
                state.answers.severities = None;
                let is_new = !std::mem::replace(&mut state.said_no_report, true);
                drop(state);
                if is_new {
                    tracing::info!(error = %failure, "Coder's health report cannot be read; it needs a token of a user with the role owner");
                }
            }
        }
    }
}
