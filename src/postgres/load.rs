//! The collectors of one pass, one after the other, into one snapshot.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::fleet::duplicates::each_once;
use crate::fleet::health::{Health, Limits, assess};
use crate::fleet::named::Variants;
use crate::fleet::pass::{Collector, ErrorKind, Failure, Outcome, Report};
use crate::fleet::snapshot::{Schema, Snapshot};

use super::agents::Population;
use super::session::Session;
use super::workspaces::LatestBuilds;
use super::{agents, apps, bindings, causes, reads};

/// What is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Collectors that are on.
    pub collectors: &'a [Collector],
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`: who is stuck
    /// decides whose cause is asked for.
    pub limits: &'a Limits,
    /// Whether apps are wanted by name, for Coder's own metrics.
    pub named_apps: bool,
}

impl Wanted<'_> {
    fn has(&self, collector: Collector) -> bool {
        self.collectors.contains(&collector)
    }

    /// Apps and causes are asked for by the agents' ids, workspaces by those of the builds that
    /// were read with them. Only chats are asked for by themselves.
    fn needs_agents(&self) -> bool {
        Collector::ALL
            .iter()
            .any(|&collector| collector != Collector::Bindings && self.has(collector))
    }
}

/// Loads everything that is wanted.
///
/// # Errors
///
/// When the database stopped answering before anything was known.
pub(super) async fn load(
    session: &Session,
    wanted: Wanted<'_>,
) -> Result<(Snapshot, Vec<Report>), Failure> {
    let mut loading = Loading {
        session,
        wanted,
        snapshot: empty(session),
        builds: None,
        reports: Vec::new(),
    };
    if wanted.needs_agents() {
        loading.agents().await;
        if let Some(failure) = loading.reports.iter().find_map(silence) {
            // Locked, or too slow: the other collectors would stand in the same queue.
            return Err(failure.clone());
        }
    }
    if wanted.has(Collector::Apps) {
        loading.apps().await;
    }
    if wanted.has(Collector::Causes) {
        loading.causes().await;
    }
    loading.workspaces_and_bindings().await;
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
    wanted: Wanted<'a>,
    snapshot: Snapshot,
    /// The latest builds, once they are read.
    builds: Option<LatestBuilds>,
    reports: Vec<Report>,
}

impl Loading<'_> {
    async fn agents(&mut self) {
        let session = self.session;
        let work = async { agents::load(session.client()?, &session.catalog).await };
        let rows = |it: &Population| it.agents.len();
        if let Some(population) = self.run(Collector::Agents, work, rows).await {
            // Before anything is asked about them: apps are counted by the agents' positions.
            let (agents, repeated) = each_once(population.agents);
            self.snapshot.scopes = population.scopes;
            self.snapshot.agents = Some(agents);
            self.snapshot.repeated_agents = repeated;
            self.builds = Some(population.builds);
        }
    }

    async fn apps(&mut self) {
        let collector = Collector::Apps;
        let Some(agents) = self.snapshot.agents.take() else {
            return self.reports.push(Report::not_run(collector));
        };
        let session = self.session;
        if self.wanted.named_apps {
            let work = async { apps::load_named(session.client()?, &agents).await };
            let loaded = self.run(collector, work, |(named, _)| named.len()).await;
            if let Some((named, counts)) = loaded {
                self.snapshot.named_apps = Some(named);
                self.snapshot.apps = Some(counts);
            }
        } else {
            let work = async { apps::load(session.client()?, &agents).await };
            self.snapshot.apps = self.run(collector, work, Vec::len).await;
        }
        self.snapshot.agents = Some(agents);
    }

    async fn causes(&mut self) {
        let Some(stuck) = self.stuck_in_created() else {
            return self.reports.push(Report::not_run(Collector::Causes));
        };
        let session = self.session;
        let work = async { causes::load(session.client()?, &stuck).await };
        let causes = self.run(Collector::Causes, work, |it| it.len()).await;
        self.snapshot.causes = causes.unwrap_or_default();
    }

    /// They need nothing of each other, and share one round trip.
    async fn workspaces_and_bindings(&mut self) {
        let session = self.session;
        let wants_workspaces = self.wanted.has(Collector::Workspaces);
        let builds = self.builds.take();
        let wants_bindings = self.supports_bindings();
        let started = Instant::now();
        let is_over = session.is_over();
        let workspaces = async {
            if is_over || !wants_workspaces {
                return None;
            }
            let builds = builds?;
            let work = async { builds.load(session.client()?).await };
            Some(attempt(session, Collector::Workspaces, work).await)
        };
        let bindings = async {
            if is_over || !wants_bindings {
                return None;
            }
            let work = async { bindings::load(session.client()?).await };
            Some(attempt(session, Collector::Bindings, work).await)
        };
        let (workspaces, mut bindings) = tokio::join!(biased; workspaces, bindings);
        // The server answers one after the other: the second begins where the first ends.
        let handed_over = workspaces.as_ref().map_or(started, |it| it.ended);
        if wants_workspaces {
            let collector = Collector::Workspaces;
            self.snapshot.workspaces = self.record(collector, started, workspaces, Vec::len);
            // Said once: the silence that ended the first has ended the second as well.
            if self.reports.last().is_some_and(|it| silence(it).is_some()) && session.is_over() {
                bindings = bindings.filter(|it| it.result.is_ok());
            }
        }
        if wants_bindings {
            let collector = Collector::Bindings;
            self.snapshot.bindings = self.record(collector, handed_over, bindings, Vec::len);
        }
    }

    /// Whether chats are wanted and there are any to read; says so where this Coder has none.
    fn supports_bindings(&mut self) -> bool {
        let collector = Collector::Bindings;
        let is_wanted = self.wanted.has(collector);
        let is_there = self.snapshot.schema.has_chat_agent_id;
        if is_wanted && !is_there {
            let missing = "chats.agent_id";
            let outcome = Outcome::Unsupported { missing };
            self.reports.push(Report { collector, outcome });
        }
        is_wanted && is_there
    }

    fn stuck_in_created(&self) -> Option<Vec<Uuid>> {
        let agents = self.snapshot.agents.as_deref()?;
        let (limits, now) = (self.wanted.limits, self.snapshot.now);
        let stuck = agents
            .iter()
            .filter(|agent| assess(agent, limits, now).health == Health::StuckCreated);
        Some(stuck.map(|agent| agent.id).collect())
    }

    /// Runs one collector, if anything can be asked yet, and reports.
    async fn run<T>(
        &mut self,
        collector: Collector,
        work: impl Future<Output = Result<T, Failure>>,
        rows: impl FnOnce(&T) -> usize,
    ) -> Option<T> {
        let started = Instant::now();
        let attempt = match self.session.is_over() {
            true => None,
            false => Some(attempt(self.session, collector, work).await),
        };
        self.record(collector, started, attempt, rows)
    }

    /// Reports what became of a collector; without an attempt it had no chance.
    fn record<T>(
        &mut self,
        collector: Collector,
        started: Instant,
        attempt: Option<Attempt<T>>,
        rows: impl FnOnce(&T) -> usize,
    ) -> Option<T> {
        let Some(Attempt { result, ended }) = attempt else {
            self.reports.push(Report::not_run(collector));
            return None;
        };
        let duration: Duration = ended - started;
        let (outcome, value) = match result {
            Ok(value) => {
                let rows = rows(&value) as u64;
                (Outcome::Loaded { duration, rows }, Some(value))
            }
            Err(failure) => (Outcome::Failed(failure), None),
        };
        self.reports.push(Report { collector, outcome });
        value
    }

    fn finish(mut self) -> Result<(Snapshot, Vec<Report>), Failure> {
        let loaded = |report: &Report| matches!(report.outcome, Outcome::Loaded { .. });
        if !self.reports.iter().any(loaded)
            && let Some(failure) = self.reports.iter().find_map(silence)
        {
            return Err(failure.clone());
        }
        // Agents that were read for the others' sake are not shown; their failure is.
        if !self.wanted.has(Collector::Agents) {
            self.snapshot.agents = None;
            let shown = |report: &Report| report.collector != Collector::Agents || !loaded(report);
            self.reports.retain(shown);
        }
        Ok((self.snapshot, self.reports))
    }
}

/// What came of asking, and when it was known.
struct Attempt<T> {
    result: Result<T, Failure>,
    ended: Instant,
}

/// Checks what the collector needs, and runs it behind its savepoint.
async fn attempt<T>(
    session: &Session,
    collector: Collector,
    work: impl Future<Output = Result<T, Failure>>,
) -> Attempt<T> {
    let result = match session.catalog.check(reads(collector)) {
        Ok(()) => session.guarded(collector.as_str(), work).await,
        Err(failure) => Err(failure),
    };
    Attempt {
        result,
        ended: Instant::now(),
    }
}

/// The failure of a database that does not answer, as against one that says no.
fn silence(report: &Report) -> Option<&Failure> {
    match &report.outcome {
        Outcome::Failed(failure)
            if matches!(failure.kind, ErrorKind::Timeout | ErrorKind::Connect) =>
        {
            Some(failure)
        }
        _ => None,
    }
}
