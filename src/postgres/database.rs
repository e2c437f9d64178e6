//! The collection over the database (`docs/spec/collection.md`).

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;
use tokio_postgres::config::TargetSessionAttrs;

use crate::config::postgres_url::PostgresUrl;
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::offload::offload;
use crate::postgres::catalog::{Catalog, ColumnSet, MIGRATION, REQUIRED};
use crate::postgres::connection::cancel::Canceller;
use crate::postgres::connection::session::{NotBegun, Session};
use crate::postgres::connection::tls;
use crate::postgres::failure::from_pool;
use crate::postgres::load::load;
use crate::postgres::reads;

pub use crate::postgres::load::CollectionRequest;

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
    canceller: Canceller,
    application_name: String,
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
        let application_name = config.get_application_name();
        let application_name = application_name.unwrap_or(APPLICATION_NAME).to_owned();
        config.application_name(&application_name);
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite {
            // The driver tells a primary by its transactions, which the role makes read-only
            // everywhere. Every collection says READ ONLY by itself.
            let options = config.get_options().unwrap_or_default();
            config.options(format!("{options} -c default_transaction_read_only=off"));
        }
        let canceller = Canceller::new(&config, tls.clone());
        if config.get_hosts().len() > 1 && config.get_connect_timeout().is_none() {
            config.connect_timeout(HOST_TIMEOUT);
        }
        let manager = Manager::from_config(
            config,
            tls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Failure::new(ErrorKind::Connect, error.to_string()).caused_by(error)
            })?;
        Ok(Self {
            pool,
            canceller,
            application_name,
            target: url.target(),
        })
    }

    /// Where it is, for messages: `user@host:port/database`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// One look at what the database offers of these columns, and of what tells one Coder from
    /// another.
    ///
    /// # Errors
    ///
    /// When it does not answer by the deadline.
    pub async fn catalog(
        &self,
        wanted: &[ColumnSet],
        deadline: Instant,
    ) -> Result<Catalog, Failure> {
        let wanted = [wanted, reads(Collector::Agents)].concat();
        let session = self.open(wanted, deadline).await?;
        let catalog = session.catalog.clone();
        session.finish().await;
        Ok(catalog)
    }

    /// One collection: one transaction, one `now`, one statement for each collector. Never fails:
    /// what went wrong is part of the result.
    pub async fn collection(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> CollectionResult {
        match self.load(wanted, deadline).await {
            Ok(collection) => collection,
            Err(failure) => CollectionResult::failed(failure, wanted.collectors.iter().copied()),
        }
    }

    async fn load(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> Result<CollectionResult, Failure> {
        let reads = wanted_reads(wanted.collectors);
        let (session, opening) = self.open_timed(reads, deadline).await?;
        let clock_skew_seconds = Some(session.clock_skew_seconds);
        let (mut snapshot, reports) = load(&session, wanted).await?;
        let loaded = Instant::now();
        snapshot.schema.migration = session.finish().await;
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

    /// Opens a session that looks up these columns.
    pub(crate) async fn open(
        &self,
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> Result<Session, Failure> {
        let (session, _) = self.open_timed(reads, deadline).await?;
        Ok(session)
    }

    /// A connection that waited in the pool may have been closed by the server, a pooler or a
    /// firewall in the meantime, and then its neighbours have been too: they are all replaced,
    /// so that what happened between two scrapes costs neither.
    async fn open_timed(
        &self,
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> Result<(Session, Opening), Failure> {
        let reads = [REQUIRED.to_vec(), MIGRATION.to_vec(), reads].concat();
        let asked = Instant::now();
        let client = self.connection(deadline).await?;
        let has_waited = Object::metrics(&client).recycled.is_some();
        let mut connected = Instant::now();
        let session = match self.begin(client, &reads, deadline).await {
            Err(NotBegun::HungUp(failure)) if has_waited => {
                tracing::debug!(%failure, "a connection was closed by the server; opening another");
                self.pool.retain(|_, _| false);
                let client = self.connection(deadline).await?;
                connected = Instant::now();
                self.begin(client, &reads, deadline).await?
            }
            begun => begun?,
        };
        let opening = Opening {
            connect: connected - asked,
            begin: connected.elapsed(),
        };
        Ok((session, opening))
    }

    async fn connection(&self, deadline: Instant) -> Result<Object, Failure> {
        let remaining = Some(deadline.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts {
            wait: remaining,
            create: remaining,
            recycle: remaining,
        };
        let client = self.pool.timeout_get(&timeouts).await;
        client.map_err(|error| from_pool(&self.target, error))
    }

    async fn begin(
        &self,
        client: Object,
        reads: &[ColumnSet],
        deadline: Instant,
    ) -> Result<Session, NotBegun> {
        let (canceller, name) = (self.canceller.clone(), &self.application_name);
        Session::begin(client, canceller, name, deadline, reads).await
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
    /// Says where the time of a collection went. A collection that failed says in its error what it
    /// was waiting for.
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

/// What a collection of these collectors reads. The agents' columns are always looked up: they tell
/// what kind of Coder it is.
fn wanted_reads(collectors: &[Collector]) -> Vec<ColumnSet> {
    let all = [Collector::Agents].iter().chain(collectors);
    all.flat_map(|&collector| reads(collector))
        .copied()
        .collect()
}
