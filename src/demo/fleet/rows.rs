//! Rows of the simulated database, and the changes that a tick makes to them.

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
    pub deleted: bool,
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
    pub version: Word,
    pub display_order: i32,
    pub deleted: bool,
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
    pub workspaces: Vec<Workspace>,
    pub jobs: Vec<Job>,
    pub builds: Vec<Build>,
    pub resources: Vec<Resource>,
    pub agents: Vec<Agent>,
    pub apps: Vec<App>,
    pub chats: Vec<Chat>,
}

/// The result of a provisioner job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// The workspace has the requested state.
    Succeeded,
    /// The job failed with this error.
    Failed(Word),
    /// The user canceled the job.
    Canceled,
}

/// A message for the viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One sentence without a time.
    pub text: String,
    /// Messages of less weight are dropped first when there are too many.
    pub weight: Weight,
}

/// How important an event is to the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// User actions, and recoveries.
    Everyday,
    /// A problem, or what becomes one, or almost does.
    Trouble,
    /// An event of many workspaces at once.
    Headline,
}

/// The changes of a tick, in the order in which they are applied. All happen at the tick's time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows to insert, before all other changes.
    pub new: Rows,
    /// Jobs that a provisioner has acquired.
    pub jobs_started: Vec<Uuid>,
    /// Jobs that have ended, with their results.
    pub jobs_ended: Vec<(Uuid, JobOutcome)>,
    /// Whether Coder's replicas and provisioner daemons say that they are still there.
    pub coder_beats: bool,
    /// Agents that connect or send a heartbeat.
    pub heartbeats: Vec<Uuid>,
    /// Agents whose connection Coder sees close.
    pub disconnects: Vec<Uuid>,
    /// Agents that report a new lifecycle state, with the state.
    pub lifecycles: Vec<(Uuid, Word)>,
    /// Agents that are deleted softly: of earlier builds, and sub-agents that were replaced.
    pub agents_deleted: Vec<Uuid>,
    /// Apps whose health has changed, with the new health.
    pub app_healths: Vec<(Uuid, Word)>,
    /// Chats with a new binding: chat, build and agent.
    pub bindings: Vec<(Uuid, Uuid, Uuid)>,
    /// Workspaces that are soft-deleted, as Coder does it.
    pub workspaces_deleted: Vec<Uuid>,
    /// Jobs whose rows are removed, with their builds, agents and apps.
    pub jobs_pruned: Vec<Uuid>,
    /// Workspaces whose rows are removed, after their builds.
    pub workspaces_pruned: Vec<Uuid>,
    /// Chats whose rows are removed.
    pub chats_pruned: Vec<Uuid>,
    /// Messages for the viewer.
    pub messages: Vec<Message>,
}

impl Changes {
    pub(super) fn tell(&mut self, weight: Weight, text: String) {
        self.messages.push(Message { text, weight });
    }
}
