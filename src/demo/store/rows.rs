//! Inserts the rows of the fleet, parents before children.

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::Result;
use super::statement::Insert;
use crate::demo::fleet::{
    AgentRow, BuildRow, CODER_VERSION, ChatRow, ReportRow, Rows, SeedData, Time,
};
use crate::demo::schema::Era;

/// The era of the schema, and the current time of the story.
type At = (Era, Time);

/// What daemons of Coder are tagged with.
const TAGS: &str = r#"{"scope": "organization", "owner": ""}"#;

/// Kinds of sessions, each with a column of its own until v2.36.
const SESSIONS: [(&str, &str); 4] = [
    ("vscode", "session_count_vscode"),
    ("jetbrains", "session_count_jetbrains"),
    ("reconnecting_pty", "session_count_reconnecting_pty"),
    ("ssh", "session_count_ssh"),
];

/// Inserts the rows that exist before the first workspace.
pub(in crate::demo) async fn insert_scenery(
    to: &Transaction<'_>,
    era: Era,
    seed_data: &SeedData,
) -> Result {
    let at = (era, 0);
    Insert::into("organizations", &seed_data.organizations, at)
        .uuid("id", |row| row.id)
        .text("name", |row| row.name)
        .run(to)
        .await?;
    Insert::into("users", &seed_data.users, at)
        .uuid("id", |row| row.id)
        .text("username", |row| row.name)
        .run(to)
        .await?;
    Insert::into("templates", &seed_data.templates, at)
        .uuid("id", |row| row.id)
        .uuid("organization_id", |row| row.organization_id)
        .text("name", |row| row.name)
        .run(to)
        .await?;
    Insert::into("provisioner_daemons", &seed_data.daemons, at)
        .uuid("id", |row| row.id)
        .text("name", |row| &row.name)
        .word("tags", "jsonb", |_| TAGS)
        .since(Era::V2_9, |it| {
            it.uuid("organization_id", |row| row.organization_id)
                .text("version", |_| CODER_VERSION)
                .time("last_seen_at", |_| Some(0))
        })
        .run(to)
        .await
}

/// Inserts rows with simulated times, relative to the current simulated time.
pub(in crate::demo) async fn insert(to: &Transaction<'_>, rows: &Rows, at: At) -> Result {
    insert_all(to, rows, at, &|_| ()).await
}

/// As [`insert`], and reports the progress in percent after each table.
pub(in crate::demo) async fn insert_all(
    to: &Transaction<'_>,
    rows: &Rows,
    at: At,
    done: &(dyn Fn(usize) + Sync),
) -> Result {
    insert_coder(to, rows, at).await?;
    insert_workspaces_and_jobs(to, rows, at).await?;
    done(15);
    insert_builds(to, &rows.builds, at).await?;
    done(30);
    Insert::into("workspace_resources", &rows.resources, at)
        .uuid("id", |row| row.id)
        .uuid("job_id", |row| row.job_id)
        .time("created_at", |row| Some(row.created_at))
        .word("transition", "workspace_transition", |row| row.transition)
        .text("type", |row| row.kind)
        .run(to)
        .await?;
    done(45);
    insert_agents(to, &rows.agents, at).await?;
    insert_scripts(to, rows, at).await?;
    done(75);
    insert_reports(to, &rows.reports, at).await?;
    Insert::into("workspace_apps", &rows.apps, at)
        .uuid("id", |row| row.id)
        .uuid("agent_id", |row| row.agent_id)
        .time("created_at", |row| Some(row.created_at))
        .text("slug", |row| row.slug)
        .text("display_name", |row| row.display_name)
        .word("health", "workspace_app_health", |row| row.health)
        .run(to)
        .await?;
    done(95);
    insert_chats(to, &rows.chats, at).await?;
    done(100);
    Ok(())
}

async fn insert_coder(to: &Transaction<'_>, rows: &Rows, at: At) -> Result {
    Insert::into("replicas", &rows.replicas, at)
        .uuid("id", |row| row.id)
        .text("hostname", |row| row.hostname)
        .text("version", |row| row.version)
        .time("created_at", |row| Some(row.started_at))
        .time("started_at", |row| Some(row.started_at))
        .time("updated_at", |row| Some(row.updated_at))
        // In microseconds.
        .any("database_latency", Type::INT4_ARRAY, |_| 800)
        .run(to)
        .await?;
    Insert::into("template_versions", &rows.versions, at)
        .uuid("id", |row| row.id)
        .uuid("template_id", |row| row.template_id)
        .uuid("organization_id", |row| row.organization_id)
        .text("name", |row| &row.name)
        .time("created_at", |row| Some(row.created_at))
        .run(to)
        .await
}

async fn insert_workspaces_and_jobs(to: &Transaction<'_>, rows: &Rows, at: At) -> Result {
    Insert::into("workspaces", &rows.workspaces, at)
        .uuid("id", |row| row.id)
        .uuid("owner_id", |row| row.owner_id)
        .uuid("organization_id", |row| row.organization_id)
        .uuid("template_id", |row| row.template_id)
        .text("name", |row| &row.name)
        .time("created_at", |row| Some(row.created_at))
        .time_or_never("last_used_at", |row| row.last_used_at)
        .flag("deleted", |row| row.deleted)
        .run(to)
        .await?;
    Insert::into("provisioner_jobs", &rows.jobs, at)
        .uuid("id", |row| row.id)
        .uuid("organization_id", |row| row.organization_id)
        .time("created_at", |row| Some(row.created_at))
        .time("started_at", |row| row.started_at)
        .time("canceled_at", |row| row.canceled_at)
        .time("completed_at", |row| row.completed_at)
        .any("error", Type::TEXT_ARRAY, |row| row.error)
        .any("worker_id", Type::UUID_ARRAY, |row| row.worker_id)
        .run(to)
        .await
}

