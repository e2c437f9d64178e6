//! Connection status: `docs/spec/connection-status.md`, and nothing else.

use std::time::Duration;

use enum_map::Enum;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::Agent;
use crate::fleet::model::time::Timestamp;

/// What Coder's dashboard would say of an agent's connection.
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
pub enum Status {
    /// Its last heartbeat is recent enough.
    Connected,
    /// Never connected, and may still.
    Connecting,
    /// Was connected, and is not.
    Disconnected,
    /// Never connected within the time its template allows.
    Timeout,
}

/// The rules that decide a status, in the order in which they are tried. The first one that
/// matches decides.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum StatusRule {
    /// The agent has never connected: it is `timeout` or `connecting`.
    NeverConnected,
    /// Coder closed the connection after the last heartbeat: `disconnected`.
    Closed,
    /// The last heartbeat is older than the timeout: `disconnected`.
    Silent,
    /// No other rule matches: `connected`.
    Alive,
}

/// The connection status Coder's dashboard would show for this agent at `now`
/// (`docs/spec/connection-status.md`).
///
/// Silence counts from the last heartbeat Coder recorded, never from our last collection, so a
/// slow exporter cannot make an agent look lost. Silent for exactly `inactive_timeout` is
/// still connected, and so is a heartbeat from the future.
pub fn status(agent: &Agent, inactive_timeout: Duration, now: Timestamp) -> Status {
    match status_rule(agent, inactive_timeout, now) {
        StatusRule::NeverConnected if connection_timed_out(agent, now) => Status::Timeout,
        StatusRule::NeverConnected => Status::Connecting,
        StatusRule::Closed | StatusRule::Silent => Status::Disconnected,
        StatusRule::Alive => Status::Connected,
    }
}

/// The rule that decides the status of this agent at `now`.
pub fn status_rule(agent: &Agent, inactive_timeout: Duration, now: Timestamp) -> StatusRule {
    if agent.first_connected_at.is_none() {
        StatusRule::NeverConnected
    } else if was_closed(agent) {
        StatusRule::Closed
    } else if fell_silent(agent, inactive_timeout, now) {
        StatusRule::Silent
    } else {
        StatusRule::Alive
    }
}

/// The moment a disconnected agent was lost: when coderd saw the connection close, else the
/// last heartbeat. A row that names neither was last known alive when it first connected.
///
/// `None` for an agent that never connected. Meaningful only for [`Status::Disconnected`].
pub fn lost_since(agent: &Agent) -> Option<Timestamp> {
    let closed_at = agent.disconnected_at.filter(|_| was_closed(agent));
    closed_at
        .or(agent.last_connected_at)
        .or(agent.first_connected_at)
}

fn connection_timed_out(agent: &Agent, now: Timestamp) -> bool {
    let limit = agent.connection_timeout();
    !limit.is_zero()
        && agent
            .created_at
            .is_some_and(|created| now.is_past(created, limit))
}

/// Coderd closed the connection after the last heartbeat. NULL counts as the beginning of
/// time, so a row with neither is closed.
pub(crate) fn was_closed(agent: &Agent) -> bool {
    let closed = agent.disconnected_at.unwrap_or(Timestamp::BEGINNING);
    let heartbeat = agent.last_connected_at.unwrap_or(Timestamp::BEGINNING);
    closed >= heartbeat
}

