//! An exporter that remembers what cannot change says at every step of a random history what one
//! says that has just started (`docs/decisions/0023-what-cannot-change-is-read-once.md`).

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use coder_agent_exporter::config::postgres_url::PostgresUrl;
use coder_agent_exporter::fleet::model::snapshot::Snapshot;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::postgres::database::{CollectionRequest, Database};

use crate::harness::*;

const HISTORIES: u32 = 3;
const STEPS: u32 = 50;

/// A random workspace, and a random latest build that is live.
const SOME: &str = "(SELECT id FROM workspaces ORDER BY random() LIMIT 1)";

/// What may happen, in SQL. `$AGENT` is a random agent, `$WORKSPACE` a random workspace.
const EVENTS: &[&str] = &[
    // A build begins, and its job has made nothing yet.
    "WITH job AS (
         INSERT INTO provisioner_jobs (id, organization_id, started_at, worker_id)
         SELECT gen_random_uuid(), organization_id, now(), gen_random_uuid()
         FROM workspaces WHERE id = $WORKSPACE RETURNING id
     )
     INSERT INTO workspace_builds (id, workspace_id, template_version_id, build_number, transition, job_id)
     SELECT gen_random_uuid(), workspace.id, version.id,
            1 + coalesce((SELECT max(build_number) FROM workspace_builds
                          WHERE workspace_id = workspace.id), 0),
            (ARRAY['start', 'start', 'stop'])[1 + floor(random() * 3)::integer]::workspace_transition,
            job.id
     FROM job, workspaces AS workspace
     JOIN LATERAL (SELECT id FROM template_versions WHERE template_id = workspace.template_id
                   ORDER BY random() LIMIT 1) AS version ON true
     WHERE workspace.id = $WORKSPACE",
    // Jobs finish: with their resources and agents, in one transaction; or they fail.
    "WITH done AS (
         UPDATE provisioner_jobs SET completed_at = now()
         WHERE completed_at IS NULL AND random() < 0.7 RETURNING id
     ), made AS (
         INSERT INTO workspace_resources (id, job_id, type)
         SELECT gen_random_uuid(), id, (ARRAY['docker_container', 'docker_volume', 'coder_external_agent'])[it]
         FROM done, generate_series(1, 3) AS it RETURNING id, type
     )
     INSERT INTO workspace_agents (id, resource_id, name, created_at, lifecycle_state)
     SELECT gen_random_uuid(), id, 'main-' || it, now(), 'created'
     FROM made, generate_series(1, 2) AS it WHERE type <> 'docker_volume' AND random() < 0.8",
    "UPDATE provisioner_jobs SET completed_at = now(), error = 'no capacity'
     WHERE completed_at IS NULL AND random() < 0.3",
    "UPDATE provisioner_jobs SET canceled_at = now() WHERE completed_at IS NULL AND random() < 0.3",
    // Agents live.
    "UPDATE workspace_agents SET last_connected_at = now(), first_connected_at = coalesce(first_connected_at, now()),
         lifecycle_state = 'ready', version = 'v2.' || floor(random() * 3), started_at = now()
     WHERE random() < 0.6",
    "UPDATE workspace_agents SET disconnected_at = now() WHERE random() < 0.2",
    "UPDATE workspace_agents SET deleted = true WHERE random() < 0.05",
    // A dev container's agent comes, in its parent's resource, and goes.
    "INSERT INTO workspace_agents (id, resource_id, parent_id, name, created_at, lifecycle_state)
     SELECT gen_random_uuid(), resource_id, id, 'dev-' || floor(random() * 1000000), now(), 'created'
     FROM workspace_agents WHERE id = $AGENT",
    "DELETE FROM workspace_agents WHERE parent_id IS NOT NULL AND random() < 0.3",
    // Names and owners change.
    "UPDATE workspaces SET name = name || 'x' WHERE id = $WORKSPACE",
    "UPDATE template_versions SET name = name || 'x' WHERE random() < 0.2",
    "UPDATE users SET username = username || 'x' WHERE random() < 0.2",
    "UPDATE workspaces SET owner_id = (SELECT id FROM users ORDER BY random() LIMIT 1),
         name = gen_random_uuid()::text WHERE id = $WORKSPACE",
    "UPDATE workspaces SET template_id = (SELECT id FROM templates ORDER BY random() LIMIT 1) WHERE id = $WORKSPACE",
    // Workspaces go, come back, and come.
    "UPDATE workspaces SET deleted = NOT deleted WHERE id = $WORKSPACE",
    "INSERT INTO workspaces (id, owner_id, organization_id, template_id, name)
     SELECT gen_random_uuid(), owner_id, organization_id, template_id, name || '-' || floor(random() * 1000000)
     FROM workspaces WHERE id = $WORKSPACE",
    // Rows vanish as no Coder deletes them.
    "DELETE FROM workspace_builds AS build WHERE workspace_id = $WORKSPACE
         AND build_number = (SELECT max(build_number) FROM workspace_builds WHERE workspace_id = $WORKSPACE)",
    "DELETE FROM workspace_builds WHERE workspace_id = $WORKSPACE",
    "DELETE FROM provisioner_jobs WHERE random() < 0.02 AND completed_at IS NULL",
    // A chat is bound to an agent.
    "INSERT INTO chats (id, owner_id, workspace_id, agent_id)
     SELECT gen_random_uuid(), owner_id, id, CASE WHEN random() < 0.8 THEN $AGENT END
     FROM workspaces WHERE id = $WORKSPACE",
];

