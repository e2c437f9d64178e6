//! The statements do to the database of every era what the story does to its tables.

use tokio_postgres::Client;

use super::cluster::Cluster;
use super::fleet::{AgentRow, Fleet, Pace, Scenario, Tables, Time};
use super::schema::Era;
use super::store;
use super::testing::{cluster, fresh_database};

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn lines(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A story in memory and in the database.
async fn story(
    cluster: &Cluster,
    era: Era,
    (scenario, steps): (Scenario, Time),
) -> (Client, Tables) {
    let mut client = fresh_database(cluster, &format!("{era:?}").to_lowercase()).await;
    client.batch_execute(&era.sql()).await.unwrap();
    let (mut fleet, mut tables, mut now) = Fleet::in_era(era, (100, 11, scenario), Pace::REAL);
    let transaction = client.transaction().await.unwrap();
    store::insert_scenery(&transaction, era, fleet.seed_data())
        .await
        .unwrap();
    store::insert(&transaction, &tables.rows(), (era, now))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    for _ in 0..steps {
        now += 20;
        let changes = fleet.tick(now);
        let transaction = client.transaction().await.unwrap();
        store::apply(&transaction, &changes, (era, now))
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        tables.apply(&changes, now);
    }
    tables.prune();
    (client, tables)
}

/// What both say of each agent, as far as this era has it.
fn agents_sql(era: Era) -> String {
    let parent = match era.has_sub_agents() {
        true => "parent_id",
        false => "NULL",
    };
    let deleted = match era >= Era::V2_24 {
        true => "deleted",
        false => "false",
    };
    format!(
        "SELECT concat_ws(' ', id, {parent}, lifecycle_state, {deleted}, version,
            last_connected_replica_id, first_connected_at IS NULL, disconnected_at IS NULL,
            coalesce(disconnected_at >= last_connected_at, false), started_at IS NULL,
            ready_at IS NULL)
        FROM workspace_agents ORDER BY id"
    )
}

fn agents(tables: &Tables, era: Era) -> Vec<String> {
    let flag = |flag: bool| if flag { "t" } else { "f" };
    let id = |id: Option<_>| id.map(|id| format!("{id} ")).unwrap_or_default();
    let line = |agent: &AgentRow| {
        let facts = [
            agent.first_connected_at.is_none(),
            agent.disconnected_at.is_none(),
            agent.disconnected_at.is_some() && agent.disconnected_at >= agent.last_connected_at,
            agent.started_at.is_none(),
            agent.ready_at.is_none(),
        ];
        let (parent, replica) = (id(agent.parent_id), id(agent.last_connected_replica_id));
        format!(
            "{} {parent}{} {} {} {replica}{}",
            agent.id,
            agent.lifecycle_state,
            flag(agent.deleted && era >= Era::V2_24),
            agent.version,
            facts.map(flag).join(" ")
        )
    };
    tables.agents.values().map(line).collect()
}

/// How the scripts ended, each time that they ran.
const SCRIPTS: &str = "SELECT concat_ws(' ', script_id, stage, status, exit_code)
    FROM workspace_agent_script_timings JOIN workspace_agent_scripts AS script ON script.id = script_id
    WHERE display_name = 'Startup Script' ORDER BY script_id, started_at";

fn scripts(tables: &Tables) -> Vec<String> {
    let timings = tables.timings.values();
    timings
        .map(|it| format!("{} start {} {}", it.script_id, it.status, it.exit_code))
        .collect()
}

/// Whose each workspace is, and whether its last use and its build's deadline were written.
const WORKSPACES: &str = "SELECT concat_ws(' ', workspace.id, owner_id, name, deleted,
        date_part('year', last_used_at) > 1, build_number, date_part('year', deadline) > 1)
    FROM workspaces AS workspace
    JOIN workspace_builds AS build ON build.workspace_id = workspace.id
    ORDER BY workspace.id, build_number";

fn workspaces(tables: &Tables) -> Vec<String> {
    let flag = |flag: bool| if flag { "t" } else { "f" };
    let mut builds: Vec<_> = tables.builds.values().collect();
    builds.sort_by_key(|build| (build.workspace_id, build.build_number));
    let line = |build: &&super::fleet::BuildRow| {
        let workspace = &tables.workspaces[&build.workspace_id];
        format!(
            "{} {} {} {} {} {} {}",
            workspace.id,
            workspace.owner_id,
            workspace.name,
            flag(workspace.deleted),
            flag(workspace.last_used_at.is_some()),
            build.build_number,
            flag(build.deadline.is_some())
        )
    };
    builds.iter().map(line).collect()
}

