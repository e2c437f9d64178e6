//! Sends the reports that the core decides, one at a time.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;

use tokio::sync::watch;
use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;

use super::core::{Report, Reporter};

/// The receiver of reports: coderd, or a fake in tests.
pub trait Coderd {
    /// Why a report was not accepted. It is logged, so it must not contain a secret.
    type Error: Display;

    /// Sends a report to Coder. It may never return: the future is dropped when the connection
    /// ends, and the report then counts as not sent.
    ///
    /// # Errors
    ///
    /// When Coder did not accept the report, or the result is unknown.
    fn report(&self, report: Report) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Passes events of the process to its reporter. No method waits for Coder.
#[derive(Debug, Clone)]
pub struct Handle(watch::Sender<Reporter>);

impl Handle {
    /// A reporter that does nothing until [`run`] runs it.
    pub fn new(reporter: Reporter) -> Self {
        Self(watch::Sender::new(reporter))
    }

    /// The state of the process changed to `state` at `at`.
    pub fn transition(&self, state: Lifecycle, at: Timestamp) {
        self.0.send_modify(|it| it.transition(state, at));
    }

    /// The process connected at `now`, with this row.
    pub fn connected(&self, row: Uuid, now: Timestamp) {
        let mut new_in_state = None;
        self.0.send_modify(|it| {
            new_in_state = it.connected(row, now).then(|| it.state());
        });
        if let Some(state) = new_in_state {
            tracing::info!(
                %row,
                state = state.as_str(),
                "connected as another agent row than before, as after a new build of the workspace"
            );
        }
    }

    /// The connection ended; reports wait for the next one.
    pub fn disconnected(&self) {
        self.0.send_modify(Reporter::disconnected);
    }

    /// Waits until everything is reported, for example before the process ends.
    pub async fn reported(&self) {
        // The channel cannot close: this very handle is a sender.
        let _ = self.0.subscribe().wait_for(Reporter::is_reported).await;
    }
}

/// Sends reports. Never returns; drop the future to stop it. Only one call may run at a time for a
/// reporter.
///
/// A report whose answer is lost is sent again with the same state and time, unless the row has
/// changed. Sending it twice has the same effect as once.
pub async fn run(handle: Handle, coderd: impl Coderd) -> Infallible {
    // Subscribed before the first look: whatever comes after it wakes us.
    let mut changes = handle.0.subscribe();
    loop {
        let Some(report) = changes.borrow_and_update().next() else {
            // Cannot fail, as above.
            let _ = changes.changed().await;
            continue;
        };
        tokio::select! {
            // An answer that is there counts, even when the connection has just gone.
            biased;
            answer = coderd.report(report) => handle.answered(report, answer),
            _ = changes.wait_for(|it| it.next() != Some(report)) => {}
        }
    }
}

impl Handle {
    fn answered(&self, report: Report, answer: Result<(), impl Display>) {
        match answer {
            Ok(()) => self.0.send_modify(|it| it.reported(report)),
            Err(error) => {
                tracing::warn!(
                    %error,
                    row = %report.row,
                    state = report.state.as_str(),
                    "the lifecycle state could not be reported; the next connection tries again"
                );
                self.0.send_modify(|it| it.failed(report));
            }
        }
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
