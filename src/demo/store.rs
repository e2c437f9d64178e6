//! Writes the fleet's rows and changes by SQL: one statement for each kind of change, for any
//! number of rows.
//!
//! Statements are unnamed, so they also work through a transaction pooler. Existing rows are kept,
//! so a batch can be sent again if the response to its commit was lost.

mod columns;

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use columns::{ages, column, execute, flags, ids, texts, uuids};

use super::fleet::{
    AgentRow, AppRow, BuildRow, CODER_VERSION, Changes, ChatRow, Daemon, JobOutcome, JobRow, Named,
    ResourceRow, Rows, SeedData, Time, WorkspaceRow,
};

type Result = std::result::Result<(), tokio_postgres::Error>;

/// Inserts the rows that exist before the first workspace.
pub(super) async fn insert_scenery(to: &Transaction<'_>, seed_data: &SeedData) -> Result {
    let SeedData {
        organizations,
        users,
        templates,
        replicas,
        daemons,
    } = seed_data;
    let sql = "INSERT INTO organizations (id, name) SELECT * FROM unnest($1, $2)";
    let columns = [
        uuids(organizations, |row| row.id),
        texts(organizations, |row| row.name),
    ];
    execute(to, sql, &columns).await?;
    let sql = "INSERT INTO users (id, username, email)
        SELECT id, name, name || '@example.com' FROM unnest($1, $2) AS row (id, name)";
    let columns = [uuids(users, |row| row.id), texts(users, |row| row.name)];
    execute(to, sql, &columns).await?;
    let sql = "WITH row AS (
            SELECT * FROM unnest($1, $2, $3, $4) AS row (id, version_id, organization_id, name)
        ), template AS (
            INSERT INTO templates (id, organization_id, name)
            SELECT id, organization_id, name FROM row
        )
        INSERT INTO template_versions (id, template_id, organization_id, name)
        SELECT version_id, id, organization_id, 'v1' FROM row";
    let columns = [
        uuids(templates, |row| row.id),
        uuids(templates, |row| row.version_id),
        uuids(templates, |row| row.organization_id),
        texts(templates, |row| row.name),
    ];
    execute(to, sql, &columns).await?;
    insert_coder(to, replicas, daemons).await
}

async fn insert_coder(to: &Transaction<'_>, replicas: &[Named], daemons: &[Daemon]) -> Result {
    let sql = "INSERT INTO replicas
        (id, hostname, version, created_at, started_at, database_latency)
        SELECT id, hostname, version, now() - interval '1 day', now() - interval '1 day', 800
        FROM unnest($1, $2, $3) AS row (id, hostname, version)";
    let columns = [
        uuids(replicas, |row| row.id),
        texts(replicas, |row| row.name),
        texts(replicas, |_| CODER_VERSION),
    ];
    execute(to, sql, &columns).await?;
    let sql = r#"INSERT INTO provisioner_daemons
        (id, organization_id, name, version, last_seen_at, tags)
        SELECT id, organization, name, version, now(), '{"scope": "organization", "owner": ""}'
        FROM unnest($1, $2, $3, $4) AS row (id, organization, name, version)"#;
    let columns = [
        uuids(daemons, |row| row.id),
        uuids(daemons, |row| row.organization_id),
        texts(daemons, |row| row.name.as_str()),
        texts(daemons, |_| CODER_VERSION),
    ];
    execute(to, sql, &columns).await
}

/// Inserts rows with simulated times, relative to the current simulated time `now`.
pub(super) async fn insert(to: &Transaction<'_>, rows: &Rows, now: Time) -> Result {
    insert_all(to, rows, now, &|_| ()).await
}

/// As [`insert`], and reports the progress in percent after each table.
pub(super) async fn insert_all(
    to: &Transaction<'_>,
    rows: &Rows,
    now: Time,
    done: &(dyn Fn(usize) + Sync),
) -> Result {
    insert_workspaces(to, &rows.workspaces, now).await?;
    insert_jobs(to, &rows.jobs, now).await?;
    done(15);
    insert_builds(to, &rows.builds, now).await?;
    done(30);
    insert_resources(to, &rows.resources, now).await?;
    done(45);
    insert_agents(to, &rows.agents, now).await?;
    done(70);
    insert_apps(to, &rows.apps, now).await?;
    done(95);
    insert_chats(to, &rows.chats, now).await?;
    done(100);
    Ok(())
}

