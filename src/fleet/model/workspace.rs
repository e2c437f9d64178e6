//! Workspaces and chats, counted where they are.

use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::{Label, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;

/// How many workspaces, not deleted, of one scope have a latest build of one sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCount {
    /// Organization and template of the workspaces.
    pub scope: Scope,
    /// What their latest builds were asked to do.
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

/// `provisioner_job_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum JobStatus {
    /// No provisioner has taken it yet.
    Pending,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// A user asked for it to end.
    Canceling,
    /// Ended early on request.
    Canceled,
    /// Ended badly.
    Failed,
    /// Coder itself does not know.
    Unknown,
}

/// The state of a workspace: that of its latest build (`docs/spec/metrics.md`, `coder_workspaces`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum WorkspaceState {
    /// A start is pending or under way.
    Starting,
    /// Started, with an agent.
    Running,
    /// Started, and there is no agent to reach.
    NoAgent,
    /// A stop is pending or under way.
    Stopping,
    /// Stopped.
    Stopped,
    /// A delete is pending, under way, or done but for the last mark.
    Deleting,
    /// The latest build was called off.
    Canceled,
    /// The latest build failed, or its state is unknown.
    Failed,
}

impl WorkspaceCount {
    /// The state these workspaces are in.
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

/// How many chats of one scope are bound to an agent in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingCount {
    /// Organization and template of the chats' workspaces.
    pub scope: Scope,
    /// How they are bound.
    pub state: BindingState,
    /// Number of such chats.
    pub count: u64,
}

/// Whether the agent a chat remembers is one that could answer it; first match wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum BindingState {
    /// It remembers none.
    Unbound,
    /// No agent could: the latest build has none but sub-agents that is not soft-deleted.
    NoAgent,
    /// It remembers an agent of the latest build.
    Current,
    /// It remembers an agent of an earlier build, or one that was deleted.
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
