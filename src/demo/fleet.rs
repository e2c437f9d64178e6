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
mod changes;
mod connection;
mod context;
mod deployment;
mod event;
mod history;
mod outcome;
mod pace;
mod residents;
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
mod usage;
#[cfg(test)]
mod usage_tests;
mod workspace;

use std::collections::{BTreeMap, VecDeque};

use build::Stage;
pub use changes::{Cause, Changes, Claim, JobOutcome, Message, ScriptEnd, Weight};
use context::Context;
use deployment::Deployment;
use event::Event;
pub use history::History;
pub use pace::Pace;
use rng::Rng;
pub use rows::{
    Agent as AgentRow, App as AppRow, Build as BuildRow, Chat as ChatRow, Job as JobRow,
    Replica as ReplicaRow, Report as ReportRow, Resource as ResourceRow, Rows, Script as ScriptRow,
    TemplateVersion as VersionRow, Time, Timing as TimingRow, Word, Workspace as WorkspaceRow,
};
pub use scenario::Scenario;
use scenario::{ScenarioPlan, Stream};
pub(in crate::demo) use seed_data::CODER_VERSION;
pub use seed_data::{Daemon, Named, SeedData, Template};
pub use tables::Tables;
use workspace::Workspace;

use super::schema::Era;

/// The fleet size that the intervals are for. A larger fleet has more events.
const NOMINAL_SIZE: Time = 200;
/// Percentage of workspaces that are usually stopped.
const STOPPED_PERCENT: usize = 12;
/// Number of deleted workspaces whose rows are kept.
const KEPT_DELETED: usize = 12;

/// Of so many workspaces one is prebuilt.
const PER_PREBUILD: usize = 50;
/// Coder writes so often, by the clock, which workspaces were used.
const USE_INTERVAL: Time = 60;

/// Simulated time before the demo begins, in seconds.
const HISTORY: Time = 6 * 3600;

/// The fleet and its planned events.
#[derive(Debug)]
pub struct Fleet {
    plan: &'static ScenarioPlan,
    pace: Pace,
    era: Era,
    seed_data: SeedData,
    deployment: Deployment,
    rng: Rng,
    workspaces: Vec<Workspace>,
    names: BTreeMap<(usize, usize), usize>,
    /// Deleted workspaces whose rows still exist, oldest first.
    deleted: VecDeque<Workspace>,
    next_work_ms: Time,
    next_trouble_ms: Time,
    next_act: Time,
    /// Large events so far.
    acts: usize,
    next_use_written: Time,
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
        Self::in_era(Era::NEWEST, (size, seed, scenario), pace)
    }

    /// As `of`, in any era.
    #[cfg(test)]
    pub(in crate::demo) fn in_era(
        era: Era,
        (size, seed, scenario): (usize, u64, Scenario),
        pace: Pace,
    ) -> (Self, Tables, Time) {
        let mut history = History::new(size, seed, scenario, era);
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
        let Self {
            deployment,
            seed_data,
            rng,
            ..
        } = self;
        deployment.tick(now, self.pace, seed_data, rng, &mut changes);
        if deployment.is_down() {
            // Nothing is written, and what agents would say waits.
            return changes;
        }
        for index in 0..self.workspaces.len() {
            let (workspace, mut cx) = self.at(index, now, &mut changes);
            workspace.tick(&mut cx);
            if matches!(workspace.stage, Stage::Deleted) {
                self.bury(index, now, &mut changes);
            }
        }
        self.write_use(now, &mut changes);
        self.work(now, &mut changes);
        self.trouble(now, &mut changes);
        self.act(now, &mut changes);
        changes
    }

    fn new(size: usize, seed: u64, scenario: Scenario, era: Era) -> Self {
        let mut rng = Rng::new(seed);
        let plan = scenario.plan();
        let seed_data = SeedData::new(&mut rng);
        Self {
            plan,
            pace: Pace::REAL,
            era,
            deployment: Deployment::new(&seed_data, &mut rng),
            seed_data,
            rng,
            workspaces: Vec::with_capacity(size),
            names: BTreeMap::new(),
            deleted: VecDeque::new(),
            next_work_ms: plan.work.begins * 1000,
            next_trouble_ms: plan.trouble.begins * 1000,
            next_act: plan.act.as_ref().map_or(Time::MAX, |act| act.begins),
            acts: 0,
            next_use_written: 0,
        }
    }

    fn change_pace(&mut self, now: Time, pace: Pace) {
        self.pace = pace;
        self.next_use_written = now;
        self.deployment.change_pace(now);
        let agents = self.workspaces.iter_mut();
        for agent in agents.flat_map(|workspace| &mut workspace.agents) {
            agent.change_pace(now, pace);
        }
    }

    fn context<'a>(&'a mut self, now: Time, changes: &'a mut Changes) -> Context<'a> {
        Context {
            now,
            pace: self.pace,
            era: self.era,
            seed_data: &self.seed_data,
            deployment: &self.deployment,
            rng: &mut self.rng,
            changes,
        }
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
            era: self.era,
            seed_data: &self.seed_data,
            deployment: &self.deployment,
            rng: &mut self.rng,
            changes,
        };
        (&mut self.workspaces[index], cx)
    }

    /// Coder collects for a minute which workspaces were used, and removes old reports.
    fn write_use(&mut self, now: Time, changes: &mut Changes) {
        if self.next_use_written > now {
            return;
        }
        self.next_use_written = now + self.pace.of_clock(USE_INTERVAL);
        let workspaces = self.workspaces.iter_mut();
        let used = workspaces.filter_map(|it| it.take_use().then_some(it.id));
        changes.used.extend(used);
        changes.reports_pruned = true;
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
}
