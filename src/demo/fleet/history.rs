//! Simulates the time before the demo begins, step by step.

use std::iter::Peekable;
use std::slice::Iter;

use super::changes::Changes;
use super::event::Event;
use super::pace::Pace;
use super::rows::Time;
use super::scenario::Scenario;
use super::tables::Tables;
use super::{Fleet, HISTORY, usage};
use crate::demo::schema::Era;

/// The step sizes: the time before the end until which each applies, and its length in seconds.
/// Large steps are fast; the last minutes use the steps of the running demo.
const STEPS: [(Time, Time); 3] = [(70 * 60, 60), (2 * 60, 5), (0, 1)];

/// A simulation of the hours before the demo.
#[derive(Debug)]
pub struct History {
    fleet: Fleet,
    size: usize,
    tables: Tables,
    scenes: Peekable<Iter<'static, (Time, Event)>>,
    now: Time,
    changes: Changes,
}

impl History {
    /// Starts with a new fleet of `size` workspaces in a Coder of this era.
    #[must_use]
    pub fn new(size: usize, seed: u64, scenario: Scenario, era: Era) -> Self {
        let mut fleet = Fleet::new(size, seed, scenario, era);
        let changes = fleet.found(size, 0);
        Self {
            scenes: scenario.plan().scenes.iter().peekable(),
            fleet,
            size,
            tables: Tables::default(),
            now: 0,
            changes,
        }
    }

    /// Simulates one step. Returns whether there are more.
    pub fn step(&mut self) -> bool {
        let before_end = HISTORY - self.now;
        while let Some((_, scene)) = self.scenes.next_if(|(at, _)| *at >= before_end) {
            for _ in 0..scenes_for(self.size) {
                self.fleet.event(*scene, self.now, &mut self.changes);
            }
        }
        self.tables.apply(&self.changes, self.now);
        let step = STEPS.iter().find(|(until, _)| before_end > *until);
        self.now += step.map_or(1, |(_, step)| *step);
        self.changes = self.fleet.tick(self.now);
        self.now < HISTORY
    }

    /// How much of the simulation is done, from 0 to 100.
    #[must_use]
    pub fn percent(&self) -> usize {
        let (done, all) = (steps_until(self.now), steps_until(HISTORY));
        usize::try_from(done * 100 / all).unwrap_or(100)
    }

    /// The fleet, which continues at this pace, its rows so far, and the current simulated time.
    #[must_use]
    pub fn end(mut self, pace: Pace) -> (Fleet, Tables, Time) {
        self.tables.apply(&self.changes, self.now);
        self.tables.prune();
        for build in self.tables.builds.values_mut() {
            let deadline = &mut build.deadline;
            *deadline = deadline.map(|at| usage::by_clock(at, self.now, pace));
        }
        self.fleet.change_pace(self.now, pace);
        (self.fleet, self.tables, self.now)
    }
}

/// The number of steps up to this time.
fn steps_until(now: Time) -> Time {
    let mut begins = 0;
    let mut steps = 0;
    for (until, step) in STEPS {
        let ends = HISTORY - until;
        steps += (now.min(ends) - begins).max(0) / step;
        begins = ends;
    }
    steps
}

/// The number of copies of the scenario's scenes: one for every 200 workspaces, and none if a copy
/// would affect most of the fleet.
fn scenes_for(size: usize) -> usize {
    size.div_ceil(200).min(size / 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_tells_how_much_of_it_is_done() {
        let mut history = History::new(0, 1, Scenario::All, Era::NEWEST);
        let mut percents = vec![history.percent()];
        while history.step() {
            percents.push(history.percent());
        }
        percents.push(history.percent());
        assert_eq!((percents[0], percents[percents.len() - 1]), (0, 100));
        assert!(percents.is_sorted());
        let half = percents.len() / 2;
        assert_eq!(percents[half], 50, "the steps take about as long each");
    }
}