/// Applies the changes of a tick. All happen at the transaction's time.
pub(super) async fn apply(to: &Transaction<'_>, changes: &Changes, now: Time) -> Result {
    if changes.coder_beats {
        beat_for_coder(to).await?;
    }
    insert(to, &changes.new, now).await?;
    apply_to_jobs(to, changes).await?;
    apply_to_agents(to, changes).await?;
    let sql = "UPDATE workspace_apps SET health = row.health::workspace_app_health
        FROM unnest($1, $2) AS row (id, health) WHERE workspace_apps.id = row.id";
    let apps = &changes.app_healths;
    execute(
        to,
        sql,
        &[uuids(apps, |row| row.0), texts(apps, |row| row.1)],
    )
    .await?;
    let sql =
        "UPDATE chats SET build_id = row.build_id, agent_id = row.agent_id, updated_at = now()
        FROM unnest($1, $2, $3) AS row (id, build_id, agent_id) WHERE chats.id = row.id";
    let bound = &changes.bindings;
    let columns = [
        uuids(bound, |row| row.0),
        uuids(bound, |row| row.1),
        uuids(bound, |row| row.2),
    ];
    execute(to, sql, &columns).await?;
    let sql = "UPDATE workspaces SET deleted = true, updated_at = now() WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.workspaces_deleted)]).await?;
    let sql = "DELETE FROM chats WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.chats_pruned)]).await?;
    let sql = "DELETE FROM provisioner_jobs WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.jobs_pruned)]).await?;
    let sql = "DELETE FROM workspaces WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.workspaces_pruned)]).await
}

async fn beat_for_coder(to: &Transaction<'_>) -> Result {
    let sql = "UPDATE replicas SET updated_at = now()";
    execute(to, sql, &[]).await?;
    let sql = "UPDATE provisioner_daemons SET last_seen_at = now()";
    execute(to, sql, &[]).await
}

async fn apply_to_jobs(to: &Transaction<'_>, changes: &Changes) -> Result {
    let sql = "UPDATE provisioner_jobs SET started_at = now(), updated_at = now(), worker_id = (
            SELECT id FROM provisioner_daemons AS daemon
            WHERE daemon.organization_id = provisioner_jobs.organization_id
            ORDER BY md5(provisioner_jobs.id::text || daemon.id) LIMIT 1
        )
        WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.jobs_started)]).await?;
    let sql = "UPDATE provisioner_jobs
        SET completed_at = now(), updated_at = now(), error = row.error,
            canceled_at = CASE WHEN row.is_canceled THEN now() END
        FROM unnest($1, $2, $3) AS row (id, error, is_canceled)
        WHERE provisioner_jobs.id = row.id";
    let ended = &changes.jobs_ended;
    let columns = [
        uuids(ended, |row| row.0),
        column(ended, Type::TEXT_ARRAY, |row| match row.1 {
            JobOutcome::Failed(error) => Some(error),
            JobOutcome::Succeeded | JobOutcome::Canceled => None,
        }),
        flags(ended, |row| row.1 == JobOutcome::Canceled),
    ];
    execute(to, sql, &columns).await
}

async fn apply_to_agents(to: &Transaction<'_>, changes: &Changes) -> Result {
    let sql = "UPDATE workspace_agents
        SET first_connected_at = coalesce(first_connected_at, now()),
            last_connected_at = now(), updated_at = now()
        WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.heartbeats)]).await?;
    let sql = "UPDATE workspace_agents SET disconnected_at = now(), updated_at = now()
        WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.disconnects)]).await?;
    let sql = "UPDATE workspace_agents
        SET lifecycle_state = row.state::workspace_agent_lifecycle_state,
            started_at = CASE row.state WHEN 'starting' THEN now() ELSE started_at END,
            ready_at = CASE WHEN row.state = 'starting' THEN NULL
                WHEN row.state IN ('ready', 'start_timeout', 'start_error')
                THEN now() ELSE ready_at END
        FROM unnest($1, $2) AS row (id, state) WHERE workspace_agents.id = row.id";
    let states = &changes.lifecycles;
    let columns = [uuids(states, |row| row.0), texts(states, |row| row.1)];
    execute(to, sql, &columns).await?;
    let sql = "UPDATE workspace_agents SET deleted = true WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.agents_deleted)]).await
}

async fn insert_workspaces(to: &Transaction<'_>, rows: &[WorkspaceRow], now: Time) -> Result {
    let sql = "INSERT INTO workspaces
        (id, owner_id, organization_id, template_id, name, created_at, deleted)
        SELECT id, owner, organization, template, name, now() - age * interval '1 second', deleted
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS row (id, owner, organization, template, name, age, deleted)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.owner_id),
        uuids(rows, |row| row.organization_id),
        uuids(rows, |row| row.template_id),
        texts(rows, |row| row.name.as_str()),
        ages(rows, now, |row| Some(row.created_at)),
        flags(rows, |row| row.deleted),
    ];
    execute(to, sql, &columns).await
}

