//! The collectors of one collection, flight by flight, into one snapshot.

use std::mem;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::snapshot::{Schema, Snapshot};
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::{Collector, CollectorReport, Outcome};
use crate::offload::offload;
use crate::postgres::connection::session::Session;

use super::collectors::{Context, Found, Loaded, flights, row};

/// What is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct CollectionRequest<'a> {
    /// Collectors that are on.
    pub collectors: &'a [Collector],
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`: who is stuck
    /// decides whose cause is asked for.
    pub limits: &'a Limits,
    /// Whether apps are wanted by name, for Coder's own metrics.
    pub named_apps: bool,
}

/// Loads everything that is wanted.
///
/// # Errors
///
/// When the database stopped answering before anything was known.
pub(super) async fn load(
    session: &Session,
    wanted: CollectionRequest<'_>,
) -> Result<(Snapshot, Vec<CollectorReport>), Failure> {
    let mut loading = Loading {
        session,
        wanted,
        found: Found::new(empty(session)),
        reports: Vec::new(),
    };
    for flight in flights(wanted.collectors) {
        loading.fly(&flight).await;
        if flight.contains(&Collector::Agents)
            && let Some(failure) = loading.reports.iter().find_map(silence)
        {
            // Locked, or too slow: the other collectors would stand in the same queue.
            return Err(failure.clone());
        }
    }
    loading.finish()
}

fn empty(session: &Session) -> Snapshot {
    let has = |table, column| session.catalog.has(table, column);
    let mut snapshot = Snapshot::at(session.moment.now);
    snapshot.replica_lag_seconds = session.moment.replica_lag_seconds;
    snapshot.schema = Schema {
        migration: None,
        has_parent_id: has("workspace_agents", "parent_id"),
        has_deleted: has("workspace_agents", "deleted"),
        has_chat_agent_id: has("chats", "agent_id"),
    };
    snapshot
}

struct Loading<'a> {
    session: &'a Session,
    wanted: CollectionRequest<'a>,
    found: Found,
    reports: Vec<CollectorReport>,
}

impl Loading<'_> {
    /// Runs the collectors of one flight, and reports.
    async fn fly(&mut self, flight: &[Collector]) {
        let mut started = Instant::now();
        // Polled in their order, which is thus that of their statements.
        let attempts = join_all(flight.iter().map(|&it| self.attempt(it))).await;
        let mut is_silent = false;
        for (&collector, attempt) in flight.iter().zip(attempts) {
            let (outcome, loaded) = match attempt {
                Attempt::NotRun => (Outcome::NotRun, None),
                Attempt::Unsupported { missing } => (Outcome::Unsupported { missing }, None),
                Attempt::Asked { result, ended } => {
                    let duration = ended - started;
                    // The server answers one after the other: the next begins where this ends.
                    started = ended;
                    outcome_of(result, duration)
                }
            };
            let mut report = CollectorReport { collector, outcome };
            // Said once: the silence that ended the first has ended those behind it as well.
            if is_silent && matches!(report.outcome, Outcome::Failed(_)) {
                report = CollectorReport::not_run(collector);
            }
            is_silent |= silence(&report).is_some() && self.session.is_over();
            self.reports.push(report);
            if let Some(loaded) = loaded {
                self.store(loaded).await;
            }
        }
    }

    /// Runs one collector behind its savepoint, if there is anything for it to read and to work on,
    /// and anything can be asked yet.
    async fn attempt(&self, collector: Collector) -> Attempt {
        let (row, session) = (row(collector), self.session);
        let missing = row.since.filter(|it| !session.catalog.has_named(it));
        if let Some(missing) = missing {
            return Attempt::Unsupported { missing };
        }
        if session.is_over() || !row.needs.iter().all(|it| self.has_loaded(*it)) {
            return Attempt::NotRun;
        }
        let context = Context {
            session,
            limits: self.wanted.limits,
            named_apps: self.wanted.named_apps,
            found: &self.found,
        };
        let result = match session.catalog.check(row.reads) {
            Ok(()) => {
                let work = (row.run)(&context);
                session.guarded(collector.as_str(), work).await
            }
            Err(failure) => Err(failure),
        };
        let ended = Instant::now();
        Attempt::Asked { result, ended }
    }

    /// Stores what was read. Many agents are sorted on a blocking thread.
    async fn store(&mut self, loaded: Loaded) {
        let nothing = Found::new(Snapshot::at(self.session.moment.now));
        let mut found = mem::replace(&mut self.found, nothing);
        self.found = offload(loaded.rows, move || {
            (loaded.store)(&mut found);
            found
        })
        .await;
    }

    fn has_loaded(&self, collector: Collector) -> bool {
        let mut loaded = self.reports.iter().filter(|it| is_loaded(it));
        loaded.any(|it| it.collector == collector)
    }

    fn finish(mut self) -> Result<(Snapshot, Vec<CollectorReport>), Failure> {
        if !self.reports.iter().any(is_loaded)
            && let Some(failure) = self.reports.iter().find_map(silence)
        {
            return Err(failure.clone());
        }
        // Agents that were read for the others' sake are not shown; their failure is.
        if !self.wanted.collectors.contains(&Collector::Agents) {
            self.found.snapshot.agents = None;
            self.reports
                .retain(|it| it.collector != Collector::Agents || !is_loaded(it));
        }
        Ok((self.found.snapshot, self.reports))
    }
}

/// What came of running a collector.
enum Attempt {
    /// It had no chance.
    NotRun,
    /// This Coder has nothing for it to read.
    Unsupported { missing: &'static str },
    /// What came of asking, and when it was known.
    Asked {
        result: Result<Loaded, Failure>,
        ended: Instant,
    },
}

fn outcome_of(result: Result<Loaded, Failure>, duration: Duration) -> (Outcome, Option<Loaded>) {
    match result {
        Ok(loaded) => {
            let rows = loaded.rows as u64;
            (Outcome::Loaded { duration, rows }, Some(loaded))
        }
        Err(failure) => (Outcome::Failed(failure), None),
    }
}

fn is_loaded(report: &CollectorReport) -> bool {
    matches!(report.outcome, Outcome::Loaded { .. })
}

/// The failure of a database that does not answer, as against one that says no.
fn silence(report: &CollectorReport) -> Option<&Failure> {
    match &report.outcome {
        Outcome::Failed(failure)
            if matches!(failure.kind, ErrorKind::Timeout | ErrorKind::Connect) =>
        {
            Some(failure)
        }
        _ => None,
    }
}
