//! The events of an agent in the order of time.

use crate::fleet::model::agent::{Agent, Lifecycle};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;

/// A change of health between two collections: time, health before, and health after.
pub type Change = (Timestamp, Health, Health);

/// An event of an agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineEvent {
    /// Time of the event.
    pub at: Timestamp,
    /// Kind of the event.
    pub what: Happened,
    /// Seconds since the previous event; `None` for the first event, and if one of the two times is
    /// infinite.
    pub gap_seconds: Option<f64>,
}

/// What can happen to an agent, as far as row and collections show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// A build created its row.
    Created,
    /// It connected for the first time.
    FirstConnected,
    /// Its startup script started.
    ScriptBegan,
    /// Its startup script ended, and no failure is known.
    ScriptEnded,
    /// Its startup script failed.
    ScriptFailed,
    /// The latest heartbeat in the row.
    LastHeartbeat,
    /// Coder saw its connection close.
    Closed,
    /// A collection found another health than the previous one.
    Became {
        /// Health in the previous collection.
        from: Health,
        /// Health in this collection.
        to: Health,
    },
}

impl Happened {
    /// The event as text for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created by a build",
            Self::FirstConnected => "connected for the first time",
            Self::ScriptBegan => "startup script began",
            Self::ScriptEnded => "startup script ended",
            Self::ScriptFailed => "startup script failed",
            Self::LastHeartbeat => "last heartbeat",
            Self::Closed => "connection closed",
            Self::Became { .. } => "health changed",
        }
    }
}

/// The events in the agent's row and the changes that collections found, oldest first. Events of
/// the same time have the order in which an agent goes through them.
pub fn timeline(agent: &Agent, changes: &[Change]) -> Vec<TimelineEvent> {
    let ended = match agent.lifecycle {
        DbEnum::Known(Lifecycle::StartError) => Happened::ScriptFailed,
        _ => Happened::ScriptEnded,
    };
    let of_row = [
        (agent.created_at, Happened::Created),
        (agent.first_connected_at, Happened::FirstConnected),
        (agent.started_at, Happened::ScriptBegan),
        (agent.ready_at, ended),
        (agent.last_connected_at, Happened::LastHeartbeat),
        (agent.disconnected_at, Happened::Closed),
    ];
    let of_row = of_row
        .into_iter()
        .filter_map(|(at, what)| Some((at?, what)));
    let seen = changes
        .iter()
        .map(|&(at, from, to)| (at, Happened::Became { from, to }));
    let mut all: Vec<_> = of_row.chain(seen).collect();
    all.sort_by_key(|(at, _)| *at);
    let before = std::iter::once(None).chain(all.iter().map(|(at, _)| Some(*at)));
    let events = before.zip(&all).map(|(before, &(at, what))| TimelineEvent {
        at,
        what,
        gap_seconds: before.and_then(|before| gap(before, at)),
    });
    events.collect()
}

fn gap(before: Timestamp, at: Timestamp) -> Option<f64> {
    let is_odd = |it| it == Timestamp::BEGINNING || it == Timestamp::END;
    (!is_odd(before) && !is_odd(at)).then(|| at.seconds_since(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, never_connected};

    fn steps(agent: &Agent, changes: &[Change]) -> Vec<(&'static str, Option<f64>)> {
        let events = timeline(agent, changes);
        events
            .iter()
            .map(|it| (it.what.as_str(), it.gap_seconds))
            .collect()
    }

    #[test]
    fn events_are_in_order_with_the_time_between() {
        let mut lost = agent();
        lost.disconnected_at = Some(at(3));
        let changes = [(at(30), Health::Healthy, Health::Disconnected)];
        assert_eq!(
            steps(&lost, &changes),
            [
                ("created by a build", None),
                ("connected for the first time", Some(10.0)),
                ("startup script began", Some(1.0)),
                ("startup script ended", Some(89.0)),
                ("last heartbeat", Some(7100.0)),
                ("connection closed", Some(3.0)),
                ("health changed", Some(27.0)),
            ]
        );
    }

    #[test]
    fn close_that_was_survived_stands_before_the_last_heartbeat() {
        let mut survived = agent();
        survived.disconnected_at = Some(at(-60));
        let last_two = steps(&survived, &[]).split_off(4);
        let expected = [
            ("connection closed", Some(7040.0)),
            ("last heartbeat", Some(60.0)),
        ];
        assert_eq!(last_two, expected);
    }

    #[test]
    fn what_never_happened_is_not_told() {
        assert_eq!(
            steps(&never_connected(), &[]),
            [("created by a build", None)]
        );
    }

    #[test]
    fn script_that_failed_is_told_so() {
        let mut failed = agent();
        failed.lifecycle = DbEnum::Known(Lifecycle::StartError);
        assert_eq!(steps(&failed, &[])[3].0, "startup script failed");
    }

    #[test]
    fn dates_nobody_meant_have_no_distance() {
        let mut odd = agent();
        odd.created_at = Some(Timestamp::BEGINNING);
        odd.disconnected_at = Some(Timestamp::END);
        let gaps: Vec<_> = steps(&odd, &[]).into_iter().map(|it| it.1).collect();
        assert_eq!((gaps[1], gaps[5]), (None, None));
    }
}
