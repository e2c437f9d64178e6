//! One probe: what the database said, what the dial said, and the whole story
//! (`docs/spec/probe.md`).

use std::time::Duration;

use uuid::Uuid;

use crate::error::ErrorKind;
use crate::fleet::model::agent::{Agent, Label};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::explain::{Reason, explain};
use crate::fleet::rules::health::Limits;
use crate::fleet::rules::status::Status;

/// One probe, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// Counts the probes that are remembered, from one; zero until it is.
    pub number: u64,
    /// When it ended, by this machine's clock.
    pub at: Timestamp,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `users.username` of its owner.
    pub owner: Label,
    /// `workspaces.name`.
    pub workspace: Label,
    /// The agent it was about, with the status its row gave it, read before the dial, and
    /// once more after it where the two contradict each other; `None` when there was none.
    pub agent: Option<ProbedAgent>,
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// What kind of trouble of our own kept the agent from being asked, for the log.
    pub trouble: Option<ErrorKind>,
    /// How long it took.
    pub duration: Duration,
    /// One line for a person.
    pub message: String,
    /// What was asked and answered.
    pub story: Story,
}

/// An agent that was probed, as the database has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// Its status by the database.
    pub status: Status,
    /// The rule that decided so, with the numbers it saw.
    pub reason: Reason,
    /// Its last heartbeat at that time.
    pub last_connected_at: Option<Timestamp>,
    /// The moment its row is true for.
    pub seen_at: Timestamp,
}

/// What was asked and answered on the way to an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// In the order in which it happened.
    pub steps: Vec<StoryStep>,
    /// How long each phase took, all its parts together.
    pub phases: Vec<(&'static str, Duration)>,
}

/// One thing that was asked or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryStep {
    /// Since the probe began.
    pub at: Duration,
    /// The phase it was part of.
    pub phase: &'static str,
    /// One line for a person; no secret.
    pub text: Box<str>,
}

impl Probed {
    /// Whether the database and the dial contradict each other: connected, but not reached;
    /// disconnected or timed out, but reached.
    pub fn contradiction(&self) -> Option<(Status, ProbeOutcome)> {
        let status = self.agent.as_ref()?.status;
        is_contradiction(status, self.outcome).then_some((status, self.outcome))
    }
}

impl ProbedAgent {
    /// An agent as its row describes it at `now`.
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

/// Whether these two cannot both be true.
pub fn is_contradiction(status: Status, outcome: ProbeOutcome) -> bool {
    match status {
        Status::Connected => outcome.is_unreached(),
        Status::Disconnected | Status::Timeout => outcome.is_reached(),
        Status::Connecting => false,
    }
}
