//! One workspace with the agents of its latest build: what there is to be reached.

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Label, Lifecycle, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;

/// A workspace as the database describes it at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceAt {
    /// The moment this is true for; every rule is applied at it.
    pub now: Timestamp,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `workspaces.name`; unique only within its owner.
    pub workspace: Label,
    /// `users.username` of its owner.
    pub owner: Label,
    /// Its organization and template.
    pub scope: Scope,
    /// `workspaces.deleted`.
    pub deleted: bool,
    /// Its latest build; `None` when it was never built.
    pub build: Option<Build>,
    /// Agents of that build that are not soft-deleted, sub-agents included. The scope of each
    /// is this workspace's.
    pub agents: Vec<Candidate>,
}

/// The latest build of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// `workspace_builds.build_number`.
    pub number: i32,
    /// What it was asked to do.
    pub transition: DbEnum<Transition>,
    /// How far its job is.
    pub job: DbEnum<JobStatus>,
    /// `provisioner_jobs.error`: why the job failed; `None` when it did not.
    pub error: Option<Box<str>>,
}

/// An agent that may be the one to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The agent.
    pub agent: Agent,
    /// `workspace_agents.display_order`: the template's word on which comes first.
    pub display_order: i32,
    /// `workspace_agents.parent_id`: the agent within which it was started, of a sub-agent.
    pub parent_id: Option<Uuid>,
}

/// A build of a workspace, the latest or an earlier one, with what it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBuild {
    /// What is known of it.
    pub build: Build,
    /// All of its agents, those that are soft-deleted by now included.
    pub agents: Vec<PastAgent>,
}

/// How far an agent got in its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// `workspace_agents.lifecycle_state`.
    pub lifecycle: DbEnum<Lifecycle>,
    /// When its row was made.
    pub created_at: Option<Timestamp>,
    /// Its first connection.
    pub first_connected_at: Option<Timestamp>,
    /// When its startup script ended, well or not.
    pub ready_at: Option<Timestamp>,
}

/// One agent as its row describes it at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentAt {
    /// The moment this is true for.
    pub now: Timestamp,
    /// The agent.
    pub agent: Agent,
}
