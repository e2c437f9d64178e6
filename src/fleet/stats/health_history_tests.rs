use crate::error::{ErrorKind, Failure};
use crate::fleet::fixtures::{agent, at, fleet_of};
use crate::fleet::stats::collection::{CollectorReport, Outcome};
use crate::fleet::stats::health_history::*;

/// A collection at `seconds` with this number of agents; those for which `lost` holds are lost.
fn collection(seconds: i64, agents: u128, lost: impl Fn(u128) -> bool) -> CollectionResult {
    let agents = (1..=agents).map(|number| {
        let silence = if lost(number) { 3600 } else { 0 };
        Agent {
            id: Uuid::from_u128(number),
            last_connected_at: Some(at(seconds - silence)),
            ..agent()
        }
    });
    let mut snapshot = fleet_of(agents.collect()).snapshot;
    snapshot.now = at(seconds);
    CollectionResult {
        fleet: Ok(FleetStats::of(snapshot, &Default::default())),
        reports: vec![CollectorReport {
            collector: Collector::Agents,
            outcome: Outcome::Loaded {
                duration: Duration::ZERO,
                rows: 0,
            },
        }],
        clock_skew_seconds: Some(0.0),
    }
}

fn failed() -> CollectionResult {
    let failure = Failure::new(ErrorKind::Connect, "refused");
    CollectionResult::failed(failure, [Collector::Agents])
}

#[derive(Default)]
struct Story {
    health_history: HealthHistory,
    transitions: Transitions,
}

impl Story {
    fn of(collections: impl IntoIterator<Item = CollectionResult>) -> Self {
        let mut story = Self::default();
        collections.into_iter().for_each(|it| story.follow(&it, 0));
        story
    }

    fn follow(&mut self, collection: &CollectionResult, now: i64) {
        self.health_history
            .follow(collection, &mut self.transitions, at(now), |_| {});
    }

    fn events(&self, now: i64) -> Vec<(Health, u64, Timestamp, Timestamp)> {
        let events = self
            .health_history
            .events(Duration::from_secs(3600), at(now));
        let rows = events.iter().map(|it| (it.to, it.count, it.first, it.last));
        rows.collect()
    }
}

#[test]
fn loss_and_return_of_an_agent_are_two_changes_of_it() {
    let story = Story::of([
        collection(0, 2, |_| false),
        collection(10, 2, |it| it == 1),
        collection(20, 2, |_| false),
    ]);
    let changes: Vec<_> = story
        .health_history
        .changes_of(Uuid::from_u128(1))
        .collect();
    let rows = changes.iter().map(|it| (it.at, it.from, it.to));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            (at(20), Health::Disconnected, Health::Healthy),
            (at(10), Health::Healthy, Health::Disconnected),
        ]
    );
    assert_eq!(&*changes[0].scope.template, "docker");
    let other = story.health_history.changes_of(Uuid::from_u128(2));
    assert_eq!(other.count(), 0);
}

#[test]
fn losses_close_together_are_one_event_and_later_ones_another() {
    let story = Story::of([
        collection(0, 9, |_| false),
        collection(10, 9, |it| it <= 3),
        collection(310, 9, |it| it <= 5),
        collection(611, 9, |it| it <= 6),
    ]);
    let lost = Health::Disconnected;
    assert_eq!(
        story.events(700),
        [(lost, 1, at(611), at(611)), (lost, 5, at(10), at(310))]
    );
    assert_eq!(story.events(611 + 3600), [(lost, 1, at(611), at(611))]);
    assert_eq!(story.events(611 + 3601), []);
    let events = story
        .health_history
        .events(Duration::from_secs(3600), at(700));
    assert_eq!(story.health_history.changes_in(&events[1]).count(), 5);
}

#[test]
fn loss_of_a_whole_fleet_is_counted_in_full_and_kept_in_part() {
    let mut story = Story::of([
        collection(0, 5000, |_| false),
        collection(1, 5000, |it| it == 7),
    ]);
    story.follow(&collection(2, 5000, |_| true), 0);
    let total: u64 = story.events(2).iter().map(|it| it.1).sum();
    assert_eq!(total, 5000);
    let kept = story.health_history.changes.len();
    assert_eq!(kept, 1 + CHANGES_OF_A_COLLECTION);
    assert_eq!(story.health_history.dropped(), 5000 - kept as u64);
    assert_eq!(
        story.health_history.changes_of(Uuid::from_u128(7)).count(),
        1
    );
}

