//! Health: the one definition (`docs/spec/health.md`). Every count, alert and page comes from here.

use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::{Agent, Kind, Lifecycle, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::status::{Status, lost_since, status};

/// The class an agent is in; each agent is in exactly one. In the order in which the rules are
/// tried.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Health {
    /// It was asked to be gone, or shut down a moment ago and may come back.
    Shutdown,
    /// It shut down although its workspace was not stopped, and stayed away.
    Terminated,
    /// Never connected, and for longer than is plausible.
    StuckConnecting,
    /// Never connected, and still within the time that is allowed for it.
    Connecting,
    /// Never connected within the time its template allows.
    ConnectTimeout,
    /// Lost its connection without a shutdown.
    Disconnected,
    /// Connected; its startup script failed.
    StartError,
    /// Connected, and has not reported any progress since.
    StuckCreated,
    /// Connected; its startup script does not end.
    StuckStarting,
    /// Connected; its startup script runs.
    Starting,
    /// No other class applies: connected and ready.
    Healthy,
}

impl Health {
    /// Whether an agent of this class needs attention.
    pub const fn is_problem(self) -> bool {
        match self {
            Self::Terminated
            | Self::StuckConnecting
            | Self::ConnectTimeout
            | Self::Disconnected
            | Self::StartError
            | Self::StuckCreated
            | Self::StuckStarting => true,
            Self::Shutdown | Self::Connecting | Self::Starting | Self::Healthy => false,
        }
    }
}

/// How long each phase may take before it is a problem: `--agent.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Silence after which an agent is lost; Coder's own default is 30 s.
    pub inactive_timeout: Duration,
    /// From the loss of an agent that shut down to the moment at which it does not come back.
    pub terminated_after: Duration,
    /// From the row's creation to the first connection.
    pub stuck_connecting_after: Duration,
    /// From the first connection to the first report.
    pub stuck_created_after: Duration,
    /// From the start of the startup script to its end.
    pub stuck_starting_after: Duration,
}

impl Limits {
    /// Each limit with its name: that of its setting, without `--agent.` and with underscores.
    pub fn by_name(&self) -> [(&'static str, Duration); 5] {
        [
            ("inactive_timeout", self.inactive_timeout),
            ("terminated_after", self.terminated_after),
            ("stuck_connecting_after", self.stuck_connecting_after),
            ("stuck_created_after", self.stuck_created_after),
            ("stuck_starting_after", self.stuck_starting_after),
        ]
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inactive_timeout: Duration::from_secs(30),
            terminated_after: Duration::from_secs(5 * 60),
            stuck_connecting_after: Duration::from_secs(10 * 60),
            stuck_created_after: Duration::from_secs(2 * 60),
            stuck_starting_after: Duration::from_secs(30 * 60),
        }
    }
}

/// What an agent is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assessment {
    /// Its connection, by `docs/spec/connection-status.md`.
    pub status: Status,
    /// Its class, by `docs/spec/health.md`.
    pub health: Health,
    /// The moment from which a problem's age counts; `Some` exactly when
    /// [`Health::is_problem`].
    pub since: Option<Timestamp>,
}

impl Assessment {
    /// Whether the health of its apps is known (`docs/spec/metrics.md`). The agent itself checks
    /// them: of one that is not connected, or whose workspace stops, only an old answer is left.
    pub fn knows_its_apps(&self) -> bool {
        self.status == Status::Connected && self.health != Health::Shutdown
    }
}

/// Judges one agent at `now` (`docs/spec/connection-status.md` and `docs/spec/health.md`).
pub fn assess(agent: &Agent, limits: &Limits, now: Timestamp) -> Assessment {
    let status = status(agent, limits.inactive_timeout, now);
    let health = classify(agent, status, limits, now);
    let since = problem_since(agent, health);
    Assessment {
        status,
        health,
        since,
    }
}

/// The table of `docs/spec/health.md`, top to bottom.
fn classify(agent: &Agent, status: Status, limits: &Limits, now: Timestamp) -> Health {
    let longer_than = |limit: Duration, since: Option<Timestamp>| {
        since.is_some_and(|since| now.is_past(since, limit))
    };
    let lifecycle = match agent.lifecycle {
        DbEnum::Known(known) => Some(known),
        DbEnum::Other(_) => None,
    };
    if agent.transition != DbEnum::Known(Transition::Start) {
        return Health::Shutdown;
    }
    // An external agent waits for its owner for as long as it takes.
    let waits_for_ever = agent.kind == Kind::External;
    match (status, lifecycle) {
        (Status::Connected, Some(state)) if state.is_shutdown() => Health::Shutdown,
        (Status::Disconnected, Some(state)) if state.is_shutdown() => {
            match longer_than(limits.terminated_after, lost_since(agent)) {
                true => Health::Terminated,
                false => Health::Shutdown,
            }
        }
        (Status::Connecting | Status::Timeout, _) if waits_for_ever => Health::Connecting,
        (Status::Connecting, _) if longer_than(limits.stuck_connecting_after, agent.created_at) => {
            Health::StuckConnecting
        }
        (Status::Connecting, _) => Health::Connecting,
        (Status::Timeout, _) => Health::ConnectTimeout,
        (Status::Disconnected, _) => Health::Disconnected,
        (_, Some(Lifecycle::StartError)) => Health::StartError,
        (_, Some(Lifecycle::Created))
            if longer_than(limits.stuck_created_after, agent.first_connected_at) =>
        {
            Health::StuckCreated
        }
        (_, Some(Lifecycle::Starting))
            if longer_than(limits.stuck_starting_after, start_of(agent)) =>
        {
            Health::StuckStarting
        }
        (_, Some(Lifecycle::Created | Lifecycle::Starting)) => Health::Starting,
        _ => Health::Healthy,
    }
}

fn problem_since(agent: &Agent, health: Health) -> Option<Timestamp> {
    match health {
        Health::StuckConnecting => agent.created_at,
        Health::ConnectTimeout => agent
            .created_at
            .map(|created| created.after(agent.connection_timeout())),
        Health::Disconnected | Health::Terminated => lost_since(agent),
        Health::StartError => agent.ready_at.or_else(|| start_of(agent)),
        Health::StuckCreated => agent.first_connected_at,
        Health::StuckStarting => start_of(agent),
        Health::Shutdown | Health::Connecting | Health::Starting | Health::Healthy => None,
    }
}

/// When the startup script began, as far as is known.
fn start_of(agent: &Agent) -> Option<Timestamp> {
    agent.started_at.or(agent.first_connected_at)
}

#[cfg(test)]
#[path = "health_tests.rs"]
pub(crate) mod tests;
