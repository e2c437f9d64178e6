//! The result of one probe: the agent's row, the outcome of the dial, and the steps
//! (`docs/spec/probe.md`).

use std::time::Duration;

use uuid::Uuid;

use crate::error::ErrorKind;
use crate::fleet::model::agent::{Agent, Label, Name};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::explain::{Reason, explain};
use crate::fleet::rules::health::Limits;
use crate::fleet::rules::status::Status;

/// The result of one probe of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// Number of the probe, counted from one in the history; zero before it is added.
    pub number: u64,
    /// When the probe ended, by this machine's clock.
    pub at: Timestamp,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `users.username` of its owner.
    pub owner: Label,
    /// `workspaces.name`.
    pub workspace: Name,
    /// The probed agent, with its status before the dial. If status and dial contradict each other,
    /// the row is read again after the dial. `None` if no agent was chosen.
    pub agent: Option<ProbedAgent>,
    /// Outcome as counted by `coder_agent_probe_outcomes_total`.
    pub outcome: ProbeOutcome,
    /// Kind of the exporter's own error that prevented the dial, for the log.
    pub trouble: Option<ErrorKind>,
    /// Duration of the whole probe.
    pub duration: Duration,
    /// The result as one line for a person.
    pub message: String,
    /// The steps of the probe.
    pub story: Story,
}

/// A probed agent, as its row describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// Connection status that follows from the row.
    pub status: Status,
    /// The rule that decided the status, with the values that it used.
    pub reason: Reason,
    /// `workspace_agents.last_connected_at`: the last heartbeat before the row was read.
    pub last_connected_at: Option<Timestamp>,
    /// The time of the data.
    pub seen_at: Timestamp,
}

/// The steps of a probe, and the time that they took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// Steps in the order in which they happened.
    pub steps: Vec<StoryStep>,
    /// Total time of each phase, by the name of the phase.
    pub phases: Vec<(&'static str, Duration)>,
}

/// A query, a dial or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryStep {
    /// Time since the start of the probe.
    pub at: Duration,
    /// Name of the phase that it belongs to.
    pub phase: &'static str,
    /// One line for a person, without secrets.
    pub text: Box<str>,
}

impl Probed {
    /// Status and outcome if they contradict each other: connected but not reached, or disconnected
    /// or timed out but reached.
    pub fn contradiction(&self) -> Option<(Status, ProbeOutcome)> {
        let status = self.agent.as_ref()?.status;
        is_contradiction(status, self.outcome).then_some((status, self.outcome))
    }
}

impl ProbedAgent {
    /// An agent as its row describes it at `now`, with its status.
    pub fn of(agent: &Agent, limits: &Limits, now: Timestamp) -> Self {
        let explained = explain(agent, limits, now);
        Self {
            id: agent.id,
            name: agent.name.clone(),
            status: explained.assessment.status,
            reason: explained.status,
            last_connected_at: agent.last_connected_at,
            seen_at: now,
        }
    }
}

/// Whether the status and the outcome contradict each other.
pub fn is_contradiction(status: Status, outcome: ProbeOutcome) -> bool {
    match status {
        Status::Connected => outcome.is_unreached(),
        Status::Disconnected | Status::Timeout => outcome.is_reached(),
        Status::Connecting => false,
    }
}
