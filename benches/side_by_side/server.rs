//! The throwaway Postgres all fleets are in.

use anyhow::{Context, Result};

use coder_agent_exporter::demo::cluster::{Cluster, Listen, Options, SUPERUSER};
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::postgres::grants::{USUAL_SCHEMA, role_sql};

use crate::psql::Psql;

/// The role of the README, which may read what the exporter reads and nothing else.
pub(crate) const ROLE: &str = "exporter";

/// Nothing waits for the disk, and nothing but the contestants runs while these are timed.
const SETTINGS: [&str; 8] = [
    "synchronous_commit = off",
    "max_wal_size = 4GB",
    "shared_buffers = 1GB",
    "maintenance_work_mem = 256MB",
    "autovacuum = off",
    "max_connections = 100",
    // The default of a server that others share would be the disk's, not the query's, limit.
    "checkpoint_timeout = 1h",
    "bgwriter_lru_maxpages = 0",
];

pub(crate) struct Server {
    cluster: Cluster,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let options = Options {
            listen: Listen::SocketAndTcp,
            settings: SETTINGS.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        let cluster = Cluster::start(&options).context("start a throwaway Postgres")?;
        let server = Self { cluster };
        // The limit of connections is for one exporter; here run several, and psql.
        let role = role_sql(ROLE, USUAL_SCHEMA, Collector::DEFAULT);
        let role = format!("{role}ALTER ROLE {ROLE} CONNECTION LIMIT -1;");
        server.admin("postgres")?.ask(&role)?;
        Ok(server)
    }

    /// Lets the role read what it needs of a new database.
    pub(crate) fn grant(&self, admin: &mut Psql) -> Result<()> {
        admin.ask(&role_sql(ROLE, USUAL_SCHEMA, Collector::DEFAULT))?;
        Ok(())
    }

    pub(crate) fn port(&self) -> u16 {
        self.cluster.port()
    }

    pub(crate) fn process_id(&self) -> Result<u32> {
        self.cluster.server_id().context("Postgres has ended")
    }

    pub(crate) fn admin(&self, database: &str) -> Result<Psql> {
        Psql::connect(&url(SUPERUSER, self.port(), database))
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> Result<String> {
        let version = self.admin("postgres")?.ask("SHOW server_version;")?;
        Ok(version.join(" "))
    }
}

/// Everybody takes the same way: TCP on the loopback, without TLS.
pub(crate) fn url(role: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}@127.0.0.1:{port}/{database}?sslmode=disable")
}
