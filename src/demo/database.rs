//! Where the fleet lives: a database of its own, in a throwaway server or a guest of another.

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

/// How often a throwaway server is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Long enough for a scrape or two to find no database.
const REVIVAL_PAUSE: Duration = Duration::from_secs(5);

/// A database of ours, and the role that may only read it. [`DemoDatabase::leave`] removes both.
#[derive(Debug)]
pub(super) struct DemoDatabase {
    owner: Config,
    url: String,
    server: Server,
}

#[derive(Debug)]
enum Server {
    /// Goes with everything in it.
    Ours(Arc<Mutex<Cluster>>),
    /// Has other things in it: names of ours are random, and are dropped in the end.
    Theirs { admin: Box<Config>, name: String },
}

impl DemoDatabase {
    /// In a throwaway server.
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

    /// In a server given by its URL, whose user may create databases and roles. TLS is not
    /// spoken here.
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

    /// How the owner of the fleet reaches it.
    pub(super) fn owner(&self) -> &Config {
        &self.owner
    }

    /// How the exporter reaches it: as a role that may only read.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn role(&self) -> &str {
        match &self.server {
            Server::Ours(_) => ROLE,
            Server::Theirs { name, .. } => name,
        }
    }

    /// Whether the server is a throwaway one, in which there is nothing else.
    pub(super) fn is_ours(&self) -> bool {
        !matches!(self.server, Server::Theirs { .. })
    }

    /// Starts a throwaway server again when it has been ended. Until then the outage is
    /// there to be seen.
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

    /// Leaves nothing behind.
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

/// The URL of the database and role of this name on the first host of `admin`.
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