fn fell_silent(agent: &Agent, inactive_timeout: Duration, now: Timestamp) -> bool {
    let heartbeat = agent.last_connected_at.unwrap_or(Timestamp::BEGINNING);
    now.is_past(heartbeat, inactive_timeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, never_connected};

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn check(agent: &Agent, now: Timestamp, expected: Status) {
        assert_eq!(
            status(agent, TIMEOUT, now),
            expected,
            "{agent:?} at {now:?}"
        );
    }

    #[test]
    fn rules_are_tried_in_the_order_of_their_list() {
        let check = |agent: &Agent, now, expected| {
            assert_eq!(status_rule(agent, TIMEOUT, at(now)), expected, "{agent:?}");
        };
        check(&never_connected(), 0, StatusRule::NeverConnected);
        let mut agent = agent();
        check(&agent, 0, StatusRule::Alive);
        check(&agent, 31, StatusRule::Silent);
        // Silent as well, but the close comes first.
        agent.disconnected_at = agent.last_connected_at;
        check(&agent, 31, StatusRule::Closed);
        agent.first_connected_at = None;
        check(&agent, 31, StatusRule::NeverConnected);
    }

    #[test]
    fn agent_silent_for_exactly_the_timeout_is_still_connected() {
        let agent = agent();
        let heartbeat = agent.last_connected_at.unwrap();
        let limit = heartbeat.after(TIMEOUT);
        let tick = Duration::from_micros(1);
        check(&agent, heartbeat.after(TIMEOUT - tick), Status::Connected);
        check(&agent, limit, Status::Connected);
        check(&agent, limit.after(tick), Status::Disconnected);
    }

    #[test]
    fn heartbeat_from_the_future_is_connected() {
        let mut agent = agent();
        agent.last_connected_at = Some(at(3600));
        check(&agent, at(0), Status::Connected);
        agent.last_connected_at = Some(Timestamp::END);
        check(&agent, at(0), Status::Connected);
    }

    #[test]
    fn closed_at_the_very_moment_of_the_last_heartbeat_is_disconnected() {
        let mut agent = agent();
        let heartbeat = agent.last_connected_at.unwrap();
        let tick = Duration::from_micros(1);

        agent.disconnected_at = Some(heartbeat);
        check(&agent, heartbeat, Status::Disconnected);
        agent.disconnected_at = Some(heartbeat.after(tick));
        check(&agent, heartbeat, Status::Disconnected);
        agent.last_connected_at = Some(heartbeat.after(tick));
        agent.disconnected_at = Some(heartbeat);
        check(&agent, heartbeat, Status::Connected);
    }

    #[test]
    fn connected_once_but_with_neither_heartbeat_nor_close_is_disconnected() {
        let mut agent = agent();
        agent.last_connected_at = None;
        agent.disconnected_at = None;
        check(&agent, at(0), Status::Disconnected);
        assert_eq!(lost_since(&agent), agent.first_connected_at);
    }

    #[test]
    fn heartbeat_before_every_date_is_disconnected_and_never_a_panic() {
        let mut agent = agent();
        agent.last_connected_at = Some(Timestamp::BEGINNING);
        check(&agent, at(0), Status::Disconnected);
        check(&agent, Timestamp::END, Status::Disconnected);
    }

    #[test]
    fn first_connection_times_out_only_after_more_than_the_templates_limit() {
        let mut agent = never_connected();
        agent.connection_timeout_seconds = 120;
        let created = agent.created_at.unwrap();
        let limit = created.after(agent.connection_timeout());
        let tick = Duration::from_micros(1);
        check(
            &agent,
            created.after(Duration::from_secs(119)),
            Status::Connecting,
        );
        check(&agent, limit, Status::Connecting);
        check(&agent, limit.after(tick), Status::Timeout);
    }

    #[test]
    fn without_a_limit_the_first_connection_is_awaited_for_ever() {
        let mut agent = never_connected();
        agent.connection_timeout_seconds = 0;
        check(&agent, Timestamp::END, Status::Connecting);
    }

    #[test]
    fn row_without_a_creation_time_never_times_out() {
        let mut agent = never_connected();
        agent.connection_timeout_seconds = 1;
        agent.created_at = None;
        check(&agent, Timestamp::END, Status::Connecting);
    }

    #[test]
    fn loss_counts_from_the_close_else_from_the_last_heartbeat() {
        let mut agent = agent();
        let heartbeat = agent.last_connected_at;
        assert_eq!(lost_since(&agent), heartbeat);

        let closed = heartbeat.map(|at| at.after(Duration::from_secs(5)));
        agent.disconnected_at = closed;
        assert_eq!(lost_since(&agent), closed);

        // A close before the last heartbeat was survived: it is not the loss.
        agent.disconnected_at = agent.first_connected_at;
        assert_eq!(lost_since(&agent), heartbeat);
    }
}
