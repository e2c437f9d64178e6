//! Decides for each dial whether it is allowed, so that the probe never keeps a workspace running
//! (`docs/spec/probe.md`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::activity::ActivityReader;
use crate::error::Failure;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::scope::{ProbeScope, SkipReason, Use, WARM_UP};
use crate::fleet::rules::status::{Status, status};
use crate::resolver::{DialError, Dialer, Directory, Target};

use super::questions::Questions;
use super::source::Source;

/// Whether a call respects the probe's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Dials only agents in scope.
    InScope,
    /// Dials an agent out of scope too, at a person's request. Coder counts this as use.
    Forced,
}

/// The use of agents, and our own dials.
pub(super) struct Gate<S> {
    scope: ProbeScope,
    inactive_timeout: Duration,
    began: Instant,
    activity: ActivityReader<S>,
    /// Locked only for short reads and writes, never across an await.
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    /// By agent id: when our last dial of the agent ended, or started if it is in progress.
    own_dials: HashMap<Uuid, Instant>,
    /// Newest heartbeat of the last round minus the database's clock, in seconds.
    heartbeat_lead_seconds: f64,
}

impl<S: Source> Gate<S> {
    pub(super) fn new(
        scope: ProbeScope,
        inactive_timeout: Duration,
        activity: ActivityReader<S>,
    ) -> Self {
        Self {
            scope,
            inactive_timeout,
            began: Instant::now(),
            activity,
            noted: Mutex::default(),
        }
    }

    /// Whether a workspace that this agent serves is in scope. A connected agent is in scope while
    /// it may be dialed. Other agents are always in scope, because their row gives the outcome
    /// without a dial.
    pub(super) fn is_in_scope(&self, agent: Uuid, status: Status) -> bool {
        match self.scope {
            ProbeScope::All => true,
            ProbeScope::InUse => status != Status::Connected || self.allows(agent).is_ok(),
        }
    }

    /// The status that follows from the agent's row.
    pub(super) fn status(&self, agent: &Agent, now: Timestamp) -> Status {
        status(agent, self.inactive_timeout, now)
    }

    /// Stores the clock difference that a round saw, and removes old dials.
    pub(super) fn begin_round(&self, heartbeat_lead_seconds: Option<f64>) {
        let mut noted = self.noted.lock();
        noted.heartbeat_lead_seconds = heartbeat_lead_seconds.unwrap_or_default();
        noted.own_dials.retain(|_, at| at.elapsed() < WARM_UP);
    }

    /// Whether a connected agent may be dialed.
    fn allows(&self, agent: Uuid) -> Result<(), SkipReason> {
        let reading = self.activity.latest();
        let reading = reading.filter(|it| it.activity.is_stored());
        let noted = self.noted.lock();
        let session_age_seconds = reading.as_ref().and_then(|it| {
            let age = it.activity.session_age_seconds(agent)?;
            Some(age + it.read_at.elapsed().as_secs_f64())
        });
        let lead = reading.as_ref().map(|it| it.activity.lead_seconds());
        let since_own_dial = noted.own_dials.get(&agent).map(Instant::elapsed);
        let seen = Use {
            uptime: self.began.elapsed(),
            has_reports: reading.is_some(),
            clock_lead_seconds: lead.unwrap_or_default().max(noted.heartbeat_lead_seconds),
            session_age_seconds,
            since_own_dial_seconds: since_own_dial.map(|it| it.as_secs_f64()),
        };
        seen.allows_dial()
    }

    fn note_dial(&self, agent: Uuid) {
        self.noted.lock().own_dials.insert(agent, Instant::now());
    }
}

/// The dialer of one call. It asks the gate before each dial, including the dial of another agent
/// after a validation.
pub(super) struct ScopedDialer<'a, S, L> {
    pub(super) gate: &'a Gate<S>,
    pub(super) directory: &'a Arc<Questions<S>>,
    pub(super) dialer: &'a L,
    pub(super) reach: Reach,
}

impl<S: Source, L: Dialer> ScopedDialer<'_, S, L> {
    /// Checks whether the target may be dialed. An agent that is not connected gets its outcome
    /// from its row: Coder would use the same row, or dial the agent if it has reconnected. A bound
    /// agent of an earlier build has no row here, and is only dialed while it is in use.
    async fn check(&self, target: &Target) -> Result<(), DialError> {
        let latest = self.directory.latest(target.workspace_id).await;
        let latest = latest.map_err(DialError::Exporter)?;
        let row = latest.as_ref().and_then(|latest| {
            let mut agents = latest.agents.iter();
            let row = agents.find(|it| it.agent.id == target.agent_id)?;
            Some(self.gate.status(&row.agent, latest.now))
        });
        match row {
            Some(Status::Connected) | None => {
                let allowed = self.gate.allows(target.agent_id);
                allowed.map_err(DialError::OutOfScope)
            }
            Some(other) => Err(DialError::Unreachable {
                state: other.as_str().to_owned(),
            }),
        }
    }
}

impl<S: Source, L: Dialer> Dialer for ScopedDialer<'_, S, L> {
    type Connection = L::Connection;

    async fn dial(&self, target: &Target) -> Result<L::Connection, DialError> {
        if self.gate.scope == ProbeScope::All {
            return self.dialer.dial(target).await;
        }
        if self.reach == Reach::InScope {
            self.check(target).await?;
        }
        let _noted = OwnDial::begin(self.gate, target.agent_id);
        self.dialer.dial(target).await
    }

    fn time_limit(&self) -> Option<Duration> {
        self.dialer.time_limit()
    }

    async fn check_up(&self) -> Result<(), Failure> {
        self.dialer.check_up().await
    }

    fn counts_as_use(&self) -> bool {
        self.dialer.counts_as_use()
    }
}

/// A dial of ours. Its start and its end are recorded, also if it is dropped.
struct OwnDial<'a, S: Source> {
    gate: &'a Gate<S>,
    agent: Uuid,
}

impl<'a, S: Source> OwnDial<'a, S> {
    fn begin(gate: &'a Gate<S>, agent: Uuid) -> Self {
        gate.note_dial(agent);
        Self { gate, agent }
    }
}

impl<S: Source> Drop for OwnDial<'_, S> {
    fn drop(&mut self) {
        self.gate.note_dial(self.agent);
    }
}
