//! Writes the fleet's rows and changes by SQL: one statement for each kind of change, for any
//! number of rows. What the schema of an era does not have is left out.
//!
//! Statements are unnamed, so they also work through a transaction pooler. Existing rows are kept,
//! so a batch can be sent again if the response to its commit was lost.

mod columns;
mod rows;
mod statement;

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use columns::{column, execute, flags, ids, texts, uuids};
pub(super) use rows::{insert, insert_all, insert_scenery};

use super::fleet::{Changes, JobOutcome, Time};
use super::schema::Era;

type Result = std::result::Result<(), tokio_postgres::Error>;

/// Applies the changes of a tick. All happen at the transaction's time.
pub(super) async fn apply(
    to: &Transaction<'_>,
    changes: &Changes,
    (era, now): (Era, Time),
) -> Result {
    insert(to, &changes.new, (era, now)).await?;
    apply_to_coder(to, era, changes).await?;
    apply_to_jobs(to, changes).await?;
    apply_to_workspaces(to, changes).await?;
    apply_to_agents(to, era, changes).await?;
    let sql = "UPDATE workspace_apps SET health = row.health::workspace_app_health
        FROM unnest($1, $2) AS row (id, health) WHERE workspace_apps.id = row.id";
    let apps = &changes.app_healths;
    execute(
        to,
        sql,
        &[uuids(apps, |row| row.0), texts(apps, |row| row.1)],
    )
    .await?;
    if era.has_chats() {
        apply_to_chats(to, era, changes).await?;
    }
    let sql = "DELETE FROM provisioner_jobs WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.jobs_pruned)]).await?;
    let sql = "DELETE FROM workspaces WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.workspaces_pruned)]).await?;
    if changes.reports_pruned {
        // Coder keeps them for a day; the demo of a large fleet would fill a disk.
        let sql = "DELETE FROM workspace_agent_stats WHERE created_at < now() - interval '1 hour'";
        execute(to, sql, &[]).await?;
    }
    Ok(())
}

async fn apply_to_coder(to: &Transaction<'_>, era: Era, changes: &Changes) -> Result {
    let sql = "UPDATE replicas SET updated_at = now() WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.replicas_seen)]).await?;
    if era >= Era::V2_9 {
        let sql = "UPDATE provisioner_daemons SET last_seen_at = now() WHERE id = ANY ($1)";
        execute(to, sql, &[ids(&changes.daemons_seen)]).await?;
    }
    let sql = "DELETE FROM replicas WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.replicas_removed)]).await
}

async fn apply_to_jobs(to: &Transaction<'_>, changes: &Changes) -> Result {
    let sql = "UPDATE provisioner_jobs
        SET started_at = now(), updated_at = now(), worker_id = row.worker
        FROM unnest($1, $2) AS row (id, worker) WHERE provisioner_jobs.id = row.id";
    let started = &changes.jobs_started;
    let columns = [uuids(started, |row| row.0), uuids(started, |row| row.1)];
    execute(to, sql, &columns).await?;
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

async fn apply_to_workspaces(to: &Transaction<'_>, changes: &Changes) -> Result {
    let sql = "UPDATE workspaces
        SET owner_id = row.owner, name = row.name, last_used_at = now(), updated_at = now()
        FROM unnest($1, $2, $3) AS row (id, owner, name) WHERE workspaces.id = row.id";
    let claims = &changes.claims;
    let columns = [
        uuids(claims, |row| row.workspace),
        uuids(claims, |row| row.owner),
        texts(claims, |row| &row.name),
    ];
    execute(to, sql, &columns).await?;
    let sql = "UPDATE workspaces SET last_used_at = now() WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.used)]).await?;
    let sql = "UPDATE workspace_builds
        SET deadline = now() + row.seconds * interval '1 second', updated_at = now()
        FROM unnest($1, $2) AS row (id, seconds) WHERE workspace_builds.id = row.id";
    let deadlines = &changes.deadlines;
    let columns = [
        uuids(deadlines, |row| row.0),
        column(deadlines, Type::INT8_ARRAY, |row| row.1),
    ];
    execute(to, sql, &columns).await?;
    let sql = "UPDATE workspaces SET deleted = true, updated_at = now() WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.workspaces_deleted)]).await
}

async fn apply_to_agents(to: &Transaction<'_>, era: Era, changes: &Changes) -> Result {
    let sql = "UPDATE workspace_agents SET version = row.version
        FROM unnest($1, $2) AS row (id, version) WHERE workspace_agents.id = row.id";
    let versions = &changes.versions_told;
    let columns = [uuids(versions, |row| row.0), texts(versions, |row| row.1)];
    execute(to, sql, &columns).await?;
    let sql = "UPDATE workspace_agents
        SET first_connected_at = coalesce(first_connected_at, now()),
            last_connected_at = now(), last_connected_replica_id = row.replica, updated_at = now()
        FROM unnest($1, $2) AS row (id, replica) WHERE workspace_agents.id = row.id";
    let beats = &changes.heartbeats;
    let columns = [uuids(beats, |row| row.0), uuids(beats, |row| row.1)];
    execute(to, sql, &columns).await?;
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
    if era >= Era::V2_16 {
        end_scripts(to, changes).await?;
    }
    if era >= Era::V2_24 {
        let sql = "UPDATE workspace_agents SET deleted = true WHERE id = ANY ($1)";
        execute(to, sql, &[ids(&changes.agents_deleted)]).await?;
    }
    Ok(())
}

async fn end_scripts(to: &Transaction<'_>, changes: &Changes) -> Result {
    let sql = "INSERT INTO workspace_agent_script_timings
        (script_id, started_at, ended_at, exit_code, stage, status)
        SELECT row.script, agent.started_at, now(), row.exit_code, 'start',
            row.status::workspace_agent_script_timing_status
        FROM unnest($1, $2, $3, $4) AS row (script, agent, exit_code, status)
        JOIN workspace_agents AS agent ON agent.id = row.agent
        WHERE agent.started_at IS NOT NULL
        ON CONFLICT DO NOTHING";
    let ended = &changes.scripts_ended;
    let columns = [
        uuids(ended, |row| row.script),
        uuids(ended, |row| row.agent),
        column(ended, Type::INT4_ARRAY, |row| row.exit_code),
        texts(ended, |row| row.status),
    ];
    execute(to, sql, &columns).await
}

async fn apply_to_chats(to: &Transaction<'_>, era: Era, changes: &Changes) -> Result {
    let bound = &changes.bindings;
    let columns = [
        uuids(bound, |row| row.0),
        uuids(bound, |row| row.1),
        uuids(bound, |row| row.2),
    ];
    let sql = if era >= Era::V2_32 {
        "UPDATE chats SET build_id = row.build_id, agent_id = row.agent_id, updated_at = now()
        FROM unnest($1, $2, $3) AS row (id, build_id, agent_id) WHERE chats.id = row.id"
    } else {
        "UPDATE chats SET build_id = row.build_id, updated_at = now()
        FROM unnest($1, $2, $3) AS row (id, build_id, agent_id) WHERE chats.id = row.id"
    };
    execute(to, sql, &columns).await?;
    let sql = "DELETE FROM chats WHERE id = ANY ($1)";
    execute(to, sql, &[ids(&changes.chats_pruned)]).await
}
