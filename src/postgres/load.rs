//! Runs the collectors of a collection, group by group, and builds the snapshot.

use std::mem;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::Label;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::snapshot::{Schema, Snapshot};
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::{Collector, CollectorReport, Outcome};
use crate::offload::offload;
use crate::postgres::connection::session::Session;

use super::builds::known::KnownBuilds;
use super::catalog::MIGRATION;
use super::collectors::{Context, Found, Loaded, flights, row};
use super::reads_of;

/// The parts that a collection loads, and the limits for it.
#[derive(Debug, Clone, Copy)]
pub struct CollectionRequest<'a> {
    /// Collectors to run. Those that they depend on run as well.
    pub collectors: &'a [Collector],
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`: who has a
    /// problem decides whose cause is asked for.
    pub limits: &'a Limits,
    /// Whether to count apps by name, for Coder's own metrics.
    pub named_apps: bool,
    /// Keys of the metadata of resources that the metadata collector reads.
    pub metadata_keys: &'a [Label],
}

/// Loads the requested parts.
///
/// # Errors
///
/// When the database stopped answering before any part was loaded.
pub(super) async fn load(
    session: &Session,
    wanted: CollectionRequest<'_>,
    known: &KnownBuilds,
) -> Result<(Snapshot, Vec<CollectorReport>), Failure> {
    let mut loading = Loading {
        session,
        wanted,
        known,
        found: Found::new(empty(session, wanted.collectors)),
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

fn empty(session: &Session, collectors: &[Collector]) -> Snapshot {
    let has = |table, column| session.catalog.has(table, column);
    let mut snapshot = Snapshot::at(session.moment.now);
    snapshot.replica_lag_seconds = session.moment.replica_lag_seconds;
    snapshot.schema = Schema {
        migration: None,
        has_parent_id: has("workspace_agents", "parent_id"),
        has_deleted: has("workspace_agents", "deleted"),
        has_chat_agent_id: has("chats", "agent_id"),
        has_provisioner_last_seen: has("provisioner_daemons", "last_seen_at"),
        has_script_timings: has("workspace_agent_script_timings", "status"),
        has_resource_monitors: has("workspace_agent_memory_resource_monitors", "state"),
    };
    let reads = [reads_of(collectors), MIGRATION.to_vec()].concat();
    snapshot.notes.extend(session.note.clone());
    snapshot
        .notes
        .extend(session.catalog.missing_grants(&reads));
    snapshot
        .notes
        .extend(session.catalog.missing_indexes(&reads));
    snapshot
}

struct Loading<'a> {
    session: &'a Session,
    wanted: CollectionRequest<'a>,
    known: &'a KnownBuilds,
    found: Found,
    reports: Vec<CollectorReport>,
}

impl Loading<'_> {
    /// Runs the collectors of one group and reports their results.
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

    /// Runs a collector behind a savepoint, unless its columns or the collectors it depends on are
    /// missing, or the session has ended.
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
            metadata_keys: self.wanted.metadata_keys,
            wants_workspaces: self.wanted.collectors.contains(&Collector::Workspaces),
            known: self.known,
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

    /// Stores a result. Large results are sorted on a blocking thread.
    async fn store(&mut self, loaded: Loaded) {
        let nothing = Found::new(Snapshot::at(self.session.moment.now));
        let mut found = mem::replace(&mut self.found, nothing);
        // A few rows may still be matched with every agent.
        let agents = found.snapshot.agents.as_ref().map_or(0, Vec::len);
        self.found = offload(loaded.rows.max(agents), move || {
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

/// The result of running a collector.
enum Attempt {
    /// It did not run, because the session had ended or a collector that it depends on failed.
    NotRun,
    /// This version of Coder lacks a column that it requires.
    Unsupported { missing: &'static str },
    /// Its statement ran, with the result and the time.
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

/// The failure, if the database did not answer; `None` if it rejected the statement.
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
