use proptest::prelude::*;

use crate::fleet::fixtures::{agent, at, never_connected};
use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::*;

const TICK: Duration = Duration::from_micros(1);

fn limits() -> Limits {
    Limits::default()
}

fn check(agent: &Agent, now: Timestamp, health: Health, since: Option<Timestamp>) {
    let found = assess(agent, &limits(), now);
    assert_eq!(
        (found.health, found.since),
        (health, since),
        "{agent:?} at {now:?}"
    );
}

/// An agent whose last heartbeat is always fresh, so that only its lifecycle decides.
fn beating(lifecycle: Lifecycle) -> Agent {
    Agent {
        lifecycle: DbEnum::Known(lifecycle),
        last_connected_at: Some(Timestamp::END),
        ..agent()
    }
}

#[test]
fn whatever_a_stopped_workspace_does_is_shutdown() {
    for &lifecycle in Lifecycle::ALL {
        let stopped = Agent {
            transition: DbEnum::Known(Transition::Stop),
            ..beating(lifecycle)
        };
        check(&stopped, at(0), Health::Shutdown, None);
    }
    let gone = Agent {
        transition: DbEnum::Known(Transition::Stop),
        ..agent()
    };
    check(&gone, at(86_400), Health::Shutdown, None);
}

#[test]
fn transition_nobody_has_heard_of_is_not_a_start() {
    for text in [Some("delete"), Some("migrate"), Some("START"), None] {
        let other = Agent {
            transition: DbEnum::parse(text),
            ..agent()
        };
        check(&other, at(0), Health::Shutdown, None);
    }
}

const GOING: [Lifecycle; 4] = [
    Lifecycle::ShuttingDown,
    Lifecycle::ShutdownTimeout,
    Lifecycle::ShutdownError,
    Lifecycle::Off,
];

#[test]
fn agent_that_shut_down_is_terminated_only_after_more_than_its_limit() {
    for lifecycle in GOING {
        let closed = Agent {
            disconnected_at: Some(at(1)),
            lifecycle: DbEnum::Known(lifecycle),
            ..agent()
        };
        let silent = Agent {
            disconnected_at: None,
            ..closed.clone()
        };
        for (gone, lost) in [(closed, at(1)), (silent, at(0))] {
            let limit = lost.after(Duration::from_secs(300));
            check(&gone, at(31), Health::Shutdown, None);
            check(&gone, limit, Health::Shutdown, None);
            check(&gone, limit.after(TICK), Health::Terminated, Some(lost));
            let stopped = Agent {
                transition: DbEnum::Known(Transition::Stop),
                ..gone
            };
            check(&stopped, limit.after(TICK), Health::Shutdown, None);
        }
        // While it is connected it may take as long as it wants.
        check(&beating(lifecycle), at(86_400), Health::Shutdown, None);
    }
}

#[test]
fn terminated_agent_without_a_heartbeat_was_lost_when_it_first_connected() {
    let gone = Agent {
        last_connected_at: None,
        lifecycle: DbEnum::Known(Lifecycle::Off),
        ..agent()
    };
    let since = gone.first_connected_at;
    check(&gone, at(0), Health::Terminated, since);
}

#[test]
fn row_that_never_connected_is_judged_as_such_whatever_its_lifecycle() {
    for lifecycle in GOING {
        let late = Agent {
            lifecycle: DbEnum::Known(lifecycle),
            ..never_connected()
        };
        check(&late, at(120), Health::Connecting, None);
        check(
            &late,
            at(120).after(TICK),
            Health::ConnectTimeout,
            Some(at(120)),
        );
    }
}

#[test]
fn external_agent_waits_for_its_owner_for_ever_and_is_judged_once_it_has_connected() {
    for connection_timeout_seconds in [0, 120] {
        let waiting = Agent {
            kind: Kind::External,
            connection_timeout_seconds,
            ..never_connected()
        };
        check(&waiting, at(86_400), Health::Connecting, None);
        check(&waiting, Timestamp::END, Health::Connecting, None);
    }
    for kind in [Kind::Root, Kind::Sub, Kind::Prebuild] {
        let late = Agent {
            kind,
            ..never_connected()
        };
        check(&late, at(86_400), Health::ConnectTimeout, Some(at(120)));
    }
    let lost = Agent {
        kind: Kind::External,
        ..agent()
    };
    check(&lost, at(31), Health::Disconnected, Some(at(0)));
}

