//! The changes that a tick makes to the rows of the simulated database, and what it tells.

use std::fmt;

use uuid::Uuid;

use crate::fleet::model::label_value::Variants;
use crate::incident::model::Common;
use crate::incident::population::Family;

use super::rows::{Rows, Time, Word};

/// A startup script that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptEnd {
    /// Its id.
    pub script: Uuid,
    /// The agent that ran it: it began when the agent did.
    pub agent: Uuid,
    /// What it ended with.
    pub exit_code: i32,
    /// Coder's word for it.
    pub status: Word,
}

/// A prebuilt workspace that becomes a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The workspace.
    pub workspace: Uuid,
    /// The person.
    pub owner: Uuid,
    /// What the person calls it.
    pub name: String,
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

/// What an injected problem has in common: the incident that an exporter is to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which problem.
    pub family: Family,
    /// What its agents share.
    pub common: Common,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, value) = (self.common.factor(), self.common.value());
        let space = if value.is_empty() { "" } else { " " };
        write!(f, "{}, {factor}{space}{value}", self.family.as_str())
    }
}

/// The changes of a tick, in the order in which they are applied. All happen at the tick's time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows to insert, before all other changes.
    pub new: Rows,
    /// Jobs that a provisioner daemon has acquired, with the daemon.
    pub jobs_started: Vec<(Uuid, Uuid)>,
    /// Jobs that have ended, with their results.
    pub jobs_ended: Vec<(Uuid, JobOutcome)>,
    /// Replicas that say that they are still there.
    pub replicas_seen: Vec<Uuid>,
    /// Provisioner daemons that say so.
    pub daemons_seen: Vec<Uuid>,
    /// Replicas whose rows another one has removed.
    pub replicas_removed: Vec<Uuid>,
    /// Agents that connect, with the versions that they tell.
    pub versions_told: Vec<(Uuid, Word)>,
    /// Agents whose coderd writes a heartbeat, with the replica.
    pub heartbeats: Vec<(Uuid, Uuid)>,
    /// Agents whose connection Coder sees close.
    pub disconnects: Vec<Uuid>,
    /// Agents that report a new lifecycle state, with the state.
    pub lifecycles: Vec<(Uuid, Word)>,
    /// Startup scripts that have ended.
    pub scripts_ended: Vec<ScriptEnd>,
    /// Agents that are deleted softly: of earlier builds, and sub-agents that were replaced.
    pub agents_deleted: Vec<Uuid>,
    /// Prebuilt workspaces that people claim.
    pub claims: Vec<Claim>,
    /// Workspaces that were in use since Coder last wrote when.
    pub used: Vec<Uuid>,
    /// Builds with a new deadline, in seconds of the database's clock from now.
    pub deadlines: Vec<(Uuid, Time)>,
    /// Whether old reports are removed.
    pub reports_pruned: bool,
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
    /// Causes that begin to have an effect. The messages name them too.
    pub causes: Vec<Cause>,
}

impl Changes {
    pub(super) fn tell(&mut self, weight: Weight, text: String) {
        self.messages.push(Message { text, weight });
    }

    /// Tells a headline, and what an exporter is to find as its cause.
    pub(super) fn blame(&mut self, text: &str, cause: Cause) {
        let text = format!("{text}. The incident to find: {cause}");
        self.tell(Weight::Headline, text);
        self.causes.push(cause);
    }
}
