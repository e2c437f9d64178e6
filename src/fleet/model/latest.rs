//! A workspace with its latest build and the agents that may serve it.

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Label, Lifecycle, Name, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;

/// A workspace as the database describes it at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceAt {
    /// The time of the data. Every rule uses it as the current time.
    pub now: Timestamp,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `workspaces.name`; unique only within its owner.
    pub workspace: Name,
    /// `users.username` of its owner.
    pub owner: Label,
    /// Organization and template of the workspace.
    pub scope: Scope,
    /// `workspaces.deleted`.
    pub deleted: bool,
    /// Its latest build; `None` if the workspace has no build.
    pub build: Option<Build>,
    /// Agents of the latest build that are not soft-deleted, including sub-agents. Their scope is
    /// the workspace's.
    pub agents: Vec<Candidate>,
}

/// A build of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// `workspace_builds.build_number`.
    pub number: i32,
    /// `workspace_builds.transition`: the requested state.
    pub transition: DbEnum<Transition>,
    /// `provisioner_jobs.job_status` of the build's job.
    pub job: DbEnum<JobStatus>,
    /// `provisioner_jobs.error`; `None` if the job has not failed.
    pub error: Option<Box<str>>,
}

/// An agent that may serve the workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Row of the agent.
    pub agent: Agent,
    /// `workspace_agents.display_order`: the template's order of agents, lowest first.
    pub display_order: i32,
    /// `workspace_agents.parent_id`: the parent of a sub-agent; `None` for a root agent.
    pub parent_id: Option<Uuid>,
}

/// The latest or an earlier build of a workspace, with its agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBuild {
    /// Number, transition, job status and error.
    pub build: Build,
    /// All agents of the build, including soft-deleted ones.
    pub agents: Vec<PastAgent>,
}

/// The progress of an agent in its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// `workspace_agents.lifecycle_state`.
    pub lifecycle: DbEnum<Lifecycle>,
    /// `workspace_agents.created_at`: when the build created the row.
    pub created_at: Option<Timestamp>,
    /// `workspace_agents.first_connected_at`; `None` if it never connected.
    pub first_connected_at: Option<Timestamp>,
    /// `workspace_agents.ready_at`: when its startup script ended, with or without an error.
    pub ready_at: Option<Timestamp>,
}

/// An agent as its row describes it at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentAt {
    /// The time of the data.
    pub now: Timestamp,
    /// Row of the agent.
    pub agent: Agent,
}
