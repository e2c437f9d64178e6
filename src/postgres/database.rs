//! Collections from the database (`docs/spec/collection.md`).

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Timeouts;
use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

use crate::config::postgres_tls::TlsMode;
use crate::config::postgres_url::PostgresUrl;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::offload::offload;
use crate::postgres::builds::known::KnownBuilds;
use crate::postgres::catalog::{Catalog, ColumnSet, MIGRATION, REQUIRED};
use crate::postgres::connection::connector::Connector;
use crate::postgres::connection::locks::Tables;
use crate::postgres::connection::pool::{Pool, PooledClient};
use crate::postgres::connection::session::{NotBegun, Session};
use crate::postgres::connection::tls;
use crate::postgres::failure::is_passing;
use crate::postgres::load::load;
use crate::postgres::reads;

pub use crate::postgres::connection::connector::UrlSource;
pub use crate::postgres::load::CollectionRequest;

/// The `application_name` in `pg_stat_activity`.
const APPLICATION_NAME: &str = "coder-agent-exporter";

/// How long to wait before a table that was locked is tried once more. A migration that is done by
/// then costs no scrape.
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// How often a transaction begins again because the schema changed while it began.
const MOST_BEGINNINGS: u32 = 3;

/// Coder's database, with a small connection pool.
///
/// Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    application_name: String,
    parameters: Arc<[(String, String)]>,
    target: String,
    known_builds: KnownBuilds,
}

impl Database {
    /// Creates a pool of at most `max_connections`. It connects on first use.
    ///
    /// # Errors
    ///
    /// When a certificate in the URL cannot be read.
    pub fn new(url: &PostgresUrl, max_connections: usize) -> Result<Self, Failure> {
        Self::reading(url, None, max_connections)
    }

