use std::future::pending;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, SUPERUSER};
use super::testing::{cluster, connect, connect_to, fresh_database};
use super::*;
use fleet::{Fleet, Tables};
use schema::Era;
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
        WHERE least(updated_at, last_seen_at) > now() - interval '8 s'";
    assert_eq!(count(&client, coder).await, 8);
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
    let transaction = client.transaction().await.unwrap();
    store::insert_scenery(&transaction, fleet.seed_data())
        .await
        .unwrap();
    store::insert(&transaction, &tables.rows(), now)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let database = cluster.url(SUPERUSER, "fleet").parse().unwrap();
    let simulation = Simulation::new(database, client, (fleet, now), Pace::REAL, nobody());
    (observer, simulation)
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

const AGENTS: &str = "SELECT concat_ws(' ', id, parent_id, lifecycle_state, deleted,
    first_connected_at IS NULL, disconnected_at IS NULL,
    coalesce(disconnected_at >= last_connected_at, false), started_at IS NULL, ready_at IS NULL)
    FROM workspace_agents ORDER BY id";

fn agents(tables: &Tables) -> Vec<String> {
    let flag = |flag: bool| if flag { "t" } else { "f" };
    let line = |agent: &fleet::AgentRow| {
        let parent = agent
            .parent_id
            .map(|id| format!("{id} "))
            .unwrap_or_default();
        let facts = [
            agent.deleted,
            agent.first_connected_at.is_none(),
            agent.disconnected_at.is_none(),
            agent.disconnected_at.is_some() && agent.disconnected_at >= agent.last_connected_at,
            agent.started_at.is_none(),
            agent.ready_at.is_none(),
        ];
        let facts = facts.map(flag).join(" ");
        format!("{} {parent}{} {facts}", agent.id, agent.lifecycle_state)
    };
    tables.agents.values().map(line).collect()
}

#[tokio::test]
async fn statements_do_to_the_database_what_the_story_does_to_its_tables() {
    let cluster = cluster();
    let mut client = fresh_database(&cluster, "fleet").await;
    client.batch_execute(&Era::NEWEST.sql()).await.unwrap();
    let (mut fleet, mut tables, mut now) = Fleet::with_history(100, 11);
    let transaction = client.transaction().await.unwrap();
    store::insert_scenery(&transaction, fleet.seed_data())
        .await
        .unwrap();
    store::insert(&transaction, &tables.rows(), now)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    // Hours in steps of 20 s: every kind of change comes by, pruning included.
    for _ in 0..500 {
        now += 20;
        let changes = fleet.tick(now);
        let transaction = client.transaction().await.unwrap();
        store::apply(&transaction, &changes, now).await.unwrap();
        transaction.commit().await.unwrap();
        tables.apply(&changes, now);
    }
    tables.prune();

    let unassigned = "SELECT count(*) FROM provisioner_jobs AS job
        LEFT JOIN provisioner_daemons AS daemon
        ON daemon.id = job.worker_id AND daemon.organization_id = job.organization_id
        WHERE job_status = 'running' AND daemon.id IS NULL";
    assert_eq!(count(&client, unassigned).await, 0);
    let rows = client.query(AGENTS, &[]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(found == agents(&tables), "the agents differ");
    let tallies = [
        ("workspaces", tables.workspaces.len()),
        (
            "workspaces WHERE deleted",
            tables.workspaces.values().filter(|row| row.deleted).count(),
        ),
        ("workspace_builds", tables.builds.len()),
        ("workspace_resources", tables.resources.len()),
        ("workspace_apps", tables.apps.len()),
        ("chats", tables.chats.len()),
        (
            "chats WHERE agent_id IS NULL",
            tables
                .chats
                .values()
                .filter(|row| row.agent_id.is_none())
                .count(),
        ),
        (
            "provisioner_jobs WHERE job_status = 'failed'",
            tables
                .jobs
                .values()
                .filter(|row| row.error.is_some())
                .count(),
        ),
        (
            "provisioner_jobs WHERE job_status = 'canceled'",
            tables
                .jobs
                .values()
                .filter(|row| row.canceled_at.is_some())
                .count(),
        ),
        (
            "workspace_apps WHERE health = 'unhealthy'",
            tables
                .apps
                .values()
                .filter(|row| row.health == "unhealthy")
                .count(),
        ),
    ];
    for (what, expected) in tallies {
        let found = count(&client, &format!("SELECT count(*) FROM {what}")).await;
        assert_eq!(usize::try_from(found).unwrap(), expected, "{what}");
    }
}