#[test]
fn memory_is_bounded_whatever_the_fleet_does() {
    let mut story = Story::default();
    for round in 0..800 {
        story.follow(&collection(round * 60, 3, |_| round % 2 == 0), 0);
    }
    let health_history = &story.health_history;
    assert_eq!(health_history.changes.len(), CHANGES);
    assert_eq!(health_history.change_counts.len(), CHANGE_COUNTS);
    assert_eq!(health_history.points.len(), POINTS);
    assert_eq!(health_history.dropped(), 799 * 3 - CHANGES as u64);
}

#[test]
fn minute_has_one_point_and_gaps_stay_gaps() {
    let story = Story::of([
        collection(0, 3, |_| false),
        collection(59, 3, |_| true),
        failed(),
        collection(600, 3, |it| it == 1),
    ]);
    let points: Vec<_> = story.health_history.points().collect();
    assert_eq!(points.len(), 2);
    assert_eq!((points[0].at, points[0].problems()), (at(0), 3));
    assert_eq!((points[1].at, points[1].problems()), (at(600), 1));
    assert_eq!(points[1].count(Health::Healthy), 2);
}

#[test]
fn points_older_than_six_hours_are_forgotten_after_a_gap_too() {
    let hours = 6 * 3600;
    let story = Story::of([
        collection(0, 1, |_| false),
        collection(60, 1, |_| false),
        collection(hours, 1, |_| false),
    ]);
    let moments: Vec<_> = story.health_history.points().map(|it| it.at).collect();
    assert_eq!(moments, [at(60), at(hours)]);
}

#[test]
fn unknown_lasts_from_the_first_collection_that_fails_to_the_next_that_knows() {
    let mut story = Story::of([collection(0, 1, |_| false)]);
    assert_eq!(story.health_history.unknown_since(), None);
    story.follow(&failed(), 13);
    story.follow(&failed(), 17);
    assert_eq!(story.health_history.unknown_since(), Some(at(13)));
    assert_eq!(story.health_history.last_known(), Some(at(0)));
    // Another reader's wish says nothing of the agents.
    let failure = Failure::new(ErrorKind::Connect, "refused");
    let mut other = Story::default();
    other.follow(&CollectionResult::failed(failure, [Collector::Apps]), 13);
    assert_eq!(other.health_history.unknown_since(), None);
    story.follow(&collection(20, 1, |_| true), 20);
    assert_eq!(story.health_history.unknown_since(), None);
    // Compared across what was unknown.
    assert_eq!(story.events(20).len(), 1);
}

#[test]
fn agent_of_a_new_build_heals_the_one_that_it_replaces() {
    let of_build = |number: u128, seconds: i64, silence: i64| {
        let one = Agent {
            id: Uuid::from_u128(number),
            last_connected_at: Some(at(seconds - silence)),
            ..agent()
        };
        let mut snapshot = fleet_of(vec![one]).snapshot;
        snapshot.now = at(seconds);
        let mut collection = collection(seconds, 0, |_| false);
        collection.fleet = Ok(FleetStats::of(snapshot, &Default::default()));
        collection
    };
    let story = Story::of([of_build(1, 0, 3600), of_build(2, 60, 0), of_build(2, 90, 0)]);
    let healed = [(Health::Healthy, 1, at(60), at(60))];
    assert_eq!(story.events(90), healed);
    let changes = story.health_history.changes_of(Uuid::from_u128(2));
    let rows: Vec<_> = changes.map(|it| (it.from, it.to)).collect();
    assert_eq!(rows, [(Health::Disconnected, Health::Healthy)]);
    // One of another name, or in another workspace, is no successor.
    let mut other = of_build(3, 60, 0);
    let fleet = other.fleet.as_mut().unwrap();
    fleet.snapshot.agents.as_mut().unwrap()[0].name = "other".into();
    assert_eq!(Story::of([of_build(1, 0, 3600), other]).events(90), []);
}

#[test]
fn problem_began_when_its_row_says_and_not_when_it_was_found() {
    let story = Story::of([
        collection(0, 1, |_| false),
        collection(4000, 1, |it| it == 1),
    ]);
    let window = Duration::from_secs(3600);
    let events = story.health_history.events(window, at(4000));
    assert_eq!(events[0].last, at(4000));
    assert_eq!(events[0].began, at(400));
    let gaps = story.health_history.gaps(window, at(4000));
    assert_eq!(gaps, [(at(0), at(4000))]);
    assert_eq!(story.health_history.gaps(window, at(4000 + 3601)), []);
    let close = Story::of([collection(0, 1, |_| false), collection(180, 1, |_| false)]);
    assert_eq!(close.health_history.gaps(window, at(200)), []);
}