    /// The same, where a password that is refused is read again from `source`.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn reading(
        url: &PostgresUrl,
        source: Option<UrlSource>,
        max_connections: usize,
    ) -> Result<Self, Failure> {
        if url.tls.mode != TlsMode::Never {
            tls::connector(&url.tls, false)?;
        }
        let mut url = url.clone();
        let application_name = url.config.get_application_name();
        let application_name = application_name.unwrap_or(APPLICATION_NAME).to_owned();
        url.config.application_name(&application_name);
        let (parameters, target) = (url.parameters.as_slice().into(), url.target());
        let pool = Pool::new(Connector::new(url, source), max_connections)?;
        Ok(Self {
            pool,
            application_name,
            parameters,
            target,
            known_builds: KnownBuilds::default(),
        })
    }

    /// The destination for messages: `user@host:port/database`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Looks up these columns and those that differ between versions of Coder.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline.
    pub async fn catalog(
        &self,
        wanted: &[ColumnSet],
        deadline: Instant,
    ) -> Result<Catalog, Failure> {
        let wanted = [wanted, reads(Collector::Agents)].concat();
        let core = reads(Collector::Agents);
        let (session, _) = self.open_timed(core, wanted, deadline).await?;
        let catalog = session.catalog.clone();
        session.finish().await;
        Ok(catalog)
    }

    /// Runs one collection: one transaction, one `now`, one statement for each collector. It never
    /// fails: an error is part of the result.
    pub async fn collection(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> CollectionResult {
        let collection = self.load_or_failed(wanted, deadline).boxed().await;
        let was_interrupted = collection.failures().any(|(_, it)| is_passing(it));
        if !was_interrupted || Instant::now() >= deadline {
            return collection;
        }
        tracing::debug!("a collection was interrupted by another transaction; trying once more");
        self.load_or_failed(wanted, deadline).boxed().await
    }

    async fn load_or_failed(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> CollectionResult {
        let collection = self.load(wanted, deadline).await;
        let collectors = wanted.collectors.iter().copied();
        collection.unwrap_or_else(|failure| CollectionResult::failed(failure, collectors))
    }

    async fn load(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> Result<CollectionResult, Failure> {
        let reads = wanted_reads(wanted.collectors);
        let (session, opening) = self
            .open_timed(crate::postgres::reads(Collector::Agents), reads, deadline)
            .await?;
        let clock_skew_seconds = Some(session.clock_skew_seconds);
        let (mut snapshot, reports) = load(&session, wanted, &self.known_builds).await?;
        let loaded = Instant::now();
        snapshot.clock_skew_seconds = clock_skew_seconds;
        snapshot.schema.migration = session.finish().await;
        snapshot.notes.extend(snapshot.schema.note());
        snapshot.build_differences = self.known_builds.differences();
        let commit = loaded.elapsed();
        let finished = Instant::now();
        let agents = snapshot.agents.as_ref().map_or(0, Vec::len);
        let limits = *wanted.limits;
        let fleet = offload(agents, move || FleetStats::of(snapshot, &limits)).await;
        opening.log_collection(&reports, commit, finished.elapsed());
        Ok(CollectionResult {
            fleet: Ok(fleet),
            reports,
            clock_skew_seconds,
        })
    }

    /// Opens a session that looks up these columns, and holds a lock on each of their tables.
    pub(crate) async fn open(
        &self,
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        // A table that a later Coder brings would fail the statement that names it.
        let has_always_been = |it: &ColumnSet| !it.columns.is_empty();
        let core: Vec<_> = reads.iter().copied().filter(has_always_been).collect();
        let (session, _) = self.open_timed(&core, reads, deadline).await?;
        Ok(session)
    }

    /// Opens a session that looks up the columns of `reads`, and holds a lock on each of their
    /// tables. Without those of `core` it does not open; any other that is locked is for its
    /// reader to miss.
    ///
    /// A lock that another session holds is tried once more, and where the schema changed while
    /// the transaction began, it begins again.
    async fn open_timed(
        &self,
        core: &[ColumnSet],
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> Result<(Session, Opening), Failure> {
        let reads = [REQUIRED.to_vec(), MIGRATION.to_vec(), reads].concat();
        let tables = Tables::of(core, &reads);
        let mut has_waited = false;
        for beginning in 1.. {
            let (session, opening) = self
                .begin_anywhere(&reads, &tables, deadline)
                .boxed()
                .await?;
            let may_wait = !has_waited && Instant::now() + LOCK_PAUSE < deadline;
            match session.locked.clone() {
                None if !session.catalog.is_stale() => return Ok((session, opening)),
                None if beginning < MOST_BEGINNINGS => drop(session.finish().await),
                None => {
                    session.finish().await;
                    break;
                }
                Some(failure) => {
                    session.finish().await;
                    if !may_wait {
                        return Err(failure);
                    }
                    has_waited = true;
                    sleep(LOCK_PAUSE).await;
                }
            }
        }
        let message = "Coder's schema changes faster than it can be read: is a migration running?";
        Err(Failure::new(ErrorKind::Lock, message))
    }

    /// Begins a transaction on a connection of the pool.
    ///
    /// A connection that waited in the pool may have been closed by the server, a pooler or a
    /// firewall in the meantime, and then its neighbours have been too: they are all replaced,
    /// so that what happened between two scrapes costs neither.
    async fn begin_anywhere(
        &self,
        reads: &[ColumnSet],
        tables: &Tables,
        deadline: Instant,
    ) -> Result<(Session, Opening), Failure> {
        let asked = Instant::now();
        let client = self.connection(deadline).await?;
        let has_waited = client.has_waited();
        let mut connected = Instant::now();
        let session = match self.begin(client, reads, tables, deadline).boxed().await {
            Err(NotBegun::HungUp(failure)) if has_waited => {
                tracing::debug!(%failure, "a connection was closed by the server; opening another");
                self.pool.close_idle();
                let client = self.connection(deadline).await?;
                connected = Instant::now();
                self.begin(client, reads, tables, deadline).boxed().await?
            }
            begun => begun?,
        };
        let opening = Opening {
            connect: connected - asked,
            begin: connected.elapsed(),
        };
        Ok((session, opening))
    }

    async fn connection(&self, deadline: Instant) -> Result<PooledClient, Failure> {
        let remaining = Some(deadline.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts {
            wait: remaining,
            create: remaining,
            recycle: remaining,
        };
        self.pool.get(&timeouts, &self.target).await
    }

    async fn begin(
        &self,
        client: PooledClient,
        reads: &[ColumnSet],
        tables: &Tables,
        deadline: Instant,
    ) -> Result<Session, NotBegun> {
        let (name, parameters) = (&self.application_name, &self.parameters);
        Session::begin(client, name, deadline, parameters, reads, tables).await
    }
}

/// The time to open a session.
struct Opening {
    /// Time to get a connection from the pool or to connect.
    connect: Duration,
    /// Time to begin the transaction, with `now()` and the catalog.
    begin: Duration,
}

impl Opening {
    /// Logs the durations of a successful collection. The error of a failed one says what it was
    /// waiting for.
    fn log_collection(&self, reports: &[CollectorReport], commit: Duration, judge: Duration) {
        for report in reports {
            if let Outcome::Loaded { duration, .. } = report.outcome {
                let collector = report.collector.as_str();
                tracing::debug!(collector, ?duration, "collector");
            }
        }
        tracing::debug!(
            connect = ?self.connect,
            begin = ?self.begin,
            ?commit,
            ?judge,
            "collection"
        );
    }
}

/// Columns that these collectors read. The columns of the agents collector are always included,
/// because they show which version of Coder it is.
fn wanted_reads(collectors: &[Collector]) -> Vec<ColumnSet> {
    let all = [Collector::Agents].iter().chain(collectors);
    all.flat_map(|&collector| reads(collector))
        .copied()
        .collect()
}
