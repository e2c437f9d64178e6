use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::fixtures::{agent, at, fleet_of};
use crate::fleet::model::agent::{Agent, Lifecycle, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::startup::JobTimes;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::transitions::Transitions;
use crate::service_level::*;

#[derive(Default)]
struct Story {
    level: ServiceLevel,
    transitions: Transitions,
}

impl Story {
    /// A collection at `seconds` with these agents.
    fn collect(&mut self, seconds: i64, agents: Vec<Agent>) -> &mut Self {
        self.collect_with(seconds, agents, JobTimes::default())
    }

    fn collect_with(&mut self, seconds: i64, agents: Vec<Agent>, job: JobTimes) -> &mut Self {
        let mut snapshot = fleet_of(agents).snapshot;
        snapshot.now = at(seconds);
        snapshot.startup_jobs = Some(HashMap::from([(agent().id, job)]));
        let fleet = FleetStats::of(snapshot, &Limits::default());
        let mut interval = self.level.begin(&fleet);
        self.transitions
            .observe(&fleet, |sight| interval.see(&fleet, &sight));
        self.level.add(&fleet, interval);
        self
    }

    /// Expected seconds, and those of this health class.
    fn seconds(&self, health: Health) -> (f64, f64) {
        let all: Vec<_> = self.level.seconds().collect();
        let expected = all.iter().map(|(_, _, it)| it.expected).sum();
        let unavailable = all.iter().map(|(_, _, it)| it.unavailable[health]).sum();
        (expected, unavailable)
    }

    fn disconnected(&self) -> (f64, f64) {
        self.seconds(Health::Disconnected)
    }

    /// What was observed of start-ups: phase, result, number and sum.
    fn startups(&self) -> Vec<(StartupPhase, StartupResult, u64, f64)> {
        let startups = self.level.startups();
        startups
            .map(|(it, seconds)| (it.phase, it.result, seconds.count(), seconds.sum()))
            .collect()
    }
}

/// Alive whenever it is looked at.
fn alive() -> Agent {
    Agent {
        last_connected_at: Some(at(1_000_000)),
        ..agent()
    }
}

/// Lost at `seconds`; its connection was closed.
fn lost(seconds: i64) -> Agent {
    Agent {
        last_connected_at: Some(at(seconds)),
        disconnected_at: Some(at(seconds)),
        ..agent()
    }
}

#[test]
fn first_collection_adds_nothing_and_has_its_series() {
    let mut story = Story::default();
    story.collect(0, vec![lost(-60)]);
    assert_eq!(story.disconnected(), (0.0, 0.0));
    assert_eq!(story.level.seconds().count(), 1);
}

#[test]
fn loss_counts_from_its_beginning_whenever_it_is_found() {
    for interval in [10, 15, 30, 60] {
        let mut story = Story::default();
        for seconds in (0..=600).step_by(interval) {
            let is_lost = (230..530).contains(&seconds);
            let it = if is_lost { lost(200) } else { alive() };
            story.collect(seconds as i64, vec![it]);
        }
        let (expected, unavailable) = story.disconnected();
        assert_eq!(expected, 600.0);
        // The last part, at most an interval, is after the last collection that saw it.
        let late = 330.0 - unavailable;
        assert!(
            (0.0..=interval as f64).contains(&late),
            "{interval}: {unavailable}"
        );
    }
}

#[test]
fn time_before_a_problem_was_found_is_added_once_and_at_most_five_minutes_of_it() {
    let mut story = Story::default();
    story.collect(0, vec![alive()]);
    story.collect(10, vec![lost(-20)]);
    assert_eq!(story.disconnected(), (10.0, 30.0));
    story.collect(20, vec![lost(-20)]);
    assert_eq!(story.disconnected(), (20.0, 40.0));

    let mut story = Story::default();
    story.collect(0, vec![alive()]);
    story.collect(10, vec![lost(-1000)]);
    assert_eq!(story.disconnected(), (10.0, 310.0));
}

#[test]
fn problem_that_becomes_another_one_adds_no_earlier_time_again() {
    let mut story = Story::default();
    story.collect(0, vec![alive()]);
    story.collect(10, vec![lost(5)]);
    let failed = Agent {
        lifecycle: DbEnum::Known(Lifecycle::StartError),
        ready_at: Some(at(-100)),
        ..alive()
    };
    story.collect(20, vec![failed]);
    assert_eq!(story.disconnected(), (20.0, 5.0));
    assert_eq!(story.seconds(Health::StartError), (20.0, 10.0));
}

#[test]
fn since_in_the_future_adds_nothing() {
    let mut story = Story::default();
    let failed = Agent {
        lifecycle: DbEnum::Known(Lifecycle::StartError),
        ready_at: Some(at(500)),
        ..alive()
    };
    story.collect(0, vec![alive()]).collect(10, vec![failed]);
    assert_eq!(story.seconds(Health::StartError), (10.0, 0.0));
}

#[test]
fn stopped_workspace_is_not_expected() {
    let mut story = Story::default();
    let stopped = Agent {
        transition: DbEnum::Known(Transition::Stop),
        ..alive()
    };
    story.collect(0, vec![alive()]).collect(10, vec![stopped]);
    assert_eq!(story.disconnected(), (0.0, 0.0));
}

#[test]
fn five_minutes_count_and_anything_longer_is_unobserved() {
    let mut story = Story::default();
    story.collect(0, vec![alive()]).collect(300, vec![alive()]);
    assert_eq!(story.disconnected(), (300.0, 0.0));
    assert_eq!(story.level.unobserved_seconds(), 0.0);
    // Neither the gap nor the time before it is added to the problem afterwards.
    story.collect(601, vec![lost(590)]);
    assert_eq!(story.disconnected(), (300.0, 0.0));
    assert_eq!(story.level.unobserved_seconds(), 301.0);
    story.collect(611, vec![lost(590)]);
    assert_eq!(story.disconnected(), (310.0, 10.0));
}

#[test]
fn clock_that_does_not_go_forward_adds_nothing() {
    let mut story = Story::default();
    story.collect(1000, vec![alive()]);
    // Equal, then a server that is 2 s behind: no second counts twice.
    for seconds in [1000, 998, 1010] {
        story.collect(seconds, vec![alive()]);
    }
    assert_eq!(story.disconnected(), (10.0, 0.0));
    // Far behind: time goes on from there.
    for seconds in [100, 110] {
        story.collect(seconds, vec![alive()]);
    }
    assert_eq!(story.disconnected(), (20.0, 0.0));
    assert_eq!(story.level.unobserved_seconds(), 0.0);
}

/// Its row was created at 0, scripts ran from 20 to 50.
fn starting(is_ready: bool) -> Agent {
    let lifecycle = match is_ready {
        true => Lifecycle::Ready,
        false => Lifecycle::Starting,
    };
    Agent {
        lifecycle: DbEnum::Known(lifecycle),
        created_at: Some(at(0)),
        first_connected_at: Some(at(15)),
        started_at: Some(at(20)),
        ready_at: is_ready.then(|| at(50)),
        ..alive()
    }
}

const RESULT: StartupResult = StartupResult::Ready;

#[test]
fn first_start_is_observed_once_with_every_phase() {
    let job = JobTimes {
        created_at: Some(at(-40)),
        started_at: Some(at(-37)),
        completed_at: Some(at(1)),
    };
    let mut story = Story::default();
    story.collect(45, vec![starting(false)]);
    for seconds in [60, 75] {
        story.collect_with(seconds, vec![starting(true)], job);
    }
    assert_eq!(
        story.startups(),
        [
            (StartupPhase::Queue, RESULT, 1, 3.0),
            (StartupPhase::Provision, RESULT, 1, 38.0),
            (StartupPhase::Connect, RESULT, 1, 15.0),
            (StartupPhase::Scripts, RESULT, 1, 30.0),
            (StartupPhase::Total, RESULT, 1, 90.0),
        ]
    );
}

#[test]
fn reboot_is_no_start_up_even_within_two_minutes() {
    let rebooting = Agent {
        started_at: Some(at(80)),
        ..starting(false)
    };
    let rebooted = Agent {
        ready_at: Some(at(85)),
        lifecycle: DbEnum::Known(Lifecycle::Ready),
        ..rebooting.clone()
    };
    let mut story = Story::default();
    for (seconds, it) in [
        (45, starting(false)),
        (60, starting(true)),
        (82, rebooting),
        (90, rebooted),
    ] {
        story.collect(seconds, vec![it]);
    }
    assert_eq!(story.startups().len(), 2);
    assert!(story.startups().iter().all(|it| it.2 == 1));
}

#[test]
fn start_between_two_collections_is_observed_and_one_before_the_first_is_not() {
    let mut story = Story::default();
    story.collect(60, vec![starting(true)]);
    assert_eq!(story.startups(), []);
    // Row, connection and scripts since the collection before.
    let mut story = Story::default();
    story.collect(-1, vec![]).collect(60, vec![starting(true)]);
    assert_eq!(story.startups().len(), 2);
    // A row that was there already and only came into the population.
    let mut story = Story::default();
    let other = Agent {
        id: Uuid::from_u128(9),
        ..alive()
    };
    story
        .collect(0, vec![other])
        .collect(60, vec![starting(true)]);
    assert_eq!(story.startups(), []);
}

#[test]
fn scripts_that_failed_are_observed_with_their_result() {
    let failed = Agent {
        lifecycle: DbEnum::Known(Lifecycle::StartError),
        ..starting(true)
    };
    let mut story = Story::default();
    story.collect(45, vec![starting(false)]);
    story.collect(60, vec![failed]);
    let found = story.startups();
    let results: Vec<_> = found.iter().map(|it| it.1).collect();
    assert_eq!(results, [StartupResult::StartError; 2]);
}
