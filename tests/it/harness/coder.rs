//! A Coder deployment, as far as an exporter can see one: its database.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use coder_agent_exporter::demo::cluster::{Cluster, Options, SUPERUSER};
use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::postgres::grants::{USUAL_SCHEMA, role_sql};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::exporter::{Exporter, Settings};
use super::fleet::{Build, Workspace};
use super::reports::Report;
use super::rows;

/// The server of this process, for all tests that do not need one of their own. nextest runs
/// each test as a process; under `cargo test` they share it. It ends with the process.
static SHARED: OnceLock<Cluster> = OnceLock::new();

/// For names of databases and roles.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A fresh database with Coder's schema, and a role that may read what the exporter reads.
pub(crate) struct Coder {
    own_cluster: Option<Cluster>,
    /// The restricted role the exporter runs as.
    pub(crate) role: String,
    pub(crate) database: String,
    era: Era,
    admin: Client,
}

impl Coder {
    /// One of today.
    pub(crate) async fn new() -> Self {
        Self::of(Era::NEWEST).await
    }

    /// One of this era.
    pub(crate) async fn of(era: Era) -> Self {
        Self::set_up(None, era, "UTF8").await
    }

    /// One of today whose database has another encoding.
    pub(crate) async fn of_encoding(encoding: &str) -> Self {
        Self::set_up(None, Era::NEWEST, encoding).await
    }

    /// One of today on a server of its own: to be killed, or with settings of its own.
    pub(crate) async fn on(options: Options) -> Self {
        let cluster = start_cluster(options);
        Self::set_up(Some(cluster), Era::NEWEST, "UTF8").await
    }

    async fn set_up(own_cluster: Option<Cluster>, era: Era, encoding: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (database, role) = (format!("coder_{number}"), format!("exporter_{number}"));
        let cluster = own_cluster.as_ref().unwrap_or_else(|| shared());
        let create = connect(cluster, "postgres").await;
        let sql = format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING '{encoding}'");
        create.batch_execute(&sql).await.unwrap();
        let admin = connect(cluster, &database).await;
        admin.batch_execute(&era.sql()).await.unwrap();
        let sql = role_sql(&role, USUAL_SCHEMA, Collector::DEFAULT);
        admin.batch_execute(&sql).await.unwrap();
        Self {
            own_cluster,
            role,
            database,
            era,
            admin,
        }
    }

