//! Where the fleet lives: a database of its own, in a throwaway server or a guest of another.

use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use super::cluster::{self, Cluster, SUPERUSER};
use super::error::DemoError;

const DATABASE: &str = "coder_demo";
const ROLE: &str = "coder_exporter";

/// A database of ours, and the role that may only read it. [`Home::leave`] removes both.
#[derive(Debug)]
pub(super) struct Home {
    owner: Config,
    url: String,
    server: Server,
}

#[derive(Debug)]
enum Server {
    /// Goes with everything in it.
    Ours(Cluster),
    /// Has other things in it: names of ours are random, and are dropped in the end.
    Theirs { admin: Config, name: String },
}

impl Home {
    /// In a throwaway server.
    pub(super) async fn build() -> Result<Self, DemoError> {
        let start = || Cluster::start(&cluster::Options::default());
        let cluster = tokio::task::spawn_blocking(start).await??;
        let config = |database| cluster.url(SUPERUSER, database).parse();
        let admin: Config = config("postgres").map_err(DemoError::Url)?;
        let home = Self {
            owner: config(DATABASE).map_err(DemoError::Url)?,
            url: cluster.url(ROLE, DATABASE),
            server: Server::Ours(cluster),
        };
        create(&admin, DATABASE, ROLE, None).await?;
        Ok(home)
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
        let home = Self {
            url: url_of(&admin, &name, &password),
            owner,
            server: Server::Theirs {
                admin: admin.clone(),
                name: name.clone(),
            },
        };
        if let Err(error) = create(&admin, &name, &name, Some(&password)).await {
            home.leave().await;
            return Err(error);
        }
        Ok(home)
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

    /// Leaves nothing behind.
    pub(super) async fn leave(self) {
        match self.server {
            Server::Ours(cluster) => {
                // Blocks for some milliseconds; a panic in there has nobody left to tell.
                let _ = tokio::task::spawn_blocking(move || drop(cluster)).await;
            }
            Server::Theirs { admin, name } => {
                if let Err(error) = drop_all(&admin, &name).await {
                    tracing::warn!(database = name, %error, "the demo's database stays behind");
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

async fn create(
    admin: &Config,
    database: &str,
    role: &str,
    password: Option<&str>,
) -> Result<(), DemoError> {
    let client = connect(admin).await?;
    let sql = format!("CREATE DATABASE {database}");
    let doing = format!("create the database {database}");
    client
        .batch_execute(&sql)
        .await
        .map_err(DemoError::of(doing))?;
    let password = password.map(|password| format!("PASSWORD '{password}'"));
    let password = password.unwrap_or_default();
    let sql = format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 5 {password}");
    let doing = format!("create the role {role}");
    client
        .batch_execute(&sql)
        .await
        .map_err(DemoError::of(doing))
}

async fn drop_all(admin: &Config, name: &str) -> Result<(), DemoError> {
    let client = connect(admin).await?;
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    let doing = format!("drop the database {name}");
    client
        .batch_execute(&sql)
        .await
        .map_err(DemoError::of(doing))?;
    let sql = format!("DROP ROLE IF EXISTS {name}");
    let doing = format!("drop the role {name}");
    client
        .batch_execute(&sql)
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
