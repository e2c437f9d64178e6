//! Collects on demand: concurrent requests share one collection.

mod incidents;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::clock::wall_clock;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::activity::{CutOff, Loss};
use crate::fleet::model::agent::Label;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::{CollectionResult, Collector};
use crate::fleet::stats::health_history::HealthHistory;
use crate::fleet::stats::transitions::TransitionCounts;
use crate::incident::history::EndedIncident;
use crate::incident::model::IncidentSettings;
use crate::log_dedup::Subject;
use crate::log_output::say;
use crate::metrics::coderd;
use crate::metrics::page::ErrorCounts;
use crate::offload::offload;
use crate::postgres::database::{CollectionRequest, Database};
use crate::service_level::ServiceLevel;

use incidents::IncidentMemory;
pub use incidents::Incidents;
use state::{CollectState, Memory};

/// A collection ends at its deadline with an error that says what it was waiting for. The request
/// that started it waits this much longer, to get that error.
const GRACE: Duration = Duration::from_millis(50);

/// Settings of a collection, without the database.
#[derive(Debug, Clone)]
pub struct CollectSettings {
    /// Enabled collectors, in the order in which they run.
    pub collectors: Vec<Collector>,
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`.
    pub limits: Limits,
    /// Whether apps are collected by name, for Coder's own metrics.
    pub named_apps: bool,
    /// Keys of the metadata of resources by which agents are compared.
    pub metadata_keys: Vec<Label>,
    /// What is one incident.
    pub incidents: IncidentSettings,
    /// Minimum time between two collections: a younger one is served again.
    pub min_interval: Duration,
}

impl CollectSettings {
    /// The parts that a collection with these settings loads.
    pub fn wanted(&self) -> CollectionRequest<'_> {
        CollectionRequest {
            collectors: &self.collectors,
            limits: &self.limits,
            named_apps: self.named_apps,
            metadata_keys: &self.metadata_keys,
        }
    }
}

/// The source of collections: the database, or a fake that counts in tests.
pub trait CollectionSource: Clone + Send + Sync + 'static {
    /// Runs one collection. It never fails: an error is part of the result. Dropping the future
    /// cancels the work.
    fn collection(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> impl Future<Output = CollectionResult> + Send;
}

impl CollectionSource for Database {
    fn collection(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> impl Future<Output = CollectionResult> + Send {
        Self::collection(self, wanted, deadline)
    }
}

/// Collects on demand (`docs/spec/collection.md`). Cheap to clone; all clones share the current
/// collection and the history.
#[derive(Clone)]
pub struct Collect<S = Database> {
    source: Arc<Mutex<S>>,
    settings: Arc<CollectSettings>,
    state: Arc<Mutex<CollectState>>,
    /// Locked while a collection is compared with the previous one. The state may be locked while
    /// this is locked, never the other way round.
    memory: Arc<Mutex<Memory>>,
    incidents: Arc<IncidentMemory>,
    /// One permit, for queries that are not collections.
    turn: Arc<Semaphore>,
    /// Start of the process: the log's times count from here.
    started: Instant,
}

type Flight = BoxFuture<'static, Arc<CollectionResult>>;

impl Collect<Database> {
    /// The database, for queries that are not collections.
    pub fn database(&self) -> Database {
        self.source.lock().clone()
    }

    /// Uses another database from the next collection on. Collections in progress keep the old one.
    pub fn replace_database(&self, database: Database) {
        *self.source.lock() = database;
    }
}

impl<S: CollectionSource> Collect<S> {
    /// Collects from `source`. The first request starts the first collection.
    pub fn new(source: S, settings: CollectSettings) -> Self {
        Self {
            source: Arc::new(Mutex::new(source)),
            settings: Arc::new(settings),
            state: Arc::default(),
            memory: Arc::default(),
            incidents: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
            started: Instant::now(),
        }
    }

    /// A recent collection, the one in progress, or a new one. Returns at `deadline` at the latest,
    /// plus at most 50 ms, whatever the database does.
    pub async fn collection(&self, deadline: Instant) -> Arc<CollectionResult> {
        self.collection_of(&self.settings.collectors, deadline)
            .await
    }

    /// As [`collection`](Self::collection), but only these collectors, which must be enabled and in
    /// the order in which they run. Shared with requests for the same collectors.
    pub async fn collection_of(
        &self,
        collectors: &[Collector],
        deadline: Instant,
    ) -> Arc<CollectionResult> {
        self.collection_within(collectors, self.settings.min_interval, deadline)
            .await
    }

    /// As [`collection`](Self::collection), but a result that is younger than `max_age` is returned
    /// again. It is for pages, which have many viewers and refresh themselves. While a page is
    /// open, the last collection is kept.
    pub async fn recent(&self, max_age: Duration, deadline: Instant) -> Arc<CollectionResult> {
        self.state.lock().watched = Some(Instant::now());
        let max_age = max_age.max(self.settings.min_interval);
        self.collection_within(&self.settings.collectors, max_age, deadline)
            .await
    }

    async fn collection_within(
        &self,
        collectors: &[Collector],
        max_age: Duration,
        deadline: Instant,
    ) -> Arc<CollectionResult> {
        // Once only: a database that is always too slow is not to be asked again and again.
        let mut may_try_again = true;
        loop {
            let (flight, joined) = match self.join_or_start(collectors, max_age, deadline) {
                SingleFlight::Cached(collection) => return collection,
                SingleFlight::Joined(flight) => (flight, true),
                SingleFlight::Started(flight) => (flight, false),
            };
            match timeout_at(deadline + GRACE, flight).await {
                // It ended at the deadline of the request that began it; there is still time for
                // another.
                Ok(collection) if joined && may_try_again && ran_out_of_time(&collection) => {
                    may_try_again = false;
                }
                Ok(collection) => return collection,
                Err(_) => return self.too_late(collectors),
            }
        }
    }

    /// The permit for a query that is not a collection; released when dropped. There is only one,
    /// so pages and the probe together use at most one connection and a scrape finds one free.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turn.clone().acquire_owned().await.ok()
    }

    /// The settings of the collection.
    pub fn settings(&self) -> &CollectSettings {
        &self.settings
    }

    /// Errors by kind since the start of the process.
    pub fn errors(&self) -> ErrorCounts {
        self.state.lock().errors.clone()
    }

    /// Status changes by status before and after, since the start of the process.
    pub fn transitions(&self) -> Arc<TransitionCounts> {
        self.state.lock().transitions.clone()
    }

    /// Sums for the service level since the start of the process.
    pub fn service_level(&self) -> Arc<ServiceLevel> {
        self.state.lock().service_level.clone()
    }

    /// Whether Coder was alive in the last collection; `None` when that is not known.
    pub fn coder_state(&self) -> Option<CoderState> {
        self.state.lock().coder
    }

    /// The last health changes, for the pages.
    pub fn health_history(&self) -> Arc<HealthHistory> {
        self.state.lock().health_history.clone()
    }

    /// Whether later scrapes may get this collection again.
    pub fn serves_again(&self, collection: &Arc<CollectionResult>) -> bool {
        let state = self.state.lock();
        let latest = state.latest.as_ref();
        !self.settings.min_interval.is_zero()
            && latest.is_some_and(|(_, it)| Arc::ptr_eq(it, collection))
    }

    /// What the agents with problems of this collection have in common; `None` when its agents are
    /// unknown.
    pub fn incidents_of(&self, collection: &CollectionResult) -> Option<Incidents> {
        let fleet = collection.fleet.as_ref().ok();
        let fleet = fleet.filter(|it| it.agents.is_some())?;
        Some(self.incidents.of(fleet, self.settings.incidents))
    }

    /// Incidents that ended within the last six hours, the newest first.
    pub fn ended_incidents(&self) -> Vec<EndedIncident> {
        self.incidents.ended()
    }

    /// Losses in the present incidents of which it is not known whether they cut a person off. Waits
    /// until there are some; at most one question's.
    pub async fn losses_to_ask(&self) -> Vec<Loss> {
        self.incidents.losses_to_ask().await
    }

    /// Gives up these losses: the question took too long.
    pub fn give_up_losses(&self, asked: &[Loss]) {
        self.incidents.give_up(asked);
    }

    /// Keeps what was answered about these losses. It is in the incidents of the next collection.
    pub fn learn_cut_off(&self, asked: &[Loss], answer: &CutOff) {
        self.incidents.learn(asked, answer);
    }

    fn join_or_start(
        &self,
        collectors: &[Collector],
        max_age: Duration,
        deadline: Instant,
    ) -> SingleFlight {
        let mut state = self.state.lock();
        if self.is_whole(collectors)
            && let Some((finished, collection)) = &state.latest
            && finished.elapsed() < max_age
        {
            return SingleFlight::Cached(collection.clone());
        }
        // Those without a waiting request are gone.
        state.flights.retain(|(_, it)| it.upgrade().is_some());
        let same = state.flights.iter().find(|(of, _)| of == collectors);
        if let Some(flight) = same.and_then(|(_, it)| it.upgrade()) {
            return SingleFlight::Joined(flight);
        }
        let flight = self.clone().run_flight(collectors.to_vec(), deadline);
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            state.flights.push((collectors.to_vec(), weak));
        }
        SingleFlight::Started(flight)
    }

    async fn run_flight(
        self,
        collectors: Vec<Collector>,
        deadline: Instant,
    ) -> Arc<CollectionResult> {
        let wanted = CollectionRequest {
            collectors: &collectors,
            ..self.settings.wanted()
        };
        let source = self.source.lock().clone();
        let collection = Arc::new(source.collection(wanted, deadline).await);
        let (collect, studied) = (self.clone(), collection.clone());
        let merged = offload(collection.agent_count(), move || collect.study(&studied)).await;
        let mut state = self.state.lock();
        let lines = state.learn(&collection, merged, self.started.elapsed());
        if collection.fleet.is_ok() && self.is_whole(&collectors) {
            // Kept only where it may be served again: two collections cost twice the memory.
            let is_kept = !self.settings.min_interval.is_zero() || state.is_watched();
            state.latest = is_kept.then(|| (Instant::now(), collection.clone()));
        }
        state.flights.retain(|(of, _)| *of != collectors);
        drop(state);
        lines.iter().for_each(say);
        collection
    }

    /// Whether these are all enabled collectors.
    fn is_whole(&self, collectors: &[Collector]) -> bool {
        collectors == self.settings.collectors
    }

    /// Compares a collection with the last one, finds its incidents, and counts the rows that were merged. It looks at
    /// every agent, so the state, which every scrape locks, is locked only to store the result.
    fn study(&self, collection: &CollectionResult) -> u64 {
        let mut memory = self.memory.lock();
        memory.follow(collection, wall_clock());
        let mut state = self.state.lock();
        memory.store_in(&mut state);
        if let Ok(fleet) = &collection.fleet {
            state.coder = fleet.coder_state();
        }
        drop(state);
        drop(memory);
        if let Ok(fleet) = &collection.fleet
            && fleet.agents.is_some()
        {
            self.incidents.follow(fleet, self.settings.incidents);
        }
        self.merged_rows(collection)
    }

    /// Number of rows in this collection that were merged because they would give the same series
    /// twice.
    fn merged_rows(&self, collection: &CollectionResult) -> u64 {
        collection.fleet.as_ref().map_or(0, |fleet| {
            let of_coderd = self.settings.named_apps.then(|| coderd::merged_rows(fleet));
            fleet.merged_rows + of_coderd.unwrap_or_default()
        })
    }

    /// The result for a request whose deadline passed, while the collection continues for another
    /// request with a later deadline.
    fn too_late(&self, collectors: &[Collector]) -> Arc<CollectionResult> {
        let failure = Failure::new(
            ErrorKind::Timeout,
            "the scrape's deadline passed before the database answered",
        );
        let mut state = self.state.lock();
        state.errors.add(failure.kind, wall_clock());
        let at = self.started.elapsed();
        let line = state.log.failed(Subject::Scrape, &failure, at);
        drop(state);
        say(&line);
        Arc::new(CollectionResult::failed(
            failure,
            collectors.iter().copied(),
        ))
    }
}

enum SingleFlight {
    /// A result that is younger than the minimum interval or the requested age.
    Cached(Arc<CollectionResult>),
    /// A collection in progress, started by another request.
    Joined(Shared<Flight>),
    /// A new collection, started for this request.
    Started(Shared<Flight>),
}

fn ran_out_of_time(collection: &CollectionResult) -> bool {
    matches!(&collection.fleet, Err(failure) if failure.kind == ErrorKind::Timeout)
}
