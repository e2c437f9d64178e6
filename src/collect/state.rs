//! State that is kept from one collection to the next.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::WeakShared;
use tokio::time::Instant;

use crate::clock::wall_clock;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::stats::collection::{CollectionResult, Collector};
use crate::fleet::stats::health_history::HealthHistory;
use crate::fleet::stats::transitions::{TransitionCounts, Transitions};
use crate::log_dedup::{Line, LogDedup, Subject};
use crate::metrics::page::ErrorCounts;
use crate::service_level::ServiceLevel;

use super::Flight;

/// An open page refreshes within this time. After a page was served, the last collection is kept
/// for this long.
pub(super) const WATCHED: Duration = Duration::from_secs(60);

/// State of the collections, without the database.
#[derive(Default)]
pub(super) struct CollectState {
    /// Collections in progress, by their collectors; usually one. Weak references: when the last
    /// waiting request ends, the collection is dropped, which cancels its statement on the server.
    pub(super) flights: Vec<(Vec<Collector>, WeakShared<Flight>)>,
    pub(super) latest: Option<(Instant, Arc<CollectionResult>)>,
    /// When a page last asked for a recent collection.
    pub(super) watched: Option<Instant>,
    pub(super) errors: ErrorCounts,
    /// Rows that the last collection merged: each counts once, however long it stays.
    merged_rows: u64,
    /// Status changes as of the last collection.
    pub(super) transitions: Arc<TransitionCounts>,
    pub(super) health_history: Arc<HealthHistory>,
    pub(super) service_level: Arc<ServiceLevel>,
    /// Whether Coder was alive in the last collection that could tell.
    pub(super) coder: Option<CoderState>,
    pub(super) log: LogDedup,
}

impl CollectState {
    /// Updates the state with a collection that ended at `at`, and returns lines for the log.
    pub(super) fn learn(
        &mut self,
        collection: &CollectionResult,
        merged_rows: u64,
        at: Duration,
    ) -> Vec<Line> {
        self.count(collection, merged_rows);
        let mut lines = self.log.collection(collection, at);
        lines.extend(match (&collection.fleet, merged_rows) {
            (Err(_), _) => None,
            (Ok(_), 0) => self.log.works(Subject::Rows, at),
            (Ok(_), _) => Some(self.log.failed(Subject::Rows, &rows_were_merged(), at)),
        });
        lines
    }

    /// Whether a page is open that will refresh.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.is_some_and(|at| at.elapsed() < WATCHED)
    }

    fn count(&mut self, collection: &CollectionResult, merged_rows: u64) {
        let now = wall_clock();
        for (_, failure) in collection.failures() {
            self.errors.add(failure.kind, now);
        }
        if let Ok(fleet) = &collection.fleet {
            self.errors.build_differences = fleet.snapshot.build_differences;
        }
        let new = merged_rows.saturating_sub(self.merged_rows);
        self.errors.add_many(ErrorKind::DuplicateSeries, new, now);
        // One without agents says nothing of theirs.
        if collection.agent_count() > 0 {
            self.merged_rows = merged_rows;
        }
    }
}

/// The last known state of every agent, and the changes since the start of the process.
#[derive(Default)]
pub(super) struct Memory {
    transitions: Transitions,
    /// Shared with pages that are being rendered, and copied on write.
    health_history: Arc<HealthHistory>,
    /// Likewise.
    service_level: Arc<ServiceLevel>,
}

impl Memory {
    /// Compares a collection with the previous one.
    pub(super) fn follow(&mut self, collection: &CollectionResult, now: Timestamp) {
        let health_history = Arc::make_mut(&mut self.health_history);
        let fleet = collection.fleet.as_ref().ok();
        let Some(fleet) = fleet.filter(|it| it.agents.is_some()) else {
            return health_history.follow(collection, &mut self.transitions, now, |_| {});
        };
        let mut interval = self.service_level.begin(fleet);
        health_history.follow(collection, &mut self.transitions, now, |sight| {
            interval.see(fleet, sight);
        });
        Arc::make_mut(&mut self.service_level).add(fleet, interval);
    }

    /// Stores the status changes, the health history and the service level so far.
    pub(super) fn store_in(&self, state: &mut CollectState) {
        state.transitions = Arc::new(self.transitions.counts().clone());
        state.health_history = self.health_history.clone();
        state.service_level = self.service_level.clone();
    }
}

fn rows_were_merged() -> Failure {
    let message = "rows with the same labels were merged: check the unique indexes of the \
                   database, and that agent names are unique";
    Failure::new(ErrorKind::DuplicateSeries, message)
}