/// Puts everything back to how it was, as a backup is restored: the tables are emptied and filled,
/// and time turns back.
const TABLES: &[&str] = &[
    "workspaces",
    "workspace_builds",
    "workspace_resources",
    "workspace_agents",
    "provisioner_jobs",
    "chats",
];

async fn back_up(coder: &Coder) {
    let mut sql = String::from("CREATE SCHEMA IF NOT EXISTS backup;");
    for table in TABLES {
        write!(
            sql,
            "DROP TABLE IF EXISTS backup.{table};
             CREATE TABLE backup.{table} AS SELECT * FROM public.{table};"
        )
        .unwrap();
    }
    coder.sql(&sql).await;
}

async fn restore(coder: &Coder) {
    let client = coder.connect().await;
    let mut sql = String::from("SET session_replication_role = replica; BEGIN;");
    for table in TABLES {
        // Without what the database works out by itself.
        let columns =
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'";
        let columns: String = client.query_one(columns, &[table]).await.unwrap().get(0);
        write!(
            sql,
            "TRUNCATE public.{table} CASCADE;
             INSERT INTO public.{table} ({columns}) SELECT {columns} FROM backup.{table};"
        )
        .unwrap();
    }
    sql += "COMMIT; RESET session_replication_role;";
    client.batch_execute(&sql).await.unwrap();
}

async fn read(database: &Database) -> Snapshot {
    read_by(database, Collector::DEFAULT).await
}

async fn read_by(database: &Database, collectors: &[Collector]) -> Snapshot {
    let limits = Limits::default();
    let wanted = CollectionRequest {
        collectors,
        limits: &limits,
        named_apps: false,
        metadata_keys: &[],
    };
    let collection = database
        .collection(wanted, Instant::now() + Duration::from_secs(60))
        .await;
    assert_eq!(collection.failures().count(), 0, "{:?}", collection.reports);
    collection.fleet.unwrap().snapshot
}

/// What the fleet is, in an order of its own, and nothing of when it was read.
fn facts(snapshot: &Snapshot) -> Vec<String> {
    let mut facts: Vec<String> = Vec::new();
    let workers = snapshot.provisioners_of_agents.as_ref().unwrap();
    for (agent, worker) in snapshot.agents.iter().flatten().zip(&workers.codes) {
        let scope = snapshot.scopes.get(agent.scope);
        let origin = snapshot.origins.get(agent.origin);
        let worker = workers.values.get(*worker as usize);
        let mut agent = agent.clone();
        (agent.scope, agent.origin) = (
            coder_agent_exporter::fleet::model::agent::ScopeId(0),
            coder_agent_exporter::fleet::model::origin::OriginId::UNKNOWN,
        );
        facts.push(format!("{agent:?} {scope:?} {origin:?} {worker:?}"));
    }
    facts.extend(
        snapshot
            .workspaces
            .iter()
            .flatten()
            .map(|it| format!("{it:?}")),
    );
    facts.extend(
        snapshot
            .bindings
            .iter()
            .flatten()
            .map(|it| format!("{it:?}")),
    );
    facts.extend(snapshot.stopped.iter().map(|it| format!("{it:?}")));
    facts.sort();
    facts
}

/// The agents by a single statement that remembers nothing.
async fn population(coder: &Coder) -> Vec<String> {
    let sql = include_str!("population.sql");
    let client = coder.connect().await;
    let rows = client.query(sql, &[]).await.unwrap();
    let mut lines: Vec<String> = rows.iter().map(|it| it.get(0)).collect();
    lines.sort();
    lines
}

