//! Each scenario shows its events within a minute.

use std::collections::BTreeMap;

use super::event::Event;
use super::tests::{check_rows, count, problems};
use super::*;

const SEEDS: u64 = 3;

/// A scenario at real speed.
struct Run {
    fleet: Fleet,
    tables: Tables,
    now: Time,
    messages: Vec<Message>,
}

impl Run {
    fn new(scenario: Scenario, seed: u64) -> Self {
        let (fleet, tables, now) = Fleet::of(200, seed, scenario, Pace::REAL);
        Self {
            fleet,
            tables,
            now,
            messages: Vec::new(),
        }
    }

    fn go_on(&mut self, seconds: Time) -> BTreeMap<Word, usize> {
        for _ in 0..seconds {
            self.now += 1;
            let changes = self.fleet.tick(self.now);
            self.tables.apply(&changes, self.now);
            self.messages.extend(changes.messages);
        }
        self.tables.prune();
        check_rows(&self.tables, self.now);
        self.counts()
    }

    fn counts(&self) -> BTreeMap<Word, usize> {
        count(&self.tables, self.now)
    }

    fn has_said(&self, part: &str) -> usize {
        let said = self.messages.iter().filter(|it| it.text.contains(part));
        said.count()
    }

    /// Number of chats of running workspaces that are bound to an agent of an earlier build.
    fn stale(&self) -> usize {
        let workspaces = self.fleet.workspaces.iter();
        let current: BTreeMap<_, _> = workspaces
            .filter_map(|it| Some((it.id, it.agents.first()?.id)))
            .collect();
        let is_stale = |chat: &&ChatRow| {
            let workspace = chat.workspace_id.and_then(|id| current.get(&id));
            let bound = chat.agent_id.zip(workspace);
            bound.is_some_and(|(bound, current)| bound != *current)
        };
        self.tables.chats.values().filter(is_stale).count()
    }
}

fn of(counts: &BTreeMap<Word, usize>, health: Word) -> usize {
    counts.get(health).copied().unwrap_or_default()
}

#[test]
fn calm_fleet_has_no_problem_at_the_start_and_hardly_one_later() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Calm, seed);
        assert_eq!(problems(&run.counts()), 0, "{:?}", run.counts());
        for _ in 0..30 {
            let counts = run.go_on(60);
            let agents: usize = counts.values().sum();
            assert!(problems(&counts) * 50 <= agents, "{counts:?}");
        }
        assert!(run.messages.len() > 100, "the fleet is not at work");
    }
}

#[test]
fn outage_takes_a_template_and_then_a_kind_of_machine_and_gives_them_back() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Outage, seed);
        assert_eq!(problems(&run.counts()), 0);
        let counts = run.go_on(60);
        assert!(of(&counts, "disconnected") >= 10, "{counts:?}");
        assert_eq!(problems(&counts), of(&counts, "disconnected"));
        assert_eq!(run.has_said("The incident to find: lost, template"), 1);
        let counts = run.go_on(4 * 60);
        assert!(problems(&counts) <= 4, "{counts:?}");
        run.go_on(2 * 60);
        assert_eq!(run.has_said("The incident to find: lost, resource_type"), 1);
    }
}

#[test]
fn machines_that_are_resumed_stick_in_created_or_report_again() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Stuck, seed);
        let before = of(&run.counts(), "stuck_created");
        assert!(before >= 3, "{:?}", run.counts());
        assert_eq!(problems(&run.counts()), before);
        let counts = run.go_on(4 * 60);
        assert!(of(&counts, "stuck_created") > before, "{counts:?}");
        assert_eq!(problems(&counts), of(&counts, "stuck_created"));
    }
}

#[test]
fn half_of_a_template_is_rebuilt_in_vain_and_then_repaired() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Rebuild, seed);
        assert_eq!(problems(&run.counts()), 0, "{:?}", run.counts());
        let stale = run.stale();
        let counts = run.go_on(5 * 60);
        assert!(of(&counts, "connect_timeout") >= 3, "{counts:?}");
        assert_eq!(problems(&counts), of(&counts, "connect_timeout"));
        assert!(run.stale() > stale + 3, "{} after {stale}", run.stale());
        assert_eq!(run.has_said("a rolling rebuild"), 1);
        assert!(run.has_said(" is rebuilt") >= 3);
        let counts = run.go_on(10 * 60);
        assert_eq!(run.has_said("repairs what was broken"), 1);
        assert!(problems(&counts) <= 4, "{counts:?}");
    }
}

/// Rows of replicas, and how many of them gave a sign of life within 30 s.
fn replicas(run: &Run) -> (usize, usize) {
    let rows = run.tables.replicas.values();
    let alive = rows.filter(|row| run.now - row.updated_at <= 30);
    (run.tables.replicas.len(), alive.count())
}