async fn tallies(client: &Client, tables: &Tables, expected: &[(&str, usize)]) {
    let failed = tables.jobs.values().filter(|row| row.error.is_some());
    let canceled = tables.jobs.values().filter(|row| row.canceled_at.is_some());
    let unhealthy = tables.apps.values().filter(|row| row.health == "unhealthy");
    let common = [
        ("replicas", tables.replicas.len()),
        ("template_versions", tables.versions.len()),
        ("workspaces", tables.workspaces.len()),
        ("workspace_resources", tables.resources.len()),
        ("workspace_agent_scripts", tables.scripts.len()),
        ("workspace_apps", tables.apps.len()),
        (
            "provisioner_jobs WHERE job_status = 'failed'",
            failed.count(),
        ),
        (
            "provisioner_jobs WHERE job_status = 'canceled'",
            canceled.count(),
        ),
        (
            "workspace_apps WHERE health = 'unhealthy'",
            unhealthy.count(),
        ),
    ];
    for (what, expected) in common.iter().chain(expected) {
        let found = count(client, &format!("SELECT count(*) FROM {what}")).await;
        assert_eq!(usize::try_from(found).unwrap(), *expected, "{what}");
    }
}

#[tokio::test]
async fn statements_do_to_the_database_what_the_story_does_to_its_tables() {
    let cluster = cluster();
    let era = Era::NEWEST;
    // Hours in steps of 20 s: every kind of change comes by, pruning included.
    let (client, tables) = story(&cluster, era, (Scenario::All, 500)).await;
    let unassigned = "SELECT count(*) FROM provisioner_jobs AS job
        LEFT JOIN provisioner_daemons AS daemon
        ON daemon.id = job.worker_id AND daemon.organization_id = job.organization_id
        WHERE started_at IS NOT NULL AND daemon.id IS NULL";
    assert_eq!(count(&client, unassigned).await, 0);
    assert!(lines(&client, &agents_sql(era)).await == agents(&tables, era));
    let found = lines(&client, SCRIPTS).await;
    assert!(found == scripts(&tables), "the scripts differ");
    for end in ["ok 0", "exit_failure 1", "timed_out 255"] {
        assert!(found.iter().any(|it| it.ends_with(end)), "no {end}");
    }
    assert!(lines(&client, WORKSPACES).await == workspaces(&tables));
    let unbound = tables.chats.values().filter(|row| row.agent_id.is_none());
    let expected = [
        ("chats", tables.chats.len()),
        ("chats WHERE agent_id IS NULL", unbound.count()),
    ];
    tallies(&client, &tables, &expected).await;
}

#[tokio::test]
async fn each_era_gets_what_its_coder_has() {
    let cluster = cluster();
    for era in Era::ALL {
        // Half an hour and more: the rows of replicas that crashed are removed.
        let (client, tables) = story(&cluster, era, (Scenario::Replica, 130)).await;
        assert!(
            lines(&client, &agents_sql(era)).await == agents(&tables, era),
            "the agents of {era:?} differ"
        );
        assert!(lines(&client, WORKSPACES).await == workspaces(&tables));
        tallies(&client, &tables, &[]).await;
        if era >= Era::V2_16 {
            assert!(lines(&client, SCRIPTS).await == scripts(&tables));
        }
        let subs = tables.agents.values().filter(|row| row.parent_id.is_some());
        assert_eq!(subs.count() > 0, era >= Era::V2_22, "{era:?}");
        let has_chats = tables.chats.is_empty();
        assert_eq!(!has_chats, era >= Era::V2_24, "{era:?}");
        let prebuilds = "SELECT count(*) FROM workspaces JOIN users ON users.id = owner_id
            WHERE username = 'prebuilds'";
        let expected = if era >= Era::V2_24 { 2 } else { 0 };
        assert_eq!(count(&client, prebuilds).await, expected, "{era:?}");
        let sessions = match era >= Era::V2_36 {
            true => "session_counts <> '{}'",
            false => "session_count_vscode + session_count_ssh > 0",
        };
        let sessions = format!("SELECT count(*) FROM workspace_agent_stats WHERE {sessions}");
        assert!(count(&client, &sessions).await > 100, "{era:?}");
        let external = "SELECT count(*) FROM workspace_resources
            WHERE type = 'coder_external_agent'";
        let has_external = count(&client, external).await > 0;
        assert_eq!(has_external, era >= Era::V2_32, "{era:?}");
    }
}