fn agents(snapshot: &Snapshot) -> Vec<String> {
    let agents = snapshot.agents.iter().flatten();
    let mut lines: Vec<String> = agents
        .map(|it| {
            let scope = snapshot.scopes.get(it.scope).unwrap();
            format!(
                "{} {} {} {} {} {} {} {} {}",
                it.id,
                it.name,
                it.workspace,
                it.owner,
                scope.organization,
                scope.template,
                it.template_version,
                it.transition.as_str(),
                it.lifecycle.as_str(),
            )
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn exporter_that_remembers_says_what_one_says_that_has_just_started() {
    let coder = Coder::new().await;
    let url: PostgresUrl = coder.url().parse().unwrap();
    let histories = times(HISTORIES);
    for history in 0..histories {
        let seed = f64::from(history) / f64::from(histories);
        let fleet = include_str!("random_fleets.sql").replace("$SEED", &seed.to_string());
        // Tables by their own names: the reference of random fleets has another for apps.
        coder
            .sql(&fleet.replace("real_table", "workspace_apps"))
            .await;
        let mut chance = Chance::new(u64::from(history));
        let remembers = Database::new(&url, 2).unwrap();
        let mut changed = 0;
        let mut before = Vec::new();
        for step in 0..STEPS {
            for _ in 0..1 + chance.below(3) {
                let event = EVENTS[chance.below(EVENTS.len() as u64) as usize];
                let agent = "(SELECT id FROM workspace_agents ORDER BY random() LIMIT 1)";
                let seed = format!("SELECT setseed({});", chance.below(1000) as f64 / 1000.0);
                // Drawn once for the whole statement.
                let drawn = format!(
                    "CREATE TEMP TABLE drawn AS SELECT {SOME} AS workspace, {agent} AS agent;"
                );
                let event = event
                    .replace("$WORKSPACE", "(SELECT workspace FROM drawn)")
                    .replace("$AGENT", "(SELECT agent FROM drawn)");
                coder
                    .sql(&format!("{seed} {drawn} {event}; DROP TABLE drawn"))
                    .await;
            }
            match step {
                20 => back_up(&coder).await,
                35 => restore(&coder).await,
                _ => {}
            }
            let (ours, fresh) = (
                read(&remembers).await,
                read(&Database::new(&url, 1).unwrap()).await,
            );
            let place = format!("history {history}, step {step}");
            assert_eq!(facts(&ours), facts(&fresh), "{place}");
            assert_eq!(agents(&ours), population(&coder).await, "{place}");
            assert_eq!(ours.build_differences, 0, "{place}");
            changed += u32::from(before != facts(&ours));
            before = facts(&ours);
        }
        assert!(changed > STEPS / 2, "{changed} steps changed anything");
    }
}

/// Rows that Coder never changes, changed by hand: noticed within 64 collections, counted, and
/// right from the next collection on.
#[tokio::test]
async fn change_by_hand_is_noticed_and_everything_is_read_again() {
    let coder = Coder::new().await;
    coder.add_many(1, 130, 1).await;
    let url: PostgresUrl = coder.url().parse().unwrap();
    let remembers = Database::new(&url, 1).unwrap();
    read(&remembers).await;
    coder
        .sql("UPDATE workspace_builds SET transition = 'stop'")
        .await;
    let mut differences = 0;
    let mut collections = 0;
    while differences == 0 {
        collections += 1;
        assert!(collections <= 64);
        differences = read(&remembers).await.build_differences;
    }
    let now = read(&remembers).await;
    let fresh = read(&Database::new(&url, 1).unwrap()).await;
    assert_eq!(facts(&now), facts(&fresh));
}

/// A scrape of some collectors neither forgets nor spoils what those of all have learnt.
#[tokio::test]
async fn collection_of_the_agents_alone_leaves_what_is_remembered() {
    let coder = Coder::new().await;
    coder.add_many(1, 3, 1).await;
    let url: PostgresUrl = coder.url().parse().unwrap();
    let remembers = Database::new(&url, 1).unwrap();
    read(&remembers).await;
    // Not seen before its turn comes: what is remembered is said.
    coder
        .sql("UPDATE workspace_builds SET transition = 'stop'")
        .await;
    let starts = |snapshot: &Snapshot| {
        let agents = snapshot.agents.iter().flatten();
        agents
            .filter(|it| it.transition.as_str() == "start")
            .count()
    };
    let alone = read_by(&remembers, &[Collector::Agents]).await;
    let all = read(&remembers).await;
    assert!(starts(&alone) >= 2 && starts(&all) >= 1, "it was forgotten");
    assert_eq!(starts(&read(&Database::new(&url, 1).unwrap()).await), 0);
}
