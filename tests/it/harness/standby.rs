//! A real standby: a base backup of the primary, replaying what the primary streams.

use std::process::Command;

use coder_agent_exporter::demo::cluster::{Cluster, Options, SUPERUSER};
use tokio_postgres::{Client, NoTls};

use super::exporter::Settings;
use super::{Coder, Exporter, eventually, prepared};

/// What a standby must allow as well, or it does not start.
const REPLICATION: [&str; 2] = ["wal_level = replica", "max_wal_senders = 4"];

/// A Coder whose server can have standbys.
pub(crate) async fn primary() -> Coder {
    Coder::on(Options {
        settings: REPLICATION.map(String::from).to_vec(),
        ..prepared()
    })
    .await
}

/// A streaming hot standby.
pub(crate) struct Standby {
    cluster: Cluster,
    admin: Client,
}

impl Standby {
    /// Copies the primary as it is and follows it from there.
    pub(crate) async fn of(coder: &Coder) -> Self {
        let backup = std::env::temp_dir().join(format!("backup-{}", uuid::Uuid::new_v4()));
        let primary = coder.cluster();
        let done = Command::new(primary.program("pg_basebackup"))
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
            .arg("--dbname")
            .arg(primary.url(SUPERUSER, "postgres"))
            .arg("--pgdata")
            .arg(&backup)
            .status();
        assert!(done.unwrap().success(), "pg_basebackup fails");
        let settings = ["hot_standby = on", "wal_retrieve_retry_interval = 100ms"];
        let cluster = Cluster::start(&Options {
            settings: [&REPLICATION[..], &settings]
                .concat()
                .into_iter()
                .map(String::from)
                .collect(),
            copy_of: Some(backup.clone()),
            ..Options::default()
        });
        std::fs::remove_dir_all(&backup).unwrap();
        let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
        let admin = connect(&cluster, &coder.database).await;
        let standby = Self { cluster, admin };
        standby.caught_up(coder).await;
        standby
    }

    /// Where the exporter finds it, as the same role as on the primary.
    pub(crate) fn url(&self, coder: &Coder) -> String {
        self.cluster.url(&coder.role, &coder.database)
    }

    /// An exporter that reads it, as the same role as on the primary.
    pub(crate) async fn exporter_with(
        &self,
        coder: &Coder,
        change: impl FnOnce(&mut Settings),
    ) -> Exporter {
        Exporter::start(&self.url(coder), change).await
    }

    /// Waits until it has replayed all that the primary has written so far.
    pub(crate) async fn caught_up(&self, coder: &Coder) {
        let client = coder.connect().await;
        let row = client.query_one("SELECT pg_current_wal_flush_lsn()::text", &[]);
        let until: String = row.await.unwrap().get(0);
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{until}'::pg_lsn");
        eventually("the standby has caught up", async || {
            self.ask(&replayed).await
        })
        .await;
    }

    /// Keeps what the primary sends, and applies none of it.
    pub(crate) async fn pause(&self) {
        self.sql("SELECT pg_wal_replay_pause()").await;
        eventually("replay is paused", async || {
            self.ask("SELECT pg_get_wal_replay_pause_state() = 'paused'")
                .await
        })
        .await;
    }

    pub(crate) async fn resume(&self) {
        self.sql("SELECT pg_wal_replay_resume()").await;
    }

    /// Makes it a primary of its own.
    pub(crate) async fn promote(&self) {
        self.sql("SELECT pg_promote()").await;
    }

    /// Stops and starts the server; sessions are lost, and with them this one's.
    pub(crate) async fn restart(&mut self, coder: &Coder) {
        self.cluster.stop();
        self.cluster.start_again().unwrap();
        self.admin = connect(&self.cluster, &coder.database).await;
    }

    /// Runs statements as the superuser.
    pub(crate) async fn sql(&self, statements: &str) {
        let done = self.admin.batch_execute(statements).await;
        done.unwrap_or_else(|error| panic!("{error:?} in {statements}"));
    }

    /// The answer to a yes-or-no question.
    pub(crate) async fn ask(&self, query: &str) -> bool {
        let row = self.admin.query_one(query, &[]).await;
        row.unwrap_or_else(|error| panic!("{error:?} in {query}"))
            .get(0)
    }
}

async fn connect(cluster: &Cluster, database: &str) -> Client {
    let url = cluster.url(SUPERUSER, database);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
