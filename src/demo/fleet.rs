//! The simulated fleet: a deterministic state machine with a seed.
//!
//! Pure: the time is an argument, in seconds since the simulation began, and the results are rows
//! and ids. The same code simulates the hours before the demo ([`History`]) and the demo itself, at
//! the speed of its [`Pace`]. So a new demo already has old builds, and problems of every age. The
//! events of each scenario are one table in `scenario`.

mod act;
mod agent;
mod apps;
mod build;
mod context;
mod event;
mod history;
mod outcome;
mod pace;
#[cfg(test)]
mod resume_tests;
mod rng;
mod rows;
mod scenario;
#[cfg(test)]
mod scenario_tests;
mod seed_data;
#[cfg(test)]
mod speed_tests;
mod tables;
#[cfg(test)]
mod tests;
mod workspace;

use std::collections::{BTreeMap, VecDeque};

use build::{Stage, Wish};
use context::Context;
use event::Event;
pub use history::History;
use outcome::StartOutcome;
pub use pace::Pace;
use rng::Rng;
pub use rows::{
    Agent as AgentRow, App as AppRow, Build as BuildRow, Changes, Chat as ChatRow, Job as JobRow,
    JobOutcome, Message, Resource as ResourceRow, Rows, Time, Weight, Word,
    Workspace as WorkspaceRow,
};
pub use scenario::Scenario;
use scenario::{ScenarioPlan, Stream};
pub(in crate::demo) use seed_data::CODER_VERSION;
pub use seed_data::{Daemon, Named, SeedData, Template};
use seed_data::{PEOPLE, WORKSPACE_NAMES};
pub use tables::Tables;
use workspace::Workspace;

/// The fleet size that the intervals are for. A larger fleet has more events.
const NOMINAL_SIZE: Time = 200;
/// Percentage of workspaces that are usually stopped.
const STOPPED_PERCENT: usize = 12;
/// Number of deleted workspaces whose rows are kept.
const KEPT_DELETED: usize = 12;

/// From one sign of life of Coder itself to the next, by the clock.
const CODER_HEARTBEAT_INTERVAL: Time = 5;

/// Simulated time before the demo begins, in seconds.
const HISTORY: Time = 6 * 3600;

/// The fleet and its planned events.
#[derive(Debug)]
pub struct Fleet {
    plan: &'static ScenarioPlan,
    pace: Pace,
    seed_data: SeedData,
    rng: Rng,
    workspaces: Vec<Workspace>,
    names: BTreeMap<(usize, usize), usize>,
    /// Deleted workspaces whose rows still exist, oldest first.
    deleted: VecDeque<Workspace>,
    next_work_ms: Time,
    next_trouble_ms: Time,
    next_act: Time,
    next_coder_heartbeat: Time,
}

impl Fleet {
    /// The fleet after the complete history.
    #[cfg(test)]
    pub(in crate::demo) fn with_history(size: usize, seed: u64) -> (Self, Tables, Time) {
        Self::of(size, seed, Scenario::All, Pace::REAL)
    }

    /// As `with_history`, for any scenario and pace.
    #[cfg(test)]
    pub(in crate::demo) fn of(
        size: usize,
        seed: u64,
        scenario: Scenario,
        pace: Pace,
    ) -> (Self, Tables, Time) {
        let mut history = History::new(size, seed, scenario);
        while history.step() {}
        history.end(pace)
    }

    /// The rows that exist before the first workspace and must be inserted first.
    #[must_use]
    pub fn seed_data(&self) -> &SeedData {
        &self.seed_data
    }

    /// Simulates from the last tick until `now`.
    #[must_use]
    pub fn tick(&mut self, now: Time) -> Changes {
        let mut changes = Changes::default();
        if self.next_coder_heartbeat <= now {
            changes.coder_beats = true;
            self.next_coder_heartbeat = now + self.pace.of_clock(CODER_HEARTBEAT_INTERVAL);
        }
        for index in 0..self.workspaces.len() {
            let (workspace, mut cx) = self.at(index, now, &mut changes);
            workspace.tick(&mut cx);
            if matches!(workspace.stage, Stage::Deleted) {
                self.bury(index, now, &mut changes);
            }
        }
        self.work(now, &mut changes);
        self.trouble(now, &mut changes);
        self.act(now, &mut changes);
        changes
    }

    fn new(size: usize, seed: u64, scenario: Scenario) -> Self {
        let mut rng = Rng::new(seed);
        let plan = scenario.plan();
        Self {
            plan,
            pace: Pace::REAL,
            seed_data: SeedData::new(&mut rng),
            rng,
            workspaces: Vec::with_capacity(size),
            names: BTreeMap::new(),
            deleted: VecDeque::new(),
            next_work_ms: plan.work.begins * 1000,
            next_trouble_ms: plan.trouble.begins * 1000,
            next_act: plan.act.as_ref().map_or(Time::MAX, |act| act.begins),
            next_coder_heartbeat: 0,
        }
    }

