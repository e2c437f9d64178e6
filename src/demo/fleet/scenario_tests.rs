//! Each scenario shows its events within a minute.

use std::collections::BTreeMap;

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
fn outage_takes_much_of_a_template_and_a_host_and_gives_them_back() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Outage, seed);
        assert_eq!(problems(&run.counts()), 0);
        let counts = run.go_on(60);
        assert!(of(&counts, "disconnected") >= 10, "{counts:?}");
        assert_eq!(problems(&counts), of(&counts, "disconnected"));
        assert_eq!(run.has_said("stopped sending heartbeats"), 1);
        assert_eq!(run.has_said("the host node-"), 1);
        let counts = run.go_on(4 * 60);
        assert!(problems(&counts) <= 4, "{counts:?}");
        run.go_on(2 * 60);
        assert_eq!(run.has_said("stopped sending heartbeats"), 2);
    }
}

#[test]
fn machines_that_are_resumed_stick_in_created_or_report_again() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Stuck, seed);
        let before = of(&run.counts(), "stuck_created");
        assert!(before >= 3, "{:?}", run.counts());
        assert_eq!(problems(&run.counts()), before);
        let counts = run.go_on(60);
        assert!(of(&counts, "stuck_created") > before, "{counts:?}");
        run.go_on(4 * 60);
        assert!(run.has_said("the agent stays in created") >= 2);
        assert!(run.has_said("the agent reports again") >= 1);
    }
}

#[test]
fn rebuild_comes_in_waves_and_is_no_problem() {
    for seed in 0..SEEDS {
        let mut run = Run::new(Scenario::Rebuild, seed);
        assert_eq!(problems(&run.counts()), 0, "{:?}", run.counts());
        let (stale, shut_down) = (run.stale(), of(&run.counts(), "shutdown"));
        let mut most_moving = 0;
        for _ in 0..12 {
            let counts = run.go_on(10);
            assert_eq!(problems(&counts), 0, "{counts:?}");
            let moving = of(&counts, "starting") + of(&counts, "connecting");
            most_moving = most_moving.max(moving + of(&counts, "shutdown"));
        }
        assert!(most_moving > shut_down + 2, "{most_moving}");
        assert!(run.stale() > stale + 3, "{} after {stale}", run.stale());
        assert_eq!(run.has_said("a rolling rebuild"), 1);
        assert!(run.has_said(" is rebuilt") >= 5);
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