#[test]
fn replica_that_crashes_leaves_its_rows_as_they_were() {
    let mut run = Run::new(Scenario::Replica, 4);
    let before = run.tables.clone();
    let mut moment = run.now;
    while run.has_said("crashed") == 0 {
        moment += 1;
        run.go_on(1);
    }
    let counts = run.go_on(80);
    assert_eq!(replicas(&run), (3, 2));
    let gone = run.tables.replicas.values();
    let gone = gone.min_by_key(|row| row.updated_at).unwrap().id;
    let agents = run.tables.agents.values();
    let held = agents.filter(|row| row.last_connected_replica_id == Some(gone) && !row.deleted);
    let silent = held.filter(|row| {
        // The row has no end: the last heartbeat counts.
        let was_lost_before = before.agents.get(&row.id).is_some_and(|it| {
            it.disconnected_at >= it.last_connected_at && it.last_connected_at.is_some()
        });
        !was_lost_before && row.last_connected_at <= Some(moment)
    });
    let silent: Vec<_> = silent.collect();
    assert!(silent.len() > 20, "{}", silent.len());
    let is_closed = |row: &&&AgentRow| row.disconnected_at >= row.last_connected_at;
    let closed = silent.iter().filter(is_closed).count();
    assert!(closed * 10 < silent.len(), "{closed} of {}", silent.len());
    assert!(of(&counts, "disconnected") > 20, "{counts:?}");

    // A new coderd on the host, and agents that found another; the row stays for half an hour.
    let counts = run.go_on(120);
    assert!(problems(&counts) <= 2, "{counts:?}");
    assert_eq!(replicas(&run), (4, 3));
    run.go_on(26 * 60);
    assert!(run.tables.replicas.contains_key(&gone));
    run.go_on(2 * 60);
    assert!(!run.tables.replicas.contains_key(&gone));
}

#[test]
fn nothing_is_written_while_coder_is_down() {
    let mut run = Run::new(Scenario::CoderDown, 4);
    while run.has_said("all of Coder crashed") == 0 {
        run.go_on(1);
    }
    let mut last = run.now;
    for _ in 0..90 {
        run.now += 1;
        let changes = run.fleet.tick(run.now);
        assert_eq!(changes, Changes::default(), "at {}", run.now);
        last = run.now;
    }
    let rows = run.tables.replicas.values();
    assert!(rows.clone().all(|row| last - row.updated_at > 80));
    let counts = run.go_on(60);
    assert_eq!(replicas(&run), (6, 3));
    assert!(problems(&counts) <= 2, "{counts:?}");
}

#[test]
fn job_of_a_coderd_that_crashed_is_ended_when_coder_has_heard_nothing_for_five_minutes() {
    let mut run = Run::new(Scenario::CoderDown, 4);
    run.go_on(10);
    let mut changes = Changes::default();
    for _ in 0..10 {
        run.fleet.event(Event::Update, run.now, &mut changes);
    }
    run.tables.apply(&changes, run.now);
    while run.has_said("all of Coder crashed") == 0 {
        run.go_on(1);
    }
    let jobs = run.tables.jobs.values();
    let running = jobs.filter(|job| job.started_at.is_some() && job.completed_at.is_none());
    let running: Vec<_> = running.map(|job| job.id).collect();
    assert!(running.len() >= 3, "{}", running.len());
    let errors = |run: &Run| -> Vec<_> {
        let jobs = running.iter().map(|id| &run.tables.jobs[id]);
        jobs.map(|job| job.error.is_some_and(|it| it.contains("hung")))
            .collect()
    };
    run.go_on(350);
    assert!(!errors(&run).contains(&true));
    // Coder is down once more in the meantime.
    run.go_on(150);
    assert!(!errors(&run).contains(&false));
}

#[test]
fn bad_version_spreads_as_people_restart_until_it_is_repaired() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::BadVersion, seed);
        let counts = run.go_on(3 * 60);
        let early = of(&counts, "start_error");
        let counts = run.go_on(7 * 60);
        let late = of(&counts, "start_error");
        assert!(late > early && late >= 5, "{early}, then {late}");
        assert_eq!(problems(&counts), late, "{counts:?}");
        let counts = run.go_on(5 * 60);
        assert!(problems(&counts) <= 2, "{counts:?}");
    }
}

#[test]
fn same_seed_tells_the_same_story_in_every_scenario() {
    let story = |scenario| {
        let (mut fleet, tables, now) = Fleet::of(50, 3, scenario, Pace::REAL);
        let changes: Vec<Changes> = (1..90).map(|second| fleet.tick(now + second)).collect();
        (tables.rows(), changes)
    };
    for scenario in Scenario::ALL {
        assert!(story(scenario) == story(scenario), "{scenario:?}");
    }
    assert!(story(Scenario::Calm) != story(Scenario::Outage));
}

#[test]
fn scenarios_of_any_size_live() {
    for scenario in Scenario::ALL {
        for size in [0, 1, 3, 25] {
            let (mut fleet, _, now) = Fleet::of(size, 9, scenario, Pace::new(50.0));
            for tick in 1..200 {
                let _ = fleet.tick(now + tick * 10);
            }
        }
    }
}
