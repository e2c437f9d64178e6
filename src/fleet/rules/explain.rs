//! Why an agent is what it is: the rule that decided, in words, with its numbers.
//!
//! Nothing is decided here. The rules are [`status`](crate::fleet::rules::status::status) and
//! [`assess`]; this says which of their lines matched.

use std::time::Duration;

use crate::fleet::model::agent::{Agent, Kind, Transition};
use crate::fleet::model::label_value::{DbEnum, Variants};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::{Assessment, Health, Limits, assess};
use crate::fleet::rules::status::{Status, StatusRule, lost_since, status_rule};

/// An assessment with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What the agent is.
    pub assessment: Assessment,
    /// Why its status is that (`docs/spec/connection-status.md`).
    pub status: Reason,
    /// Why its health is that (`docs/spec/health.md`).
    pub health: Reason,
}

/// The rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its name in `docs/spec`: that of a [`StatusRule`], or of a class of [`Health`].
    pub rule: &'static str,
    /// What it saw, as in "last heartbeat 47.2 s before now, limit 30 s".
    pub saw: String,
}

/// Explains what an agent is at `now`.
pub fn explain(agent: &Agent, limits: &Limits, now: Timestamp) -> Explanation {
    let assessment = assess(agent, limits, now);
    Explanation {
        assessment,
        status: status_reason(agent, limits, now),
        health: health_reason(agent, assessment, limits, now),
    }
}

fn status_reason(agent: &Agent, limits: &Limits, now: Timestamp) -> Reason {
    let heartbeat = || distance("last heartbeat", agent.last_connected_at, now);
    let limit = seconds(limits.inactive_timeout);
    let rule = status_rule(agent, limits.inactive_timeout, now);
    let saw = match rule {
        StatusRule::NeverConnected => {
            let created = distance("never connected, created", agent.created_at, now);
            let may_take = match agent.connection_timeout().is_zero() {
                true => "no connection timeout".to_owned(),
                false => format!("connection timeout {}", seconds(agent.connection_timeout())),
            };
            format!("{created}, {may_take}")
        }
        StatusRule::Closed if agent.disconnected_at.is_none() => {
            "no heartbeat and no close on record".to_owned()
        }
        StatusRule::Closed => {
            let closed = distance("connection closed", agent.disconnected_at, now);
            format!("{closed}, {}", heartbeat())
        }
        StatusRule::Silent | StatusRule::Alive => format!("{}, limit {limit}", heartbeat()),
    };
    Reason {
        rule: rule.as_str(),
        saw,
    }
}

fn health_reason(agent: &Agent, assessment: Assessment, limits: &Limits, now: Timestamp) -> Reason {
    let status = assessment.status.as_str();
    let lifecycle = agent.lifecycle.as_str();
    let since = |what: &str, at: Option<Timestamp>, limit: Duration| {
        format!("{}, limit {}", distance(what, at, now), seconds(limit))
    };
    let saw = match assessment.health {
        Health::Shutdown if assessment.status == Status::Disconnected && is_started(agent) => {
            since(
                &format!("lifecycle is {lifecycle}, lost"),
                lost_since(agent),
                limits.terminated_after,
            )
        }
        Health::Shutdown => {
            let transition = agent.transition.as_str();
            format!("latest build's transition is {transition}, lifecycle is {lifecycle}")
        }
        Health::Terminated => since(
            &format!("latest build's transition is start, lifecycle is {lifecycle}, lost"),
            lost_since(agent),
            limits.terminated_after,
        ),
        Health::Connecting if agent.kind == Kind::External => {
            format!("status is {status}, and an external agent waits for its owner")
        }
        Health::StuckConnecting => since(
            "status is connecting, created",
            agent.created_at,
            limits.stuck_connecting_after,
        ),
        Health::StuckCreated => since(
            "lifecycle is created, first connected",
            agent.first_connected_at,
            limits.stuck_created_after,
        ),
        Health::StuckStarting => since(
            "lifecycle is starting, started",
            agent.started_at.or(agent.first_connected_at),
            limits.stuck_starting_after,
        ),
        Health::Connecting | Health::ConnectTimeout | Health::Disconnected => {
            format!("status is {status}, and no shutdown was requested")
        }
        Health::StartError | Health::Starting | Health::Healthy => {
            format!("status is {status}, lifecycle is {lifecycle}")
        }
    };
    Reason {
        // Each class has one rule, which has its name.
        rule: assessment.health.as_str(),
        saw,
    }
}

fn is_started(agent: &Agent) -> bool {
    agent.transition == DbEnum::Known(Transition::Start)
}

