//! Which agents have just started for the first time, and how long each phase took
//! (`docs/spec/service-level.md`).

use std::time::Duration;

use crate::fleet::model::agent::{Agent, Lifecycle};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::startup::{JobTimes, StartupPhase, StartupResult};
use crate::fleet::model::time::Timestamp;

/// Scripts that begin later than this after the first connection run in a reboot.
const FIRST_START: Duration = Duration::from_secs(2 * 60);

/// A start-up is seen by the next collection. One that ended longer ago than this is old news: the
/// job of its build is not read for it.
const JUST_NOW: Duration = Duration::from_secs(5 * 60);

/// How the agent's first start ended; `None` while it runs, after a reboot, and where Coder does
/// not say how it ended.
pub fn first_start(agent: &Agent) -> Option<StartupResult> {
    agent.ready_at?;
    let is_first = !agent
        .started_at?
        .is_past(agent.first_connected_at?, FIRST_START);
    let result = match agent.lifecycle {
        DbEnum::Known(Lifecycle::Ready) => StartupResult::Ready,
        DbEnum::Known(Lifecycle::StartError) => StartupResult::StartError,
        DbEnum::Known(Lifecycle::StartTimeout) => StartupResult::StartTimeout,
        _ => return None,
    };
    is_first.then_some(result)
}

/// Whether the agent's first start ended so lately that a collection may see it for the first time.
pub fn has_just_started(agent: &Agent, now: Timestamp) -> bool {
    let is_new = agent.ready_at.is_some_and(|it| !now.is_past(it, JUST_NOW));
    is_new && first_start(agent).is_some()
}

/// The duration of each phase in seconds. A phase is missing when one of its ends is unknown, or
/// when it would be negative because two clocks disagree.
pub fn phases(
    agent: &Agent,
    job: Option<&JobTimes>,
) -> impl Iterator<Item = (StartupPhase, f64)> + use<> {
    let job = job.copied().unwrap_or_default();
    let ends = [
        (StartupPhase::Queue, job.created_at, job.started_at),
        (StartupPhase::Provision, job.started_at, job.completed_at),
        (
            StartupPhase::Connect,
            agent.created_at,
            agent.first_connected_at,
        ),
        (StartupPhase::Scripts, agent.started_at, agent.ready_at),
        (StartupPhase::Total, job.created_at, agent.ready_at),
    ];
    ends.into_iter().filter_map(|(phase, from, to)| {
        let seconds = to?.seconds_since(from?);
        (seconds >= 0.0).then_some((phase, seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at};

    /// Connected at 0, scripts from `started` to `started` + 10.
    fn started(started: i64, lifecycle: Lifecycle) -> Agent {
        Agent {
            lifecycle: DbEnum::Known(lifecycle),
            created_at: Some(at(-4)),
            first_connected_at: Some(at(0)),
            started_at: Some(at(started)),
            ready_at: Some(at(started + 10)),
            ..agent()
        }
    }

    #[test]
    fn scripts_that_begin_later_than_two_minutes_are_those_of_a_reboot() {
        let ready = |seconds| first_start(&started(seconds, Lifecycle::Ready));
        assert_eq!(ready(120), Some(StartupResult::Ready));
        assert_eq!(ready(121), None);
    }

    #[test]
    fn what_coder_does_not_say_is_no_result() {
        let of = |lifecycle| first_start(&started(1, lifecycle));
        assert_eq!(of(Lifecycle::StartError), Some(StartupResult::StartError));
        let slow = of(Lifecycle::StartTimeout);
        assert_eq!(slow, Some(StartupResult::StartTimeout));
        assert_eq!(of(Lifecycle::Off), None);
        let running = Agent {
            ready_at: None,
            ..started(1, Lifecycle::Ready)
        };
        assert_eq!(first_start(&running), None);
    }

    #[test]
    fn start_that_ended_five_minutes_ago_is_news_and_no_longer() {
        let it = started(0, Lifecycle::Ready);
        assert!(has_just_started(&it, at(10 + 300)));
        assert!(!has_just_started(&it, at(10 + 301)));
    }

    #[test]
    fn phase_with_an_unknown_end_or_one_before_its_beginning_is_missing() {
        let job = JobTimes {
            created_at: Some(at(-30)),
            started_at: Some(at(-20)),
            completed_at: Some(at(-25)),
        };
        let found: Vec<_> = phases(&started(1, Lifecycle::Ready), Some(&job)).collect();
        assert_eq!(
            found,
            [
                (StartupPhase::Queue, 10.0),
                (StartupPhase::Connect, 4.0),
                (StartupPhase::Scripts, 10.0),
                (StartupPhase::Total, 41.0),
            ]
        );
        let alone = phases(&started(1, Lifecycle::Ready), None);
        assert_eq!(alone.count(), 2);
    }
}