    /// The server.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.own_cluster.as_ref().unwrap_or_else(|| shared())
    }

    /// The server, to stop and start it; only one of our own.
    pub(crate) fn own_cluster(&mut self) -> &mut Cluster {
        self.own_cluster.as_mut().expect("made by Coder::on")
    }

    /// Where the exporter finds the database, as the restricted role.
    pub(crate) fn url(&self) -> String {
        self.cluster().url(&self.role, &self.database)
    }

    /// Another session of the superuser's.
    pub(crate) async fn connect(&self) -> Client {
        connect(self.cluster(), &self.database).await
    }

    /// Inserts a workspace with all its rows.
    pub(crate) async fn add(&self, workspace: Workspace) {
        self.sql(&rows::insert(&workspace, self.era)).await;
    }

    /// Builds a workspace that is there once more.
    pub(crate) async fn build(&self, workspace: &Workspace, build: Build) {
        let sql = rows::insert_build(workspace, &build, self.era);
        self.sql(&sql).await;
    }

    /// Inserts running workspaces numbered `first` to `last`, with one agent each, which has
    /// `apps` apps; their names are those of [`workspace`](super::fleet::workspace).
    pub(crate) async fn add_many(&self, first: u32, last: u32, apps: u32) {
        let names = super::fleet::workspace(&format!("before {first}"));
        self.add(names.clone()).await;
        self.sql(&rows::insert_many(&names, first, last, apps))
            .await;
    }

    /// Inserts a chat about a workspace; `columns` and the SQL of their values are its own.
    pub(crate) async fn add_chat(&self, workspace: Uuid, columns: &[(&str, String)]) {
        self.sql(&rows::insert_chat(workspace, columns)).await;
    }

    /// Stores a session report of this agent.
    pub(crate) async fn report(&self, agent: Uuid, report: Report) {
        self.sql(&report.insert(agent, self.era)).await;
    }

    /// Stops the clock that the exporter sees, for those who connect from now on: at the SQL
    /// `moment`, `now()` stands still. Without it nothing is ever *exactly* the limit.
    pub(crate) async fn stop_clock(&self, moment: &str) {
        let (role, database) = (&self.role, &self.database);
        self.sql(&format!(
            "CREATE OR REPLACE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql
                 AS $$SELECT {moment}$$;
             ALTER ROLE {role} IN DATABASE {database} SET search_path = public, pg_catalog;"
        ))
        .await;
    }

    /// Runs statements as the superuser.
    pub(crate) async fn sql(&self, statements: &str) {
        let done = self.admin.batch_execute(statements).await;
        done.unwrap_or_else(|error| panic!("{error:?} in {statements}"));
    }

    /// The first column of the only row.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let row = self.admin.query_one(query, &[]).await;
        row.unwrap_or_else(|error| panic!("{error:?} in {query}"))
            .get(0)
    }

    /// The only column of all rows, as text.
    pub(crate) async fn lines(&self, query: &str) -> Vec<String> {
        let rows = self.admin.query(query, &[]).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error:?} in {query}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Makes every read of a table take this long, by a view in its place.
    pub(crate) async fn slow(&self, table: &str, seconds: f64) {
        let role = &self.role;
        self.sql(&format!(
            "ALTER TABLE {table} RENAME TO real_table;
             CREATE VIEW {table} AS
                 WITH nap AS MATERIALIZED (SELECT pg_sleep({seconds}))
                 SELECT real_table.* FROM nap LEFT JOIN real_table ON true;
             GRANT SELECT ON {table} TO {role};"
        ))
        .await;
    }

    /// Makes reads of a table take as long as [`pace`](Self::pace) says, by a view in its place.
    pub(crate) async fn paced(&self, table: &str) {
        let role = &self.role;
        self.sql(&format!(
            "CREATE TABLE pace (seconds double precision);
             INSERT INTO pace VALUES (0);
             ALTER TABLE {table} RENAME TO real_table;
             CREATE VIEW {table} AS
                 WITH nap AS MATERIALIZED (SELECT pg_sleep(seconds) FROM pace)
                 SELECT real_table.* FROM nap LEFT JOIN real_table ON true;
             GRANT SELECT ON {table} TO {role};"
        ))
        .await;
    }

    /// How long a paced table takes from now on.
    pub(crate) async fn pace(&self, seconds: f64) {
        self.sql(&format!("UPDATE pace SET seconds = {seconds}"))
            .await;
    }

    /// Whether the exporter is waiting for a table that [`slow`](Self::slow) made so.
    pub(crate) async fn is_waited_for(&self) -> bool {
        let role = &self.role;
        let asleep = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE usename = '{role}' AND wait_event = 'PgSleep'"
        );
        self.number(&asleep).await == 1
    }

    /// How many of the exporter's sessions are in this state; `%` for any.
    pub(crate) async fn sessions(&self, state: &str) -> i64 {
        let role = &self.role;
        self.number(&format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE usename = '{role}' AND application_name = 'coder-agent-exporter'
               AND state LIKE '{state}'"
        ))
        .await
    }

    /// An exporter of this database, with the settings it has by default.
    pub(crate) async fn exporter(&self) -> Exporter {
        self.exporter_with(|_| {}).await
    }

    /// An exporter of this database, with settings changed.
    pub(crate) async fn exporter_with(&self, change: impl FnOnce(&mut Settings)) -> Exporter {
        Exporter::start(&self.url(), change).await
    }
}

/// Options of a server whose data folder is copied from a prepared one, which is kept next to
/// the test binary: `cargo clean` removes it.
pub(crate) fn prepared() -> Options {
    let binary = std::env::current_exe().unwrap();
    Options {
        prepared: Some(binary.with_file_name("prepared-postgres")),
        ..Options::default()
    }
}

/// A server of our own; fails with what to install when there is none on the machine.
fn start_cluster(options: Options) -> Cluster {
    Cluster::start(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// A superuser's session on one database.
async fn connect(cluster: &Cluster, database: &str) -> Client {
    let url = cluster.url(SUPERUSER, database);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn shared() -> &'static Cluster {
    SHARED.get_or_init(|| start_cluster(prepared()))
}
