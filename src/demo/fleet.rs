//! The made-up fleet: a state machine that lives and breaks, repeatable by its seed.
//!
//! Pure: time comes in as seconds since the story began, changes go out as rows and ids. The
//! same code lives through a morning before anybody looks ([`Fleet::with_history`]) and on
//! from there, second by second: so a young demo has old builds, and problems of every age.

mod agent;
mod apps;
mod build;
mod fate;
#[cfg(test)]
mod resume_tests;
mod rng;
mod rows;
mod scenery;
mod surprise;
mod tables;
#[cfg(test)]
mod tests;
mod workspace;

use std::collections::{BTreeMap, VecDeque};

use agent::Agent;
use build::{Stage, Wish};
use fate::Fate;
use rng::Rng;
pub use rows::{
    Agent as AgentRow, App as AppRow, Build as BuildRow, Changes, Chat as ChatRow, Event,
    Job as JobRow, Outcome, Resource as ResourceRow, Rows, Time, Word, Workspace as WorkspaceRow,
};
pub use scenery::{Named, Scenery, Template};
use scenery::{PEOPLE, WORKSPACE_NAMES};
use surprise::{SCENES, Surprise, TROUBLE, WORK};
pub use tables::Tables;
use workspace::{Context, Workspace};

/// How many workspaces the intervals below are meant for: larger fleets are busier.
const NOMINAL_SIZE: Time = 200;
/// Between two things people do in a fleet of nominal size.
const WORK_INTERVAL: Time = 8;
/// Between two things that break.
const TROUBLE_INTERVAL: Time = 45;
/// Above this share of broken agents nothing more breaks.
const MAX_BROKEN_PERCENT: usize = 7;
/// So many workspaces are stopped when all is as usual.
const STOPPED_PERCENT: usize = 12;
/// Deleted workspaces whose rows remain.
const KEPT_DELETED: usize = 12;

/// How long the story has gone on when somebody looks.
const HISTORY: Time = 6 * 3600;
/// The steps in which it went: until when before the end, and how long they are. Coarse ones
/// are quick; the last minute has the rhythm of the present.
const STEPS: [(Time, Time); 3] = [(70 * 60, 60), (2 * 60, 5), (0, 1)];

/// The fleet and all that is planned for it.
#[derive(Debug)]
pub struct Fleet {
    scenery: Scenery,
    rng: Rng,
    workspaces: Vec<Workspace>,
    names: BTreeMap<(usize, usize), usize>,
    /// Workspaces that are deleted but whose rows are still there, the oldest first.
    deleted: VecDeque<Workspace>,
    next_work_ms: Time,
    next_trouble_ms: Time,
}

impl Fleet {
    /// A fleet of `size` workspaces that has lived for a morning, the rows it has by now, and
    /// the time that now is.
    #[must_use]
    pub fn with_history(size: usize, seed: u64) -> (Self, Tables, Time) {
        let mut fleet = Self::new(size, seed);
        let mut tables = Tables::default();
        let mut now = 0;
        let mut changes = fleet.found(size, now);
        let mut scenes = SCENES.iter().peekable();
        while now < HISTORY {
            let before_end = HISTORY - now;
            while let Some((_, scene)) = scenes.next_if(|(at, _)| *at >= before_end) {
                for _ in 0..scenes_for(size) {
                    fleet.surprise(*scene, now, &mut changes);
                }
            }
            tables.apply(&changes, now);
            let step = STEPS.iter().find(|(until, _)| before_end > *until);
            now += step.map_or(1, |(_, step)| *step);
            changes = fleet.tick(now);
        }
        tables.apply(&changes, now);
        tables.prune();
        (fleet, tables, now)
    }

    /// What there is besides workspaces: to be inserted first.
    #[must_use]
    pub fn scenery(&self) -> &Scenery {
        &self.scenery
    }

    /// What happens from the last tick until `now`.
    #[must_use]
    pub fn tick(&mut self, now: Time) -> Changes {
        let mut changes = Changes::default();
        for index in 0..self.workspaces.len() {
            let (workspace, mut cx) = self.at(index, now, &mut changes);
            workspace.tick(&mut cx);
            if matches!(workspace.stage, Stage::Deleted) {
                self.bury(index, now, &mut changes);
            }
        }
        self.work(now, &mut changes);
        self.trouble(now, &mut changes);
        changes
    }

    fn new(size: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            scenery: Scenery::new(&mut rng),
            rng,
            workspaces: Vec::with_capacity(size),
            names: BTreeMap::new(),
            deleted: VecDeque::new(),
            next_work_ms: 1_800_000,
            next_trouble_ms: 1_800_000,
        }
    }

    /// The first workspaces. Most of them are started within the first minutes.
    fn found(&mut self, size: usize, now: Time) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..size {
            let mut workspace = self.create(now, &mut changes);
            if !self.rng.percent(STOPPED_PERCENT) {
                let at = now + self.rng.within(1..900);
                workspace.next_wish = Some((at, Wish::Start(Fate::Well)));
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
        let template = surprise::template(&mut self.rng);
        let mut cx = Context {
            now,
            scenery: &self.scenery,
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
            scenery: &self.scenery,
            rng: &mut self.rng,
            changes,
        };
        (&mut self.workspaces[index], cx)
    }

    fn work(&mut self, now: Time, changes: &mut Changes) {
        while self.next_work_ms <= now * 1000 {
            self.next_work_ms += self.interval(WORK_INTERVAL);
            let surprise = match self.rng.weighted(&WORK) {
                // Whichever brings the fleet back to its usual share.
                Surprise::Stop | Surprise::Start if self.has_many_stopped() => Surprise::Start,
                Surprise::Start => Surprise::Stop,
                other => other,
            };
            self.surprise(surprise, now, changes);
        }
    }

    fn trouble(&mut self, now: Time, changes: &mut Changes) {
        while self.next_trouble_ms <= now * 1000 {
            self.next_trouble_ms += self.interval(TROUBLE_INTERVAL);
            let agents = || {
                self.workspaces
                    .iter()
                    .flat_map(|workspace| &workspace.agents)
            };
            let broken = agents().filter(|agent| Agent::is_broken(agent)).count();
            if broken * 100 < agents().count() * MAX_BROKEN_PERCENT {
                let surprise = self.rng.weighted(&TROUBLE);
                self.surprise(surprise, now, changes);
            }
        }
    }

    /// Until the next of many such things, in milliseconds.
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

    /// Puts a new workspace in the place of a deleted one, and forgets the longest deleted.
    fn bury(&mut self, index: usize, now: Time, changes: &mut Changes) {
        let mut successor = self.create(now, changes);
        let at = now + self.rng.within(5..60);
        successor.next_wish = Some((at, Wish::Start(Fate::Well)));
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

/// One set of scenes for every 200 workspaces; none where a set would be most of the fleet.
fn scenes_for(size: usize) -> usize {
    size.div_ceil(200).min(size / 20)
}
