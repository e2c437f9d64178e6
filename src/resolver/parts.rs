//! The two traits that the resolver uses, and their types.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::{Agent, Kind, Label, Name};
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::fleet::probe::scope::SkipReason;

/// Reads workspaces and agents from the database.
///
/// An answer may be late or an error. The resolver continues without it, and waits at most for the
/// validation delay.
pub trait Directory: Send + Sync {
    /// The workspace with the agents of its latest build; `None` if it does not exist.
    fn latest(
        &self,
        workspace: Uuid,
    ) -> impl Future<Output = Result<Option<WorkspaceAt>, Failure>> + Send;

    /// The agent with this id, of any build; `None` if its row does not exist or is soft-deleted.
    fn agent(&self, agent: Uuid) -> impl Future<Output = Result<Option<AgentAt>, Failure>> + Send;

    /// Whether Coder is going to start this workspace once its present build has ended: a restart
    /// is a stop with a start queued behind it. `false` where it is not known.
    fn is_start_queued(
        &self,
        _workspace: Uuid,
    ) -> impl Future<Output = Result<bool, Failure>> + Send {
        std::future::ready(Ok(false))
    }
}

impl<D: Directory> Directory for Arc<D> {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        D::latest(self, workspace).await
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        D::agent(self, agent).await
    }

    async fn is_start_queued(&self, workspace: Uuid) -> Result<bool, Failure> {
        D::is_start_queued(self, workspace).await
    }
}

/// Dials agents.
///
/// Dropping the future cancels the dial, and dropping a connection closes it. So a connection that
/// opens after the caller has left is closed as well.
pub trait Dialer: Send + Sync {
    /// The connection to an agent that answered.
    type Connection: Send + Sync + 'static;

    /// Dials one agent, without a timeout. The caller limits the time.
    fn dial(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Self::Connection, DialError>> + Send;

    /// How long one dial may take, where the dialer knows better than
    /// [`ResolverSettings::dial_timeout`](super::ResolverSettings::dial_timeout): what dials for
    /// us may have a limit of its own, and its answer then is worth waiting for.
    fn time_limit(&self) -> Option<Duration> {
        None
    }

    /// Whether what dials for us works at all; asked after a dial that was not answered, so that
    /// no agent is blamed for it.
    fn check_up(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        std::future::ready(Ok(()))
    }

    /// Whether Coder counts a dial as use of the workspace, which changes its `last_used_at` and
    /// delays its autostop (`docs/spec/resolver.md`).
    fn counts_as_use(&self) -> bool;
}

/// An agent to dial. All fields come from the database, never from a request
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
    pub workspace: Name,
    /// `users.username` of the workspace's owner.
    pub owner: Label,
    /// Whether it runs outside Coder, where it is its owner's to start. It is not dialed while its row
    /// says that it is not there.
    pub is_external: bool,
}

impl Target {
    /// The target for this agent.
    pub fn of(agent: &Agent) -> Self {
        Self {
            workspace_id: agent.workspace_id,
            agent_id: agent.id,
            agent: agent.name.clone(),
            workspace: agent.workspace.clone(),
            owner: agent.owner.clone(),
            is_external: agent.kind == Kind::External,
        }
    }
}

/// Why a dial did not reach its agent. Messages contain no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The agent was not dialed, because of its status in Coder or in its row (`disconnected`,
    /// `timeout` or `connecting`).
    #[error("not dialed: the agent is {state}")]
    Unreachable {
        /// The status in Coder's spelling.
        state: String,
    },
    /// Coder knows no such agent, or our token may not see it.
    #[error("coderd does not know this agent")]
    NoSuchAgent,
    /// Coder says that there is no such agent, and the database says that there is: our token may
    /// not see it. No agent is to blame; agents of other organizations may be reached.
    #[error(
        "coderd answers 404 for this agent, but the database has it: use the token of a user with \
         the role template admin"
    )]
    Hidden,
    /// The dial failed at the agent.
    #[error("{0}")]
    Failed(String),
    /// What dials for us gave up at the end of its own time limit.
    #[error("{message}")]
    GaveUp {
        /// How long it had tried.
        after: Duration,
        /// What it said.
        message: String,
    },
    /// Nothing came within the time limit. The resolver says so, never a dialer.
    #[error("no answer within {}", seconds(*.0))]
    Unanswered(Duration),
    /// The dial failed before the agent: because of the token, coderd, or the connection to coderd.
    /// No agent is at fault, and other dials would fail too. The kind is for the log:
    /// `authentication` or `permission` if Coder rejects the token, `tls` or `timeout` if the
    /// connection fails for that reason, otherwise `connect`.
    #[error("{0}")]
    Exporter(Failure),
    /// The agent is out of the probe's scope and was not dialed, so there is no outcome.
    #[error("out of the probe's scope: {}", .0.sentence())]
    OutOfScope(SkipReason),
    /// The names of this agent do not give a valid address in `--probe.tcp-address`. The agent is
    /// not at fault, and other dials may succeed.
    #[error("{0}")]
    Unaddressable(String),
}

impl DialError {
    /// Whether a time limit has passed, so that dialing the same agent again would only take as
    /// long once more.
    pub(super) const fn is_timeout(&self) -> bool {
        matches!(self, Self::GaveUp { .. } | Self::Unanswered(_))
    }
}

/// A duration as a person reads it: `30 s`, `4.9 s`.
pub(super) fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths} s")
}
