//! The two traits the resolver stands on, and what goes through them.

use std::sync::Arc;

use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::{Agent, Label};
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::fleet::probe::scope::SkipReason;

/// What the database says of workspaces and agents.
///
/// Its answers may be late or fail at any time; the resolver then knows less, and never waits
/// for it longer than the validation delay.
pub trait Directory: Send + Sync {
    /// A workspace with the agents of its latest build; `None` when there is no such workspace.
    fn latest(
        &self,
        workspace: Uuid,
    ) -> impl Future<Output = Result<Option<WorkspaceAt>, Failure>> + Send;

    /// One agent by its primary key, whatever build it belongs to; `None` when its row is gone
    /// or soft-deleted.
    fn agent(&self, agent: Uuid) -> impl Future<Output = Result<Option<AgentAt>, Failure>> + Send;
}

impl<D: Directory> Directory for Arc<D> {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        D::latest(self, workspace).await
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        D::agent(self, agent).await
    }
}

/// How an agent is reached.
///
/// A dial is a future: dropping it gives the dial up, and a connection is released by dropping
/// it. So a late connection without a waiting caller is released wherever the caller stopped.
pub trait Dialer: Send + Sync {
    /// What proves that an agent answered.
    type Connection: Send + Sync + 'static;

    /// Dials one agent. It keeps no time: that is the caller's.
    fn dial(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Self::Connection, DialError>> + Send;

    /// Whether Coder counts a dial as use of the workspace, which moves its `last_used_at` and
    /// pushes its autostop deadline on (`docs/spec/resolver.md`).
    fn counts_as_use(&self) -> bool;
}

/// An agent to dial. All of it comes from the database, never from a request
/// (`docs/spec/resolver.md`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `workspace_agents.id`.
    pub agent_id: Uuid,
    /// `workspace_agents.name`.
    pub agent: Label,
    /// `workspaces.name`.
    pub workspace: Label,
    /// `users.username` of the workspace's owner.
    pub owner: Label,
}

impl Target {
    /// The way to this agent.
    pub fn of(agent: &Agent) -> Self {
        Self {
            workspace_id: agent.workspace_id,
            agent_id: agent.id,
            agent: agent.name.clone(),
            workspace: agent.workspace.clone(),
            owner: agent.owner.clone(),
        }
    }
}

/// Why a dial did not reach its agent. Messages hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The agent was not dialed: Coder, or its row, says that it is in this state
    /// (`disconnected`, `timeout`, `connecting`).
    #[error("not dialed: the agent is {state}")]
    Unreachable {
        /// The state in Coder's own word.
        state: String,
    },
    /// Coder knows no such agent.
    #[error("coderd does not know this agent")]
    NoSuchAgent,
    /// The agent was dialed and did not answer as it should.
    #[error("{0}")]
    Failed(String),
    /// The question could not be asked: our token, coderd itself, the way to it. No agent is
    /// to blame, and no other would be reached. The kind is for the log: `authentication` or
    /// `permission` where Coder refuses the token, `tls` or `timeout` where no connection comes
    /// about for that reason, else `connect`.
    #[error("{0}")]
    Exporter(Failure),
    /// The agent is out of the probe's scope, so it was not dialed: nothing is known of it.
    #[error("out of the probe's scope: {}", .0.sentence())]
    OutOfScope(SkipReason),
    /// What we were told to dial does not suit this agent's names. It is not to blame, and
    /// others may be reached.
    #[error("{0}")]
    Unaddressable(String),
}
