//! The pass over the database (SPEC 2).

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::postgres_url::PostgresUrl;
use crate::fleet::census::Fleet;
use crate::fleet::pass::{Collector, ErrorKind, Failure, Outcome, Pass, Report};

use super::catalog::{Catalog, MIGRATION, REQUIRED, Reads};
use super::failure::from_pool;
use super::load::load;
use super::session::Session;
use super::{reads, tls};

pub use super::load::Wanted;

/// What `application_name` says in `pg_stat_activity`.
const APPLICATION_NAME: &str = "coder-agent-exporter";

/// Of several hosts, one that swallows what it is sent must leave time for the next: of the ten
/// seconds a scraper usually waits, two. `connect_timeout` in the URL wins.
const HOST_TIMEOUT: Duration = Duration::from_secs(2);

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
        if config.get_hosts().len() > 1 && config.get_connect_timeout().is_none() {
            config.connect_timeout(HOST_TIMEOUT);
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
        let (session, _) = self.open(collectors, deadline).await?;
        let catalog = session.catalog.clone();
        session.finish().await;
        Ok(catalog)
    }

    /// One pass: one transaction, one `now`, one statement for each collector. Never fails:
    /// what went wrong is part of the result.
    pub async fn pass(&self, wanted: Wanted<'_>, deadline: Instant) -> Pass {
        match self.load(wanted, deadline).await {
            Ok(pass) => pass,
            Err(failure) => Pass::failed(failure, wanted.collectors.iter().copied()),
        }
    }

    async fn load(&self, wanted: Wanted<'_>, deadline: Instant) -> Result<Pass, Failure> {
        let (session, opening) = self.open(wanted.collectors, deadline).await?;
        let clock_skew_seconds = Some(session.clock_skew_seconds);
        let (mut snapshot, reports) = load(&session, wanted).await?;
        let loaded = Instant::now();
        snapshot.schema.migration = session.finish().await;
        let commit = loaded.elapsed();
        let finished = Instant::now();
        let fleet = Fleet::of(snapshot, wanted.limits);
        opening.log_pass(&reports, commit, finished.elapsed());
        Ok(Pass {
            fleet: Ok(fleet),
            reports,
            clock_skew_seconds,
        })
    }

    async fn open(
        &self,
        collectors: &[Collector],
        deadline: Instant,
    ) -> Result<(Session, Opening), Failure> {
        let asked = Instant::now();
        let remaining = Some(deadline.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts {
            wait: remaining,
            create: remaining,
            recycle: remaining,
        };
        let client = self.pool.timeout_get(&timeouts).await;
        let client = client.map_err(|error| from_pool(&self.target, &error))?;
        let connected = Instant::now();
        let mut wanted: Vec<Reads> = [REQUIRED, MIGRATION].concat();
        wanted.extend(reads(Collector::Agents));
        for &collector in collectors {
            wanted.extend(reads(collector));
        }
        let session = Session::begin(client, self.tls.clone(), deadline, &wanted).await?;
        let opening = Opening {
            connect: connected - asked,
            begin: connected.elapsed(),
        };
        Ok((session, opening))
    }
}

/// How long it took until there was something to ask.
struct Opening {
    /// A connection: a wait for one that is busy, or a new one, or next to nothing.
    connect: Duration,
    /// The transaction, the moment and the look at the catalog.
    begin: Duration,
}

impl Opening {
    /// Says where the time of a pass went. A pass that failed says in its error what it was
    /// waiting for.
    fn log_pass(&self, reports: &[Report], commit: Duration, judge: Duration) {
        let took = |collector| {
            reports.iter().find_map(|report| match report.outcome {
                Outcome::Loaded { duration, .. } if report.collector == collector => {
                    Some(tracing::field::debug(duration))
                }
                _ => None,
            })
        };
        tracing::debug!(
            connect = ?self.connect,
            begin = ?self.begin,
            agents = took(Collector::Agents),
            apps = took(Collector::Apps),
            causes = took(Collector::Causes),
            workspaces = took(Collector::Workspaces),
            bindings = took(Collector::Bindings),
            ?commit,
            ?judge,
            "pass"
        );
    }
}
