//! The pass over the database (SPEC 2).

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::postgres_url::PostgresUrl;
use crate::fleet::agent::Agent;
use crate::fleet::app::AppCount;
use crate::fleet::census::Fleet;
use crate::fleet::health::Limits;
use crate::fleet::named::Variants;
use crate::fleet::pass::{Collector, ErrorKind, Failure, Outcome, Pass, Report};
use crate::fleet::snapshot::Snapshot;

use super::catalog::{Catalog, REQUIRED, Reads};
use super::failure::from_pool;
use super::session::Session;
use super::{agents, apps, reads, tls};

/// What `application_name` says in `pg_stat_activity`.
const APPLICATION_NAME: &str = "coder-agent-exporter";

/// Coder's database, reached through a small pool.
///
/// Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    tls: MakeRustlsConnect,
    target: String,
}

impl Database {
    /// Prepares a pool of at most `max_connections`; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the certificates the URL names cannot be read.
    pub fn new(url: &PostgresUrl, max_connections: usize) -> Result<Self, Failure> {
        let tls = tls::connector(&url.tls)?;
        let mut config = url.config.clone();
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        let manager = Manager::from_config(
            config,
            tls.clone(),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Failure::new(ErrorKind::Connect, error.to_string()))?;
        Ok(Self {
            pool,
            tls,
            target: url.target(),
        })
    }

    /// Where it is, for messages: `user@host:port/database`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// One look at what the database offers for these collectors.
    ///
    /// # Errors
    ///
    /// When it does not answer by the deadline.
    pub async fn catalog(
        &self,
        collectors: &[Collector],
        deadline: Instant,
    ) -> Result<Catalog, Failure> {
        let session = self.open(collectors, deadline).await?;
        let catalog = session.catalog.clone();
        session.finish().await;
        Ok(catalog)
    }

    /// One pass: one transaction, one `now`, one statement for each collector. Never fails:
    /// what went wrong is part of the result.
    pub async fn pass(&self, collectors: &[Collector], limits: &Limits, deadline: Instant) -> Pass {
        match self.load(collectors, limits, deadline).await {
            Ok(pass) => pass,
            Err(failure) => Pass::failed(failure, collectors.iter().copied()),
        }
    }

    async fn load(
        &self,
        collectors: &[Collector],
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Pass, Failure> {
        let session = self.open(collectors, deadline).await?;
        let mut snapshot = Snapshot {
            now: session.now,
            scopes: Default::default(),
            agents: None,
            apps: None,
        };
        let mut reports = Vec::new();
        let clock_skew_seconds = Some(session.clock_skew_seconds);

        let agents = load_agents(&session, &mut snapshot).await;
        if let Outcome::Failed(failure) = &agents.outcome
            && matches!(failure.kind, ErrorKind::Timeout | ErrorKind::Connect)
        {
            // Nothing is known and nothing more will be: the database did not answer.
            return Err(failure.clone());
        }
        reports.push(agents);
        if collectors.contains(&Collector::Apps) {
            reports.push(load_apps(&session, &mut snapshot).await);
        }
        session.finish().await;

        // Apps build on the agents, which are then read but not shown; a failure is.
        if !collectors.contains(&Collector::Agents) {
            snapshot.agents = None;
            reports.retain(|report| {
                matches!(report.outcome, Outcome::Failed(_))
                    || report.collector != Collector::Agents
            });
        }
        Ok(Pass {
            fleet: Ok(Fleet::of(snapshot, limits)),
            reports,
            clock_skew_seconds,
        })
    }

    async fn open(&self, collectors: &[Collector], deadline: Instant) -> Result<Session, Failure> {
        let remaining = Some(deadline.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts {
            wait: remaining,
            create: remaining,
            recycle: remaining,
        };
        let client = self.pool.timeout_get(&timeouts).await;
        let client = client.map_err(|error| from_pool(&self.target, &error))?;
        let mut wanted: Vec<Reads> = REQUIRED.to_vec();
        wanted.extend(reads(Collector::Agents));
        for &collector in collectors {
            wanted.extend(reads(collector));
        }
        Session::begin(client, self.tls.clone(), deadline, &wanted).await
    }
}

async fn load_agents(session: &Session, snapshot: &mut Snapshot) -> Report {
    let collector = Collector::Agents;
    let work = async { agents::load(session.client()?, &session.catalog).await };
    let (result, duration) = run(session, collector, work).await;
    let outcome = result.map(|(scopes, agents)| {
        let rows = agents.len() as u64;
        snapshot.scopes = scopes;
        snapshot.agents = Some(agents);
        rows
    });
    report(collector, duration, outcome)
}

async fn load_apps(session: &Session, snapshot: &mut Snapshot) -> Report {
    let collector = Collector::Apps;
    let Some(agents) = snapshot.agents.as_deref() else {
        return Report::not_run(collector);
    };
    let (result, duration) = run(session, collector, read_apps(session, agents)).await;
    let outcome = result.map(|apps| {
        let rows = apps.len() as u64;
        snapshot.apps = Some(apps);
        rows
    });
    report(collector, duration, outcome)
}

async fn read_apps(session: &Session, agents: &[Agent]) -> Result<Vec<AppCount>, Failure> {
    apps::load(session.client()?, agents).await
}

/// Checks what the collector needs, then runs it behind its savepoint.
async fn run<T>(
    session: &Session,
    collector: Collector,
    work: impl Future<Output = Result<T, Failure>>,
) -> (Result<T, Failure>, Duration) {
    let started = Instant::now();
    let result = match session.catalog.check(reads(collector)) {
        Ok(()) => session.guarded(collector.as_str(), work).await,
        Err(failure) => Err(failure),
    };
    (result, started.elapsed())
}

fn report(collector: Collector, duration: Duration, rows: Result<u64, Failure>) -> Report {
    let outcome = match rows {
        Ok(rows) => Outcome::Loaded { duration, rows },
        Err(failure) => Outcome::Failed(failure),
    };
    Report { collector, outcome }
}