/// "last heartbeat 47.2 s before now"
fn distance(what: &str, at: Option<Timestamp>, now: Timestamp) -> String {
    match at {
        None => format!("{what}: never"),
        Some(Timestamp::BEGINNING) => format!("{what}: -infinity"),
        Some(Timestamp::END) => format!("{what}: infinity"),
        Some(at) => {
            let ago = now.seconds_since(at);
            let side = if ago < 0.0 { "after" } else { "before" };
            format!("{what} {:.1} s {side} now", ago.abs())
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, never_connected};
    use crate::fleet::model::agent::{Lifecycle, Transition};
    use crate::fleet::model::label_value::DbEnum;

    fn check(agent: &Agent, now: i64, status: (&'static str, &str), health: (&'static str, &str)) {
        let found = explain(agent, &Limits::default(), at(now));
        let reason = |(rule, saw): (&'static str, &str)| Reason {
            rule,
            saw: saw.to_owned(),
        };
        assert_eq!(found.status, reason(status));
        assert_eq!(found.health, reason(health));
    }

    #[test]
    fn silence_is_told_in_seconds_against_its_limit() {
        check(
            &agent(),
            47,
            ("silent", "last heartbeat 47.0 s before now, limit 30 s"),
            (
                "disconnected",
                "status is disconnected, and no shutdown was requested",
            ),
        );
        check(
            &agent(),
            -3,
            ("alive", "last heartbeat 3.0 s after now, limit 30 s"),
            ("healthy", "status is connected, lifecycle is ready"),
        );
    }

    #[test]
    fn closed_connection_is_told_apart_from_silence() {
        let mut closed = agent();
        closed.disconnected_at = Some(at(1));
        check(
            &closed,
            5,
            (
                "closed",
                "connection closed 4.0 s before now, last heartbeat 5.0 s before now",
            ),
            (
                "disconnected",
                "status is disconnected, and no shutdown was requested",
            ),
        );
    }

    #[test]
    fn never_connected_names_what_its_template_allows() {
        check(
            &never_connected(),
            121,
            (
                "never_connected",
                "never connected, created 121.0 s before now, connection timeout 120 s",
            ),
            (
                "connect_timeout",
                "status is timeout, and no shutdown was requested",
            ),
        );
        let mut patient = never_connected();
        patient.connection_timeout_seconds = 0;
        check(
            &patient,
            601,
            (
                "never_connected",
                "never connected, created 601.0 s before now, no connection timeout",
            ),
            (
                "stuck_connecting",
                "status is connecting, created 601.0 s before now, limit 600 s",
            ),
        );
    }

    #[test]
    fn stuck_and_shut_down_name_what_they_wait_for() {
        let mut stuck = agent();
        stuck.lifecycle = DbEnum::Known(Lifecycle::Created);
        stuck.first_connected_at = Some(at(-121));
        check(
            &stuck,
            0,
            ("alive", "last heartbeat 0.0 s before now, limit 30 s"),
            (
                "stuck_created",
                "lifecycle is created, first connected 121.0 s before now, limit 120 s",
            ),
        );
        let mut stopped = agent();
        stopped.transition = DbEnum::Known(Transition::Stop);
        check(
            &stopped,
            0,
            ("alive", "last heartbeat 0.0 s before now, limit 30 s"),
            (
                "shutdown",
                "latest build's transition is stop, lifecycle is ready",
            ),
        );
    }

    #[test]
    fn agent_that_shut_down_is_told_against_the_time_it_may_stay_away() {
        let mut gone = agent();
        gone.lifecycle = DbEnum::Known(Lifecycle::Off);
        gone.disconnected_at = Some(at(1));
        let status = "connection closed 300.0 s before now, last heartbeat 301.0 s before now";
        check(
            &gone,
            301,
            ("closed", status),
            (
                "shutdown",
                "lifecycle is off, lost 300.0 s before now, limit 300 s",
            ),
        );
        let status = "connection closed 301.0 s before now, last heartbeat 302.0 s before now";
        check(
            &gone,
            302,
            ("closed", status),
            (
                "terminated",
                "latest build's transition is start, lifecycle is off, lost 301.0 s before now, limit 300 s",
            ),
        );
        let mut external = never_connected();
        external.kind = Kind::External;
        let created = "never connected, created 121.0 s before now, connection timeout 120 s";
        check(
            &external,
            121,
            ("never_connected", created),
            (
                "connecting",
                "status is timeout, and an external agent waits for its owner",
            ),
        );
    }

    #[test]
    fn dates_nobody_meant_are_told_as_what_they_are() {
        let mut odd = agent();
        odd.last_connected_at = Some(Timestamp::BEGINNING);
        check(
            &odd,
            0,
            ("closed", "no heartbeat and no close on record"),
            (
                "disconnected",
                "status is disconnected, and no shutdown was requested",
            ),
        );
    }
}
