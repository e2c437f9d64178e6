//! Sends what the core says is next, one report at a time.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;

use tokio::sync::watch;
use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;

use super::core::{Report, Reporter};

/// Where reports go.
pub trait Coderd {
    /// Why a report was not taken; no secret, for it is logged.
    type Error: Display;

    /// Tells Coder one thing. It need not end by itself: it is dropped when its connection is
    /// no longer the present one, and its report counts as not made.
    ///
    /// # Errors
    ///
    /// When Coder did not take it, or it is not known whether it did.
    fn report(&self, report: Report) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What the rest of the process tells its reporter; none of it waits for Coder.
#[derive(Debug, Clone)]
pub struct Handle(watch::Sender<Reporter>);

impl Handle {
    /// A reporter that waits to be [`run`].
    pub fn new(reporter: Reporter) -> Self {
        Self(watch::Sender::new(reporter))
    }

    /// The process becomes `state` at `at`.
    pub fn transition(&self, state: Lifecycle, at: Timestamp) {
        self.0.send_modify(|it| it.transition(state, at));
    }

    /// A connection is up at `now`, as this row.
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

    /// The connection is down.
    pub fn disconnected(&self) {
        self.0.send_modify(Reporter::disconnected);
    }

    /// Waits until there is nothing left to tell: before the process ends, say.
    pub async fn reported(&self) {
        // The channel cannot close: this very handle is a sender.
        let _ = self.0.subscribe().wait_for(Reporter::is_reported).await;
    }
}

/// Reports until it is dropped. A reporter is run once at a time.
///
/// A report whose answer is lost with its connection is sent again, with the same state and
/// time, unless the row has changed: doing it twice is the same as once.
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
