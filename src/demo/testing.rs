//! Shared functions of the demo's tests.

use tokio_postgres::{Client, NoTls};

use super::cluster::{Cluster, Options, SUPERUSER};

/// Options that keep the prepared data folder under `target`, so that `cargo clean` removes it.
pub(super) fn prepared() -> Options {
    let binary = std::env::current_exe().unwrap();
    Options {
        prepared: Some(binary.with_file_name("prepared-postgres")),
        ..Options::default()
    }
}

pub(super) fn cluster() -> Cluster {
    Cluster::start(&prepared()).unwrap()
}

pub(super) async fn connect_to(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(super) async fn connect(cluster: &Cluster, database: &str) -> Client {
    connect_to(&cluster.url(SUPERUSER, database)).await
}

pub(super) async fn fresh_database(cluster: &Cluster, name: &str) -> Client {
    let client = connect(cluster, "postgres").await;
    let create = format!("CREATE DATABASE {name}");
    client.batch_execute(&create).await.unwrap();
    connect(cluster, name).await
}
