//! The rows of the database as the fleet speaks of them, and what a tick does to them.

use uuid::Uuid;

/// Seconds since the fleet's story began. The database turns them into its own time: what
/// happens now is stamped `now()`.
pub type Time = i64;

/// A value of one of Coder's enums, as the database spells it.
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

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// The workspace is as it was asked to be.
    Succeeded,
    /// With this error.
    Failed(Word),
    /// It was canceled by its user.
    Canceled,
}

/// Something worth showing to the viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A sentence.
    pub text: String,
    /// What is left out last when there is too much to tell.
    pub weight: Weight,
}

/// How much an event matters to the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// People at work, and what ends well.
    Everyday,
    /// Something that is, or turns out to be, a problem, or comes close to one.
    Trouble,
    /// Something that happens to many workspaces at once.
    Headline,
}

/// What a tick does to the database, in this order. Everything happens at the tick's time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New rows.
    pub new: Rows,
    /// Jobs a provisioner has taken up.
    pub jobs_started: Vec<Uuid>,
    /// Jobs that are over.
    pub jobs_ended: Vec<(Uuid, JobOutcome)>,
    /// Whether Coder's replicas and provisioner daemons say that they are still there.
    pub coder_beats: bool,
    /// Agents that connect, or say that they are still there.
    pub heartbeats: Vec<Uuid>,
    /// Agents whose connection was seen to end.
    pub disconnects: Vec<Uuid>,
    /// Agents that report a new lifecycle state.
    pub lifecycles: Vec<(Uuid, Word)>,
    /// Agents that are deleted softly: of earlier builds, and sub-agents that were replaced.
    pub agents_deleted: Vec<Uuid>,
    /// Apps whose health has changed.
    pub app_healths: Vec<(Uuid, Word)>,
    /// Chats, with the build and the agent they are now bound to.
    pub bindings: Vec<(Uuid, Uuid, Uuid)>,
    /// Workspaces that are now deleted, as Coder does it.
    pub workspaces_deleted: Vec<Uuid>,
    /// Jobs whose rows go for good, with their builds, agents and apps.
    pub jobs_pruned: Vec<Uuid>,
    /// Workspaces whose rows go for good, once their builds have.
    pub workspaces_pruned: Vec<Uuid>,
    /// Chats whose rows go for good.
    pub chats_pruned: Vec<Uuid>,
    /// What happened, for people.
    pub messages: Vec<Message>,
}

impl Changes {
    pub(super) fn tell(&mut self, weight: Weight, text: String) {
        self.messages.push(Message { text, weight });
    }
}