#[test]
fn connecting_is_stuck_only_after_more_than_its_limit() {
    let waiting = Agent {
        connection_timeout_seconds: 0,
        ..never_connected()
    };
    let limit = at(600);
    check(&waiting, at(599), Health::Connecting, None);
    check(&waiting, limit, Health::Connecting, None);
    check(
        &waiting,
        limit.after(TICK),
        Health::StuckConnecting,
        waiting.created_at,
    );
}

#[test]
fn connect_timeout_counts_from_the_end_of_the_allowed_time() {
    let late = never_connected();
    check(&late, at(120), Health::Connecting, None);
    check(
        &late,
        at(120).after(TICK),
        Health::ConnectTimeout,
        Some(at(120)),
    );
    // Long after both limits it is still the template's limit that was broken.
    check(&late, at(86_400), Health::ConnectTimeout, Some(at(120)));
}

#[test]
fn unexpectedly_gone_agent_is_disconnected_since_its_last_heartbeat() {
    check(&agent(), at(30), Health::Healthy, None);
    check(
        &agent(),
        at(30).after(TICK),
        Health::Disconnected,
        Some(at(0)),
    );
}

#[test]
fn gone_wins_over_every_trouble_with_starting() {
    for lifecycle in [
        Lifecycle::Created,
        Lifecycle::Starting,
        Lifecycle::StartError,
    ] {
        let gone = Agent {
            lifecycle: DbEnum::Known(lifecycle),
            ..agent()
        };
        check(&gone, at(31), Health::Disconnected, Some(at(0)));
    }
}

#[test]
fn start_error_counts_from_the_best_known_moment() {
    let mut failed = beating(Lifecycle::StartError);
    check(&failed, at(0), Health::StartError, failed.ready_at);
    failed.ready_at = None;
    check(&failed, at(0), Health::StartError, failed.started_at);
    failed.started_at = None;
    check(
        &failed,
        at(0),
        Health::StartError,
        failed.first_connected_at,
    );
}

#[test]
fn created_is_stuck_only_after_more_than_its_limit() {
    let mut silent = beating(Lifecycle::Created);
    silent.first_connected_at = Some(at(0));
    check(&silent, at(119), Health::Starting, None);
    check(&silent, at(120), Health::Starting, None);
    check(
        &silent,
        at(120).after(TICK),
        Health::StuckCreated,
        Some(at(0)),
    );
}

#[test]
fn starting_is_stuck_only_after_more_than_its_limit() {
    let mut slow = beating(Lifecycle::Starting);
    slow.started_at = Some(at(0));
    check(&slow, at(1799), Health::Starting, None);
    check(&slow, at(1800), Health::Starting, None);
    check(
        &slow,
        at(1800).after(TICK),
        Health::StuckStarting,
        Some(at(0)),
    );
}

#[test]
fn starting_without_a_start_time_counts_from_the_first_connection() {
    let mut slow = beating(Lifecycle::Starting);
    slow.started_at = None;
    slow.first_connected_at = Some(at(0));
    check(&slow, at(1800), Health::Starting, None);
    check(
        &slow,
        at(1800).after(TICK),
        Health::StuckStarting,
        Some(at(0)),
    );
}

#[test]
fn slow_but_usable_and_unheard_of_states_are_healthy() {
    for name in ["ready", "start_timeout", "hibernating"] {
        let usable = Agent {
            lifecycle: DbEnum::parse(Some(name)),
            ..beating(Lifecycle::Ready)
        };
        check(&usable, at(0), Health::Healthy, None);
    }
}

/// Moments near the limits, far from them, and at the ends of time.
fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (-4000_i64..4000).prop_map(at),
        1 => any::<i64>().prop_map(Timestamp::from_unix_micros),
        1 => Just(Timestamp::BEGINNING),
        1 => Just(Timestamp::END),
    ]
}

