//! The database of the simulated fleet: in a temporary server, or on an existing server.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use super::Tell;
use super::cluster::{self, Cluster, SUPERUSER};
use super::error::DemoError;
use super::narration::News;

const DATABASE: &str = "coder_demo";
const ROLE: &str = "coder_exporter";

/// Interval at which a temporary server is checked.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Pause before a stopped temporary server is restarted: one or two scrapes find no database.
const REVIVAL_PAUSE: Duration = Duration::from_secs(5);

/// A database of the demo, and a read-only role. [`DemoDatabase::leave`] removes both.
#[derive(Debug)]
pub(super) struct DemoDatabase {
    owner: Config,
    url: String,
    server: Server,
}

#[derive(Debug)]
enum Server {
    /// A temporary server; it is removed with everything in it.
    Ours(Arc<Mutex<Cluster>>),
    /// An existing server with other databases. Ours has a random name and is dropped at the end.
    Theirs { admin: Box<Config>, name: String },
}

impl DemoDatabase {
    /// Creates the database in a temporary server.
    pub(super) async fn build() -> Result<Self, DemoError> {
        let start = || Cluster::start(&cluster::Options::default());
        let cluster = spawn_blocking(start).await??;
        let config = |database| cluster.url(SUPERUSER, database).parse();
        let admin: Config = config("postgres").map_err(DemoError::Url)?;
        let demo_database = Self {
            owner: config(DATABASE).map_err(DemoError::Url)?,
            url: cluster.url(ROLE, DATABASE),
            server: Server::Ours(Arc::new(Mutex::new(cluster))),
        };
        create_database(&admin, DATABASE).await?;
        create_role(&admin, ROLE, None).await?;
        Ok(demo_database)
    }

    /// Creates the database on the server of this URL, whose user must be allowed to create
    /// databases and roles. TLS is not supported.
    pub(super) async fn rent(url: &str) -> Result<Self, DemoError> {
        let mut admin: Config = url.parse().map_err(DemoError::Url)?;
        admin.application_name("coder-agent-exporter demo");
        let name = format!("coder_demo_{:08x}", Uuid::new_v4().as_fields().0);
        let password = Uuid::new_v4().simple().to_string();
        let mut owner = admin.clone();
        owner.dbname(&name);
        let demo_database = Self {
            url: url_of(&admin, &name, &password),
            owner,
            server: Server::Theirs {
                admin: Box::new(admin.clone()),
                name: name.clone(),
            },
        };
        let created = async {
            create_database(&admin, &name).await?;
            create_role(&admin, &name, Some(&password)).await
        };
        match created.await {
            Ok(()) => Ok(demo_database),
            Err(error) => {
                demo_database.leave().await;
                Err(error)
            }
        }
    }

    /// Connection settings of the database's owner.
    pub(super) fn owner(&self) -> &Config {
        &self.owner
    }

    /// The exporter's URL, for the read-only role.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn role(&self) -> &str {
        match &self.server {
            Server::Ours(_) => ROLE,
            Server::Theirs { name, .. } => name,
        }
    }

    /// Whether the server is a temporary one.
    pub(super) fn is_ours(&self) -> bool {
        !matches!(self.server, Server::Theirs { .. })
    }

    /// Restarts a temporary server that has stopped, after a pause in which the outage is visible.
    /// Never returns.
    pub(super) async fn keep(&self, tell: &Tell) -> Infallible {
        let Server::Ours(cluster) = &self.server else {
            return pending().await;
        };
        let mut has_failed = false;
        loop {
            sleep(LOOK_INTERVAL).await;
            if cluster.lock().is_running() {
                continue;
            }
            if !has_failed {
                let seconds = REVIVAL_PAUSE.as_secs();
                tell(&News::Amiss(format!(
                    "the demo's Postgres stopped; it is restarted in {seconds} s"
                )));
            }
            sleep(REVIVAL_PAUSE).await;
            let cluster = cluster.clone();
            let revived = spawn_blocking(move || cluster.lock().start_again()).await;
            // Said once, tried for as long as the demo runs.
            match &revived {
                Ok(Err(error)) if !has_failed => tell(&News::Amiss(error.to_string())),
                _ => {}
            }
            has_failed = !matches!(revived, Ok(Ok(())));
        }
    }

    /// Removes the database and its role.
    pub(super) async fn leave(self) {
        match self.server {
            Server::Ours(cluster) => {
                // Blocks for some milliseconds; a panic in there has no receiver left.
                let _ = tokio::task::spawn_blocking(move || drop(cluster)).await;
            }
            Server::Theirs { admin, name } => {
                if let Err(error) = drop_all(&admin, &name).await {
                    tracing::warn!(database = name, %error, "the demo's database could not be removed");
                }
            }
        }
    }
}

pub(super) async fn connect(config: &Config) -> Result<Client, DemoError> {
    let doing = "connect to the demo's Postgres";
    let (client, connection) = config.connect(NoTls).await.map_err(DemoError::of(doing))?;
    tokio::spawn(connection);
    Ok(client)
}

async fn create_database(admin: &Config, name: &str) -> Result<(), DemoError> {
    let sql = format!("CREATE DATABASE {name}");
    execute(admin, &sql, format!("create the database {name}")).await
}

async fn create_role(admin: &Config, name: &str, password: Option<&str>) -> Result<(), DemoError> {
    let password = password.map(|password| format!("PASSWORD '{password}'"));
    let password = password.unwrap_or_default();
    let sql = format!("CREATE ROLE {name} LOGIN CONNECTION LIMIT 5 {password}");
    execute(admin, &sql, format!("create the role {name}")).await
}

async fn drop_all(admin: &Config, name: &str) -> Result<(), DemoError> {
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    execute(admin, &sql, format!("drop the database {name}")).await?;
    let sql = format!("DROP ROLE IF EXISTS {name}");
    execute(admin, &sql, format!("drop the role {name}")).await
}

async fn execute(on: &Config, sql: &str, doing: String) -> Result<(), DemoError> {
    let client = connect(on).await?;
    client
        .batch_execute(sql)
        .await
        .map_err(DemoError::of(doing))
}

/// The URL of the database and role `name` on the first host of `admin`.
fn url_of(admin: &Config, name: &str, password: &str) -> String {
    let port = admin.get_ports().first().unwrap_or(&5432);
    let encoded = |text: &str| cluster::encoded(text);
    match admin.get_hosts().first() {
        Some(Host::Tcp(host)) if host.contains(':') => {
            format!("postgres://{name}:{password}@[{host}]:{port}/{name}")
        }
        Some(Host::Tcp(host)) => {
            let host = encoded(host);
            format!("postgres://{name}:{password}@{host}:{port}/{name}")
        }
        Some(Host::Unix(folder)) => {
            let folder = encoded(&folder.to_string_lossy());
            format!("postgres://{name}:{password}@/{name}?host={folder}&port={port}")
        }
        None => format!("postgres://{name}:{password}@localhost:{port}/{name}"),
    }
}
