//! What a collection remembers from one pass to the next.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::WeakShared;
use tokio::time::Instant;

use crate::clock::wall_clock;
use crate::fleet::chronicle::Chronicle;
use crate::fleet::pass::{Collector, ErrorKind, Failure, Pass};
use crate::fleet::time::Timestamp;
use crate::fleet::transitions::{TransitionCounts, Transitions};
use crate::logfold::{Line, LogFold, Subject};
use crate::metrics::page::ErrorCounts;

use super::Flight;

/// A page that somebody has open asks again within this; passes are kept for it so long.
const WATCHED: Duration = Duration::from_secs(60);

/// What is known besides the database.
#[derive(Default)]
pub(super) struct State {
    /// The passes under way, by what they collect; one in practice. Weak: when the last one
    /// who waits for it goes, it is dropped, and with it the statement on the server.
    pub(super) flights: Vec<(Vec<Collector>, WeakShared<Flight>)>,
    pub(super) latest: Option<(Instant, Arc<Pass>)>,
    /// When somebody last asked for a pass that need not be new.
    pub(super) watched: Option<Instant>,
    pub(super) errors: ErrorCounts,
    /// What the memory held after the last pass.
    pub(super) transitions: TransitionCounts,
    pub(super) chronicle: Arc<Chronicle>,
    pub(super) log: LogFold,
}

impl State {
    /// Takes in what a pass found, at `at` of the log's time; what is worth a line.
    pub(super) fn learn(&mut self, pass: &Pass, merged_rows: u64, at: Duration) -> Vec<Line> {
        self.count(pass, merged_rows);
        let mut lines = self.log.pass(pass, at);
        lines.extend(match (&pass.fleet, merged_rows) {
            (Err(_), _) => None,
            (Ok(_), 0) => self.log.works(Subject::Rows, at),
            (Ok(_), _) => Some(self.log.failed(Subject::Rows, &rows_were_merged(), at)),
        });
        lines
    }

    /// Whether somebody has a page open that will ask again.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.is_some_and(|at| at.elapsed() < WATCHED)
    }

    fn count(&mut self, pass: &Pass, merged_rows: u64) {
        let now = wall_clock();
        for (_, failure) in pass.failures() {
            self.errors.add(failure.kind, now);
        }
        let kind = ErrorKind::DuplicateSeries;
        self.errors.add_many(kind, merged_rows, now);
    }
}

/// How every agent was seen last, and what has changed since the start.
#[derive(Default)]
pub(super) struct Memory {
    transitions: Transitions,
    /// Shared with pages that are being written; copied when it goes on.
    chronicle: Arc<Chronicle>,
}

impl Memory {
    /// Compares a pass with the last one.
    pub(super) fn follow(&mut self, pass: &Pass, now: Timestamp) {
        let chronicle = Arc::make_mut(&mut self.chronicle);
        chronicle.follow(pass, &mut self.transitions, now);
    }

    /// What there is to be shown of it.
    pub(super) fn so_far(&self) -> (TransitionCounts, Arc<Chronicle>) {
        (self.transitions.counts().clone(), self.chronicle.clone())
    }
}

fn rows_were_merged() -> Failure {
    let message = "rows with the same labels were merged: check the unique indexes of the \
                   database, and that agent names are unique";
    Failure::new(ErrorKind::DuplicateSeries, message)
}