pub(crate) fn any_agent() -> impl Strategy<Value = Agent> {
    let maybe = || prop::option::weighted(0.8, moment());
    let lifecycle = (0..=Lifecycle::ALL.len()).prop_map(|index| {
        let known = Lifecycle::ALL.get(index).map(|known| known.as_str());
        DbEnum::parse(known.or(Some("hibernating")))
    });
    (
        (maybe(), maybe(), maybe()),
        (maybe(), maybe(), maybe()),
        lifecycle,
        0_u32..300,
        prop::sample::select(Kind::ALL),
        any::<bool>(),
    )
        .prop_map(|(first, second, lifecycle, timeout, kind, stopped)| Agent {
            kind,
            transition: DbEnum::Known(if stopped {
                Transition::Stop
            } else {
                Transition::Start
            }),
            lifecycle,
            created_at: first.0,
            first_connected_at: first.1,
            last_connected_at: first.2,
            disconnected_at: second.0,
            started_at: second.1,
            ready_at: second.2,
            connection_timeout_seconds: timeout,
            ..agent()
        })
}

proptest! {
    #[test]
    fn problem_has_a_since_and_nothing_else_has(agent in any_agent(), now in moment()) {
        let found = assess(&agent, &limits(), now);
        prop_assert_eq!(found.since.is_some(), found.health.is_problem());
    }

    #[test]
    fn later_now_never_turns_disconnected_into_connected(
        agent in any_agent(), now in moment(), later in moment(),
    ) {
        let (now, later) = (now.min(later), now.max(later));
        if status(&agent, limits().inactive_timeout, now) == Status::Disconnected {
            let then = status(&agent, limits().inactive_timeout, later);
            prop_assert_eq!(then, Status::Disconnected);
        }
    }

    #[test]
    fn open_connection_with_a_heartbeat_in_the_future_is_connected(
        agent in any_agent(), now in moment(),
    ) {
        let open = agent.first_connected_at.is_some()
            && agent.disconnected_at.unwrap_or(Timestamp::BEGINNING)
                < agent.last_connected_at.unwrap_or(Timestamp::BEGINNING);
        if open && agent.last_connected_at > Some(now) {
            let found = status(&agent, limits().inactive_timeout, now);
            prop_assert_eq!(found, Status::Connected);
        }
    }

    #[test]
    fn never_connected_agent_is_connecting_or_timed_out(agent in any_agent(), now in moment()) {
        let found = status(&agent, limits().inactive_timeout, now);
        let waiting = matches!(found, Status::Connecting | Status::Timeout);
        prop_assert_eq!(waiting, agent.first_connected_at.is_none());
    }

    #[test]
    fn kind_decides_only_how_long_a_first_connection_may_take(
        agent in any_agent(), now in moment(),
    ) {
        let of = |kind| assess(&Agent { kind, ..agent.clone() }, &limits(), now);
        let root = of(Kind::Root);
        prop_assert_eq!(of(Kind::Sub), root);
        prop_assert_eq!(of(Kind::Prebuild), root);
        let external = of(Kind::External);
        if agent.first_connected_at.is_some() {
            prop_assert_eq!(external, root);
        } else {
            prop_assert!(!external.health.is_problem());
        }
    }

    #[test]
    fn agent_that_shut_down_does_not_come_back_to_shutdown_as_time_goes_on(
        agent in any_agent(), now in moment(), later in moment(),
    ) {
        let (now, later) = (now.min(later), now.max(later));
        if assess(&agent, &limits(), now).health == Health::Terminated {
            prop_assert_eq!(assess(&agent, &limits(), later).health, Health::Terminated);
        }
    }

    #[test]
    fn health_agrees_with_status_unless_a_shutdown_was_asked_for(
        agent in any_agent(), now in moment(),
    ) {
        let found = assess(&agent, &limits(), now);
        let expected = match found.health {
            Health::Shutdown => return Ok(()),
            Health::Connecting if agent.kind == Kind::External => {
                prop_assert!(agent.first_connected_at.is_none());
                return Ok(());
            }
            Health::StuckConnecting | Health::Connecting => Status::Connecting,
            Health::ConnectTimeout => Status::Timeout,
            Health::Disconnected | Health::Terminated => Status::Disconnected,
            Health::StartError | Health::StuckCreated | Health::StuckStarting
            | Health::Starting | Health::Healthy => Status::Connected,
        };
        prop_assert_eq!(found.status, expected);
    }
}