async fn insert_builds(to: &Transaction<'_>, rows: &[BuildRow], at: At) -> Result {
    Insert::into("workspace_builds", rows, at)
        .uuid("id", |row| row.id)
        .uuid("workspace_id", |row| row.workspace_id)
        .uuid("template_version_id", |row| row.template_version_id)
        .any("build_number", Type::INT4_ARRAY, |row| row.build_number)
        .word("transition", "workspace_transition", |row| row.transition)
        .uuid("job_id", |row| row.job_id)
        .time("created_at", |row| Some(row.created_at))
        .word("reason", "build_reason", |row| row.reason)
        .time_or_never("deadline", |row| row.deadline)
        .run(to)
        .await
}

async fn insert_agents(to: &Transaction<'_>, rows: &[AgentRow], at: At) -> Result {
    let state = "workspace_agent_lifecycle_state";
    Insert::into("workspace_agents", rows, at)
        .uuid("id", |row| row.id)
        .uuid("resource_id", |row| row.resource_id)
        .text("name", |row| row.name)
        .time("created_at", |row| Some(row.created_at))
        .time("updated_at", |row| {
            row.last_connected_at.or(Some(row.created_at))
        })
        .time("first_connected_at", |row| row.first_connected_at)
        .time("last_connected_at", |row| row.last_connected_at)
        .time("disconnected_at", |row| row.disconnected_at)
        .word("lifecycle_state", state, |row| row.lifecycle_state)
        .time("started_at", |row| row.started_at)
        .time("ready_at", |row| row.ready_at)
        .any("connection_timeout_seconds", Type::INT4_ARRAY, |row| {
            row.connection_timeout_seconds
        })
        .text("version", |row| row.version)
        .text("architecture", |row| row.architecture)
        .any("last_connected_replica_id", Type::UUID_ARRAY, |row| {
            row.last_connected_replica_id
        })
        .since(Era::V2_9, |it| {
            it.any("display_order", Type::INT4_ARRAY, |row| row.display_order)
        })
        .since(Era::V2_22, |it| {
            it.any("parent_id", Type::UUID_ARRAY, |row| row.parent_id)
        })
        .since(Era::V2_24, |it| it.flag("deleted", |row| row.deleted))
        .run(to)
        .await
}

async fn insert_scripts(to: &Transaction<'_>, rows: &Rows, at: At) -> Result {
    Insert::into("workspace_agent_scripts", &rows.scripts, at)
        .uuid("workspace_agent_id", |row| row.workspace_agent_id)
        .time("created_at", |row| Some(row.created_at))
        .since(Era::V2_16, |it| {
            it.uuid("id", |row| row.id)
                .text("display_name", |row| row.display_name)
        })
        .run(to)
        .await?;
    if at.0 < Era::V2_16 {
        return Ok(());
    }
    let (stage, status) = (
        "workspace_agent_script_timing_stage",
        "workspace_agent_script_timing_status",
    );
    Insert::into("workspace_agent_script_timings", &rows.timings, at)
        .uuid("script_id", |row| row.script_id)
        .time("started_at", |row| Some(row.started_at))
        .time("ended_at", |row| Some(row.ended_at))
        .any("exit_code", Type::INT4_ARRAY, |row| row.exit_code)
        .word("stage", stage, |_| "start")
        .word("status", status, |row| row.status)
        .run(to)
        .await
}

async fn insert_reports(to: &Transaction<'_>, rows: &[ReportRow], at: At) -> Result {
    let counts = |row: &ReportRow| {
        let count = row.session.map(|kind| format!("\"{kind}\": 1"));
        format!("{{{}}}", count.unwrap_or_default())
    };
    let counts: Vec<(&ReportRow, String)> = rows.iter().map(|row| (row, counts(row))).collect();
    Insert::into("workspace_agent_stats", &counts, at)
        .uuid("id", |(row, _)| row.id)
        .time("created_at", |(row, _)| Some(row.created_at))
        .uuid("user_id", |(row, _)| row.user_id)
        .uuid("agent_id", |(row, _)| row.agent_id)
        .uuid("workspace_id", |(row, _)| row.workspace_id)
        .uuid("template_id", |(row, _)| row.template_id)
        .any("connection_count", Type::INT8_ARRAY, |(row, _)| {
            row.connection_count
        })
        .until(Era::V2_36, |mut it| {
            for (kind, column) in SESSIONS {
                it = it.any(column, Type::INT8_ARRAY, move |(row, _)| {
                    i64::from(row.session == Some(kind))
                });
            }
            it
        })
        .since(Era::V2_36, |it| {
            it.word("session_counts", "jsonb", |(_, counts)| counts)
        })
        .run(to)
        .await
}

async fn insert_chats(to: &Transaction<'_>, rows: &[ChatRow], at: At) -> Result {
    Insert::into("chats", rows, at)
        .uuid("id", |row| row.id)
        .uuid("owner_id", |row| row.owner_id)
        .any("workspace_id", Type::UUID_ARRAY, |row| row.workspace_id)
        .any("build_id", Type::UUID_ARRAY, |row| row.build_id)
        .text("title", |row| row.title)
        .time("created_at", |row| Some(row.created_at))
        .flag("archived", |row| row.archived)
        .since(Era::V2_32, |it| {
            it.any("agent_id", Type::UUID_ARRAY, |row| row.agent_id)
        })
        .run(to)
        .await
}