    fn change_pace(&mut self, now: Time, pace: Pace) {
        self.pace = pace;
        self.next_coder_heartbeat = now;
        let agents = self.workspaces.iter_mut();
        for agent in agents.flat_map(|workspace| &mut workspace.agents) {
            agent.change_pace(now, pace);
        }
    }

    /// Creates the first workspaces. Most of them start within the first minutes.
    fn found(&mut self, size: usize, now: Time) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..size {
            let mut workspace = self.create(now, &mut changes);
            if !self.rng.percent(STOPPED_PERCENT) {
                let at = now + self.rng.within(1..900);
                workspace.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
            }
            self.workspaces.push(workspace);
        }
        changes
    }

    fn create(&mut self, now: Time, changes: &mut Changes) -> Workspace {
        let owner = self.rng.below(PEOPLE.len());
        let base = self.rng.below(WORKSPACE_NAMES.len());
        let count = self.names.entry((owner, base)).or_default();
        *count += 1;
        let name = match *count {
            1 => WORKSPACE_NAMES[base].to_owned(),
            count => format!("{}-{count}", WORKSPACE_NAMES[base]),
        };
        let template = event::template(&mut self.rng);
        let mut cx = Context {
            now,
            pace: self.pace,
            seed_data: &self.seed_data,
            rng: &mut self.rng,
            changes,
        };
        Workspace::new(owner, name, template, &mut cx)
    }

    fn at<'a>(
        &'a mut self,
        index: usize,
        now: Time,
        changes: &'a mut Changes,
    ) -> (&'a mut Workspace, Context<'a>) {
        let cx = Context {
            now,
            pace: self.pace,
            seed_data: &self.seed_data,
            rng: &mut self.rng,
            changes,
        };
        (&mut self.workspaces[index], cx)
    }

    fn work(&mut self, now: Time, changes: &mut Changes) {
        if self.next_work_ms > now * 1000 {
            return;
        }
        // Counted once a tick: to count a large fleet for each event is most of the work.
        let has_many_stopped = self.has_many_stopped();
        let Stream {
            kinds, interval, ..
        } = &self.plan.work;
        while self.next_work_ms <= now * 1000 {
            self.next_work_ms += self.interval(*interval);
            let event = match self.rng.weighted(kinds) {
                // Whichever brings the fleet back to its usual share.
                Event::Stop | Event::Start if has_many_stopped => Event::Start,
                Event::Start => Event::Stop,
                other => other,
            };
            self.event(event, now, changes);
        }
    }

    fn trouble(&mut self, now: Time, changes: &mut Changes) {
        if self.next_trouble_ms > now * 1000 {
            return;
        }
        let agents = self
            .workspaces
            .iter()
            .flat_map(|workspace| &workspace.agents);
        let (all, mut broken) = agents.fold((0, 0), |(all, broken), agent| {
            (all + 1, broken + usize::from(agent.is_broken()))
        });
        let Stream {
            kinds, interval, ..
        } = &self.plan.trouble;
        while self.next_trouble_ms <= now * 1000 {
            self.next_trouble_ms += self.interval(*interval);
            if broken * 100 < all * self.plan.max_broken_percent {
                let event = self.rng.weighted(kinds);
                broken += usize::from(self.event(event, now, changes));
            }
        }
    }

    /// Random time until the next event of this nominal interval, in milliseconds.
    fn interval(&mut self, nominal: Time) -> Time {
        let size = Time::try_from(self.workspaces.len().max(1)).unwrap_or(Time::MAX);
        let mean = nominal * 1000 * NOMINAL_SIZE / size;
        self.rng.within(mean / 2..mean + mean / 2 + 1).max(1)
    }

    fn has_many_stopped(&self) -> bool {
        let is_stopped = |workspace: &&Workspace| matches!(workspace.stage, Stage::Stopped);
        let stopped = self.workspaces.iter().filter(is_stopped).count();
        stopped * 100 > self.workspaces.len() * STOPPED_PERCENT
    }

    /// Puts a new workspace in the place of a deleted one, and removes the oldest deleted one.
    fn bury(&mut self, index: usize, now: Time, changes: &mut Changes) {
        let mut successor = self.create(now, changes);
        let at = now + self.rng.within(5..60);
        successor.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
        let dead = std::mem::replace(&mut self.workspaces[index], successor);
        self.deleted.push_back(dead);
        if self.deleted.len() > KEPT_DELETED
            && let Some(forgotten) = self.deleted.pop_front()
        {
            let (jobs, chats) = forgotten.remains();
            changes.jobs_pruned.extend(jobs);
            changes.chats_pruned.extend(chats);
            changes.workspaces_pruned.push(forgotten.id);
        }
    }
}
