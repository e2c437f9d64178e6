//! Workspaces and chats, counted by the database.

use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::{Label, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;

/// The number of workspaces of one scope whose latest build has one transition and job status.
/// Deleted workspaces are excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCount {
    /// Organization and template of the workspaces.
    pub scope: Scope,
    /// `workspace_builds.transition` of their latest builds.
    pub transition: DbEnum<Transition>,
    /// `provisioner_jobs.job_status` of their latest builds.
    pub job: DbEnum<JobStatus>,
    /// Whether the latest build has an agent, no sub-agent, that is not soft-deleted.
    pub has_agent: bool,
    /// Number of such workspaces.
    pub count: u64,
}

/// A workspace that was stopped within [`RECENTLY`] and has no agent for that: what a problem could
/// have hit until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedWorkspace {
    /// `workspaces.id`.
    pub id: Uuid,
    /// Organization and template.
    pub scope: Scope,
    /// `users.username` of its owner.
    pub owner: Label,
    /// `template_versions.name` of its latest build.
    pub template_version: Label,
}

/// A workspace was stopped recently if its stop is no older than this.
pub const RECENTLY: Duration = Duration::from_secs(24 * 60 * 60);

/// `provisioner_job_status`, the state of a build's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum JobStatus {
    /// No provisioner has acquired the job yet.
    Pending,
    /// A provisioner is working on the job.
    Running,
    /// The job completed without an error.
    Succeeded,
    /// A user requested cancellation, and the job still runs.
    Canceling,
    /// The job ended because of a cancellation.
    Canceled,
    /// The job ended with an error.
    Failed,
    /// The value `unknown` of Coder's own enum.
    Unknown,
}

/// The state of a workspace, which follows from its latest build (`docs/spec/metrics.md`,
/// `coder_workspaces`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum WorkspaceState {
    /// A start job is pending or running.
    Starting,
    /// A start job succeeded, and there is an agent.
    Running,
    /// A start job succeeded, but the build has no root agent that is not soft-deleted.
    NoAgent,
    /// A stop job is pending or running.
    Stopping,
    /// A stop job succeeded.
    Stopped,
    /// A delete job is pending, running or succeeded, and the workspace is not marked as deleted
    /// yet.
    Deleting,
    /// The job of the latest build was canceled or is being canceled.
    Canceled,
    /// The job of the latest build failed, or its state is unknown.
    Failed,
}

impl WorkspaceCount {
    /// The state of these workspaces.
    pub fn state(&self) -> WorkspaceState {
        let (DbEnum::Known(job), DbEnum::Known(transition)) = (&self.job, &self.transition) else {
            return match self.job {
                DbEnum::Known(JobStatus::Canceling | JobStatus::Canceled) => {
                    WorkspaceState::Canceled
                }
                _ => WorkspaceState::Failed,
            };
        };
        match (job, transition) {
            (JobStatus::Pending | JobStatus::Running, Transition::Start) => {
                WorkspaceState::Starting
            }
            (JobStatus::Pending | JobStatus::Running, Transition::Stop) => WorkspaceState::Stopping,
            (JobStatus::Pending | JobStatus::Running, Transition::Delete) => {
                WorkspaceState::Deleting
            }
            (JobStatus::Succeeded, Transition::Start) if self.has_agent => WorkspaceState::Running,
            (JobStatus::Succeeded, Transition::Start) => WorkspaceState::NoAgent,
            (JobStatus::Succeeded, Transition::Stop) => WorkspaceState::Stopped,
            (JobStatus::Succeeded, Transition::Delete) => WorkspaceState::Deleting,
            (JobStatus::Canceling | JobStatus::Canceled, _) => WorkspaceState::Canceled,
            (JobStatus::Failed | JobStatus::Unknown, _) => WorkspaceState::Failed,
        }
    }
}

/// The number of chats of one scope whose binding has one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingCount {
    /// Organization and template of the chats' workspaces.
    pub scope: Scope,
    /// State of their bindings.
    pub state: BindingState,
    /// Number of such chats.
    pub count: u64,
}

/// Whether the agent that a chat is bound to can serve it. The first matching state applies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum BindingState {
    /// The chat is not bound to an agent.
    Unbound,
    /// No agent could: the latest build has none but sub-agents that is not soft-deleted.
    NoAgent,
    /// The chat is bound to an agent of the latest build.
    Current,
    /// The chat is bound to an agent of an earlier build or to a deleted agent.
    Stale,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::model::label_value::Variants;

    fn state(job: &str, transition: &str, has_agent: bool) -> &'static str {
        let workspaces = WorkspaceCount {
            scope: Scope {
                organization: "acme".into(),
                template: "docker".into(),
            },
            transition: DbEnum::parse(Some(transition)),
            job: DbEnum::parse(Some(job)),
            has_agent,
            count: 1,
        };
        workspaces.state().as_str()
    }

    #[test]
    fn build_under_way_is_named_by_what_it_does() {
        for job in ["pending", "running"] {
            assert_eq!(state(job, "start", true), "starting");
            assert_eq!(state(job, "start", false), "starting");
            assert_eq!(state(job, "stop", true), "stopping");
            assert_eq!(state(job, "delete", false), "deleting");
        }
    }

    #[test]
    fn finished_build_leaves_the_workspace_as_asked() {
        assert_eq!(state("succeeded", "start", true), "running");
        assert_eq!(state("succeeded", "start", false), "no_agent");
        assert_eq!(state("succeeded", "stop", true), "stopped");
        assert_eq!(state("succeeded", "delete", false), "deleting");
    }

    #[test]
    fn build_that_did_not_finish_says_why() {
        for transition in ["start", "stop", "delete", "migrate"] {
            assert_eq!(state("canceling", transition, true), "canceled");
            assert_eq!(state("canceled", transition, true), "canceled");
            for job in ["failed", "unknown", "lost"] {
                assert_eq!(state(job, transition, true), "failed");
            }
        }
    }

    #[test]
    fn build_with_an_unheard_of_transition_is_failed() {
        assert_eq!(state("succeeded", "migrate", true), "failed");
        assert_eq!(state("running", "migrate", true), "failed");
    }
}
