//! Rows of the simulated database.

use uuid::Uuid;

/// Seconds since the simulation began. The database converts them to its own time: a change of the
/// current tick gets `now()`.
pub type Time = i64;

/// A value of one of Coder's enums, in the database's spelling.
pub type Word = &'static str;

/// A row of `workspaces`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Workspace {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub organization_id: Uuid,
    pub template_id: Uuid,
    pub name: String,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
    pub deleted: bool,
}

/// A row of `template_versions`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct TemplateVersion {
    pub id: Uuid,
    pub template_id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub created_at: Time,
}

/// A row of `replicas`: one start of a coderd.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Replica {
    pub id: Uuid,
    pub hostname: Word,
    pub version: Word,
    pub started_at: Time,
    pub updated_at: Time,
}

/// A row of `provisioner_jobs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Job {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub created_at: Time,
    pub started_at: Option<Time>,
    pub canceled_at: Option<Time>,
    pub completed_at: Option<Time>,
    pub error: Option<Word>,
    pub worker_id: Option<Uuid>,
}

/// A row of `workspace_builds`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Build {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub template_version_id: Uuid,
    pub build_number: i32,
    pub transition: Word,
    pub job_id: Uuid,
    pub created_at: Time,
    pub reason: Word,
    pub deadline: Option<Time>,
}

/// A row of `workspace_resources`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Resource {
    pub id: Uuid,
    pub job_id: Uuid,
    pub created_at: Time,
    pub transition: Word,
    pub kind: Word,
}

/// A row of `workspace_agents`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Agent {
    pub id: Uuid,
    pub resource_id: Uuid,
    pub parent_id: Option<Uuid>,
    pub name: Word,
    pub created_at: Time,
    pub first_connected_at: Option<Time>,
    pub last_connected_at: Option<Time>,
    pub disconnected_at: Option<Time>,
    pub lifecycle_state: Word,
    pub started_at: Option<Time>,
    pub ready_at: Option<Time>,
    pub connection_timeout_seconds: i32,
    pub architecture: Word,
    pub last_connected_replica_id: Option<Uuid>,
    pub version: Word,
    pub display_order: i32,
    pub deleted: bool,
}

/// A row of `workspace_agent_scripts`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Script {
    pub id: Uuid,
    pub workspace_agent_id: Uuid,
    pub created_at: Time,
    pub display_name: Word,
}

/// A row of `workspace_agent_script_timings`, of stage `start`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Timing {
    pub script_id: Uuid,
    pub started_at: Time,
    pub ended_at: Time,
    pub exit_code: i32,
    pub status: Word,
}

/// A row of `workspace_agent_stats`: what an agent reports of people's use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Report {
    pub id: Uuid,
    pub created_at: Time,
    pub user_id: Uuid,
    pub agent_id: Uuid,
    pub workspace_id: Uuid,
    pub template_id: Uuid,
    pub connection_count: i64,
    /// The kind of the open session, as in the name of its column; `None` without one.
    pub session: Option<Word>,
}

/// A row of `workspace_apps`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct App {
    pub id: Uuid,
    pub agent_id: Uuid,
    pub created_at: Time,
    pub slug: Word,
    pub display_name: Word,
    pub health: Word,
}

/// A row of `chats`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Chat {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub build_id: Option<Uuid>,
    pub agent_id: Option<Uuid>,
    pub title: Word,
    pub created_at: Time,
    pub archived: bool,
}

/// Rows to insert, parents before children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the tables")]
pub struct Rows {
    pub replicas: Vec<Replica>,
    pub versions: Vec<TemplateVersion>,
    pub workspaces: Vec<Workspace>,
    pub jobs: Vec<Job>,
    pub builds: Vec<Build>,
    pub resources: Vec<Resource>,
    pub agents: Vec<Agent>,
    pub scripts: Vec<Script>,
    pub timings: Vec<Timing>,
    pub reports: Vec<Report>,
    pub apps: Vec<App>,
    pub chats: Vec<Chat>,
}
