use std::future::pending;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, SUPERUSER};
use super::testing::{cluster, connect, connect_to, fresh_database};
use super::*;
use fleet::{Fleet, Tables, Time};
use tokio_postgres::Client;

/// A callback that ignores all news.
fn nobody() -> Tell {
    Arc::new(|_| ())
}

async fn started(options: &Options) -> Demo {
    let demo = start(options, &nobody(), pending()).await;
    demo.unwrap().unwrap()
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn wait_for(client: &Client, sql: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(client, sql).await == 0 {
        assert!(Instant::now() < deadline, "within 20 s: {sql}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

const FRESH_HEARTBEATS: &str = "SELECT count(*) FROM workspace_agents
    WHERE last_connected_at > now() - interval '1.5 s'";

#[tokio::test]
async fn demo_shows_its_fleet_to_a_role_that_may_only_read_and_leaves_nothing() {
    let demo = started(&Options::default()).await;
    let Some(folder) = demo.url().split(['=', '&']).nth(1) else {
        panic!("no folder in {}", demo.url());
    };
    let folder = folder.replace("%2F", "/");
    assert!(std::path::Path::new(&folder).exists());

    let client = connect_to(demo.url()).await;
    let workspaces = "SELECT count(*) FROM workspaces WHERE NOT deleted";
    assert_eq!(count(&client, workspaces).await, 200);
    let write = client.batch_execute("DELETE FROM chats").await;
    assert!(write.is_err(), "the exporter's role may write");

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let simulation = tokio::spawn(demo.live(async { stopped.await.unwrap_or(()) }));
    wait_for(&client, FRESH_HEARTBEATS).await;
    let pulse = "SELECT sum(extract(epoch FROM updated_at))::bigint FROM replicas";
    let before = count(&client, pulse).await;
    let moved = format!("SELECT (({pulse}) > {before})::int::bigint");
    wait_for(&client, &moved).await;
    let coder = "SELECT count(*) FROM replicas, provisioner_daemons
        WHERE updated_at > now() - interval '30 s' AND last_seen_at > now() - interval '90 s'";
    assert_eq!(count(&client, coder).await, 3 * 6);
    stop.send(()).unwrap();
    simulation.await.unwrap();
    assert!(!std::path::Path::new(&folder).exists());
}

#[tokio::test]
async fn demo_in_a_server_of_somebody_elses_leaves_it_as_it_was() {
    let cluster = cluster();
    let guests = "SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'coder_demo_%')
        + (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'coder_demo_%')";
    let client = connect(&cluster, "postgres").await;
    let options = Options {
        workspaces: 10,
        database_url: Some(cluster.url(SUPERUSER, "postgres")),
        ..Options::default()
    };
    let demo = started(&options).await;
    assert_eq!(count(&client, guests).await, 2);
    let reader = connect_to(demo.url()).await;
    assert!(count(&reader, "SELECT count(*) FROM workspaces").await >= 10);
    // The reader is still there: it must not keep the database from being dropped.
    demo.end().await;
    assert_eq!(count(&client, guests).await, 0);
}

#[tokio::test]
async fn server_that_refuses_is_named_with_what_it_said() {
    let cluster = cluster();
    let client = connect(&cluster, "postgres").await;
    client
        .batch_execute("CREATE ROLE nobody LOGIN")
        .await
        .unwrap();
    let options = Options {
        database_url: Some(cluster.url("nobody", "postgres")),
        ..Options::default()
    };
    let error = start(&options, &nobody(), pending()).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("create the database coder_demo_"), "{error}");
    assert!(error.contains("permission denied"), "{error}");
}

async fn small_life(cluster: &Cluster) -> (Client, Simulation) {
    let observer = fresh_database(cluster, "fleet").await;
    let mut client = connect(cluster, "fleet").await;
    client.batch_execute(&Era::NEWEST.sql()).await.unwrap();
    let (fleet, tables, now) = Fleet::with_history(60, 2);
    insert(&mut client, Era::NEWEST, &fleet, &tables, now).await;
    let database = cluster.url(SUPERUSER, "fleet").parse().unwrap();
    let database = (database, client, Era::NEWEST);
    let simulation = Simulation::new(database, (fleet, now), Pace::REAL, nobody());
    (observer, simulation)
}

async fn insert(client: &mut Client, era: Era, fleet: &Fleet, tables: &Tables, now: Time) {
    let transaction = client.transaction().await.unwrap();
    store::insert_scenery(&transaction, era, fleet.seed_data())
        .await
        .unwrap();
    store::insert(&transaction, &tables.rows(), (era, now))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn fleet_lives_on_after_its_database_was_away() {
    let mut cluster = cluster();
    let (observer, mut simulation) = small_life(&cluster).await;
    let simulation = tokio::spawn(async move { simulation.run().await });
    wait_for(&observer, FRESH_HEARTBEATS).await;
    cluster.kill();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    cluster.start_again().unwrap();
    let observer = connect(&cluster, "fleet").await;
    wait_for(&observer, FRESH_HEARTBEATS).await;
    simulation.abort();
}