async fn insert_jobs(to: &Transaction<'_>, rows: &[JobRow], now: Time) -> Result {
    let sql = "INSERT INTO provisioner_jobs
        (id, organization_id, created_at, started_at, canceled_at, completed_at, error)
        SELECT id, organization,
            now() - created * interval '1 second', now() - started * interval '1 second',
            now() - canceled * interval '1 second', now() - completed * interval '1 second', error
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS row (id, organization, created, started, canceled, completed, error)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.organization_id),
        ages(rows, now, |row| Some(row.created_at)),
        ages(rows, now, |row| row.started_at),
        ages(rows, now, |row| row.canceled_at),
        ages(rows, now, |row| row.completed_at),
        column(rows, Type::TEXT_ARRAY, |row| row.error),
    ];
    execute(to, sql, &columns).await
}

async fn insert_builds(to: &Transaction<'_>, rows: &[BuildRow], now: Time) -> Result {
    let sql = "INSERT INTO workspace_builds
        (id, workspace_id, template_version_id, build_number, transition, job_id, created_at, reason)
        SELECT id, workspace, version, number, transition::workspace_transition, job,
            now() - age * interval '1 second', reason::build_reason
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            AS row (id, workspace, version, number, transition, job, age, reason)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.workspace_id),
        uuids(rows, |row| row.template_version_id),
        column(rows, Type::INT4_ARRAY, |row| row.build_number),
        texts(rows, |row| row.transition),
        uuids(rows, |row| row.job_id),
        ages(rows, now, |row| Some(row.created_at)),
        texts(rows, |row| row.reason),
    ];
    execute(to, sql, &columns).await
}

async fn insert_resources(to: &Transaction<'_>, rows: &[ResourceRow], now: Time) -> Result {
    let sql = "INSERT INTO workspace_resources (id, job_id, created_at, transition, type)
        SELECT id, job, now() - age * interval '1 second', transition::workspace_transition, kind
        FROM unnest($1, $2, $3, $4, $5) AS row (id, job, age, transition, kind)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.job_id),
        ages(rows, now, |row| Some(row.created_at)),
        texts(rows, |row| row.transition),
        texts(rows, |row| row.kind),
    ];
    execute(to, sql, &columns).await
}

async fn insert_agents(to: &Transaction<'_>, rows: &[AgentRow], now: Time) -> Result {
    let sql = include_str!("store/insert_agents.sql");
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.resource_id),
        column(rows, Type::UUID_ARRAY, |row| row.parent_id),
        texts(rows, |row| row.name),
        ages(rows, now, |row| Some(row.created_at)),
        ages(rows, now, |row| row.first_connected_at),
        ages(rows, now, |row| row.last_connected_at),
        ages(rows, now, |row| row.disconnected_at),
        texts(rows, |row| row.lifecycle_state),
        ages(rows, now, |row| row.started_at),
        ages(rows, now, |row| row.ready_at),
        column(rows, Type::INT4_ARRAY, |row| row.connection_timeout_seconds),
        texts(rows, |row| row.version),
        column(rows, Type::INT4_ARRAY, |row| row.display_order),
        flags(rows, |row| row.deleted),
    ];
    execute(to, sql, &columns).await
}

async fn insert_apps(to: &Transaction<'_>, rows: &[AppRow], now: Time) -> Result {
    let sql = "INSERT INTO workspace_apps (id, agent_id, created_at, slug, display_name, health)
        SELECT id, agent, now() - age * interval '1 second', slug, name,
            health::workspace_app_health
        FROM unnest($1, $2, $3, $4, $5, $6) AS row (id, agent, age, slug, name, health)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.agent_id),
        ages(rows, now, |row| Some(row.created_at)),
        texts(rows, |row| row.slug),
        texts(rows, |row| row.display_name),
        texts(rows, |row| row.health),
    ];
    execute(to, sql, &columns).await
}

async fn insert_chats(to: &Transaction<'_>, rows: &[ChatRow], now: Time) -> Result {
    let sql = "INSERT INTO chats
        (id, owner_id, workspace_id, build_id, agent_id, title, created_at, archived)
        SELECT id, owner, workspace, build, agent, title, now() - age * interval '1 second', archived
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            AS row (id, owner, workspace, build, agent, title, age, archived)
        ON CONFLICT DO NOTHING";
    let columns = [
        uuids(rows, |row| row.id),
        uuids(rows, |row| row.owner_id),
        column(rows, Type::UUID_ARRAY, |row| row.workspace_id),
        column(rows, Type::UUID_ARRAY, |row| row.build_id),
        column(rows, Type::UUID_ARRAY, |row| row.agent_id),
        texts(rows, |row| row.title),
        ages(rows, now, |row| Some(row.created_at)),
        flags(rows, |row| row.archived),
    ];
    execute(to, sql, &columns).await
}
