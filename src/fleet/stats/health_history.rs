//! Recent changes of health between collections, and counts of the last hours.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Label, Name, Scope};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::stats::collection::{CollectionResult, Collector};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{by_template, total};
use crate::fleet::stats::successors::{Ill, successors};
use crate::fleet::stats::transitions::{Sight, Transitions};

/// Maximum number of changes with their agents. Each takes about 300 bytes with its names: 300 kB.
const CHANGES: usize = 1000;

/// Maximum number of changes of one collection, so that the loss of a zone does not displace all
/// earlier changes.
const CHANGES_OF_A_COLLECTION: usize = 250;

/// Maximum number of change counts. Each takes about 200 bytes with its names: 100 kB.
const CHANGE_COUNTS: usize = 500;

/// Six hours, a point a minute, 56 bytes each: 20 kB.
const POINTS: usize = 360;

/// Changes of the same kind within this time belong to one event, because the agents of a failed
/// machine are found lost in several collections.
const ONE_EVENT: Duration = Duration::from_secs(5 * 60);

/// Maximum number of agents with a problem that are looked for under a new id. Each takes about
/// 70 bytes: 350 kB.
const ILL: usize = 5000;

/// A longer time between two collections is a gap, in which changes were not seen.
const GAP: Duration = Duration::from_secs(180);

/// Changes that collections have found. It takes at most 1 MB for any fleet, and starts empty in
/// a new process.
#[derive(Debug, Clone, Default)]
pub struct HealthHistory {
    changes: VecDeque<Change>,
    change_counts: VecDeque<ChangeCount>,
    points: VecDeque<Point>,
    dropped: u64,
    /// Agents that had a problem in the last collection.
    ill: HashMap<Uuid, Ill>,
    last_known: Option<Timestamp>,
    unknown_since: Option<Timestamp>,
}

/// A change of an agent's health class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Time of the collection that found it.
    pub at: Timestamp,
    /// When the problem began by the agent's row; otherwise the same as `at`.
    pub began: Timestamp,
    /// `workspace_agents.id`; after a build, that of the new agent.
    pub agent_id: Uuid,
    /// `workspace_agents.name`.
    pub agent: Label,
    /// `users.username` of its workspace's owner.
    pub owner: Label,
    /// `workspaces.name`.
    pub workspace: Name,
    /// Its organization and template.
    pub scope: Scope,
    /// Health class in the previous collection.
    pub from: Health,
    /// Health class in this collection.
    pub to: Health,
}

/// Number of agents of a scope with the same change in one collection. The counts are complete,
/// even if single changes were dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ChangeCount {
    at: Timestamp,
    began: Timestamp,
    scope: Scope,
    from: Health,
    to: Health,
    count: u64,
}

/// Changes of the same kind in one scope, close in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent<'a> {
    /// Organization and template of the agents.
    pub scope: &'a Scope,
    /// Health class before the changes.
    pub from: Health,
    /// Health class after the changes.
    pub to: Health,
    /// Number of changes. An agent counts several times if its health goes back and forth.
    pub count: u64,
    /// Time of the first change.
    pub first: Timestamp,
    /// Time of the last collection that found one.
    pub last: Timestamp,
    /// When the last change happened: when its problem began, by the agent's row.
    pub began: Timestamp,
}

/// Agents by health in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Time of the last collection in that minute.
    pub at: Timestamp,
    counts: EnumMap<Health, u32>,
}

impl Point {
    /// Number of agents of this class.
    pub fn count(&self, health: Health) -> u64 {
        u64::from(self.counts[health])
    }

    /// Number of agents with a problem.
    pub fn problems(&self) -> u64 {
        let problems = Health::ALL.iter().filter(|it| it.is_problem());
        problems.map(|it| self.count(*it)).sum()
    }
}

impl HealthHistory {
    /// Adds a collection. `transitions` has the previous state of each agent; `now` is the
    /// exporter's clock, which dates a collection whose agents are unknown. Each agent is shown to
    /// `see` as well.
    pub fn follow(
        &mut self,
        collection: &CollectionResult,
        transitions: &mut Transitions,
        now: Timestamp,
        see: impl FnMut(&Sight<'_>),
    ) {
        let asked = |it: &Collector| {
            collection
                .reports
                .iter()
                .any(|report| report.collector == *it)
        };
        match &collection.fleet {
            Ok(fleet) if fleet.agents.is_some() => self.know(fleet, transitions, see),
            // Agents were not asked for.
            _ if !asked(&Collector::Agents) => {}
            _ => drop(self.unknown_since.get_or_insert(now)),
        }
    }

    fn know(
        &mut self,
        fleet: &FleetStats,
        transitions: &mut Transitions,
        mut see: impl FnMut(&Sight<'_>),
    ) {
        let at = fleet.snapshot.now;
        let mut found = Found::default();
        let mut gone = std::mem::take(&mut self.ill);
        transitions.observe(fleet, |sight| {
            see(&sight);
            let (agent, assessment) = (sight.agent, sight.assessment);
            gone.remove(&agent.id);
            if assessment.health.is_problem() && self.ill.len() < ILL {
                self.ill.insert(agent.id, Ill::of(agent, assessment.health));
            }
            if let (Some(scope), Some(from)) = (
                fleet.snapshot.scopes.get(agent.scope),
                sight.former_health(),
            ) {
                self.note(&mut found, Change::new(at, agent, scope, from, assessment));
            }
        });
        for (agent, assessment, from) in successors(fleet, gone) {
            if let Some(scope) = fleet.snapshot.scopes.get(agent.scope) {
                self.note(&mut found, Change::new(at, agent, scope, from, assessment));
            }
        }
        for ((scope, from, to), (count, began)) in found.counts {
            push(
                &mut self.change_counts,
                CHANGE_COUNTS,
                ChangeCount {
                    at,
                    began,
                    scope,
                    from,
                    to,
                    count,
                },
            );
        }
        self.count(fleet);
        self.last_known = Some(at);
        self.unknown_since = None;
    }

    /// Counts a change, and keeps it while there is room for the changes of one collection.
    fn note(&mut self, found: &mut Found, change: Change) {
        let key = (change.scope.clone(), change.from, change.to);
        let (count, began) = found.counts.entry(key).or_insert((0, change.began));
        *count += 1;
        *began = change.began.max(*began);
        found.kept += 1;
        if found.kept <= CHANGES_OF_A_COLLECTION {
            self.keep(change);
        } else {
            self.dropped += 1;
        }
    }

    fn keep(&mut self, change: Change) {
        if push(&mut self.changes, CHANGES, change) {
            self.dropped += 1;
        }
    }

    fn count(&mut self, fleet: &FleetStats) {
        let at = fleet.snapshot.now;
        let mut counts = EnumMap::default();
        for (health, count) in total(&by_template(fleet)) {
            counts[health] = u32::try_from(count).unwrap_or(u32::MAX);
        }
        let point = Point { at, counts };
        // A clock that was set back stays in its minute until it has caught up.
        match self.points.back_mut() {
            Some(last) if minute(at) <= minute(last.at) => last.counts = counts,
            _ => drop(push(&mut self.points, POINTS, point)),
        }
        let is_old = |it: &Point| minute(at) - minute(it.at) >= POINTS as f64;
        while self.points.front().is_some_and(is_old) {
            self.points.pop_front();
        }
    }

    /// The changes of an agent in the history, newest first.
    pub fn changes_of(&self, agent_id: Uuid) -> impl Iterator<Item = &Change> {
        let changes = self.changes.iter().rev();
        changes.filter(move |it| it.agent_id == agent_id)
    }

    /// The changes of an event in the history, newest first.
    pub fn changes_in<'a>(
        &'a self,
        event: &'a ChangeEvent<'_>,
    ) -> impl Iterator<Item = &'a Change> {
        self.changes.iter().rev().filter(move |it| {
            let is_within = event.first <= it.at && it.at <= event.last;
            is_within && (&it.scope, it.from, it.to) == (event.scope, event.from, event.to)
        })
    }

    /// The events in the `window` before `now`, newest first.
    pub fn events(&self, window: Duration, now: Timestamp) -> Vec<ChangeEvent<'_>> {
        let mut events: Vec<ChangeEvent<'_>> = Vec::new();
        let change_counts = self.change_counts.iter();
        for change_count in change_counts.filter(|it| !now.is_past(it.at, window)) {
            let same = events
                .iter_mut()
                .rfind(|it| it.continues_with(change_count));
            match same {
                Some(event) => {
                    event.count += change_count.count;
                    event.last = event.last.max(change_count.at);
                    event.began = event.began.max(change_count.began);
                }
                None => events.push(ChangeEvent::of(change_count)),
            }
        }
        events.sort_by_key(|it| std::cmp::Reverse(it.last));
        events
    }

    /// Counts of the last six hours, oldest first. A minute without a collection has no point.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> + Clone {
        self.points.iter()
    }

    /// Times within the `window` before `now` in which changes were not seen: from the last
    /// collection before to the first after. The time before this exporter
    /// started is none of them.
    pub fn gaps(&self, window: Duration, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let points: Vec<_> = self.points.iter().map(|it| it.at).collect();
        let pairs = points.windows(2).map(|it| (it[0], it[1]));
        let gaps = pairs.filter(|(from, to)| to.is_past(*from, GAP));
        gaps.filter(|(_, to)| !now.is_past(*to, window)).collect()
    }

    /// Time of the first collection that is known of.
    pub fn first_known(&self) -> Option<Timestamp> {
        self.points.front().map(|it| it.at)
    }

    /// Number of changes that are not in the history any more, or were never added.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Time of the last collection in which agents were known.
    pub fn last_known(&self) -> Option<Timestamp> {
        self.last_known
    }

    /// Time, by the exporter's clock, of the first collection since when agents are unknown; `None`
    /// if they are known.
    pub fn unknown_since(&self) -> Option<Timestamp> {
        self.unknown_since
    }
}

/// The changes of one collection.
#[derive(Debug, Default)]
struct Found {
    /// Number of changes, and when the last happened.
    counts: BTreeMap<(Scope, Health, Health), (u64, Timestamp)>,
    kept: usize,
}

impl Change {
    fn new(at: Timestamp, agent: &Agent, scope: &Scope, from: Health, now: Assessment) -> Self {
        let to = now.health;
        Self {
            at,
            began: now.since.unwrap_or(at).min(at),
            agent_id: agent.id,
            agent: agent.name.clone(),
            owner: agent.owner.clone(),
            workspace: agent.workspace.clone(),
            scope: scope.clone(),
            from,
            to,
        }
    }
}

impl<'a> ChangeEvent<'a> {
    fn of(change_count: &'a ChangeCount) -> Self {
        Self {
            scope: &change_count.scope,
            from: change_count.from,
            to: change_count.to,
            count: change_count.count,
            first: change_count.at,
            last: change_count.at,
            began: change_count.began,
        }
    }

    fn continues_with(&self, change_count: &ChangeCount) -> bool {
        (self.scope, self.from, self.to)
            == (&change_count.scope, change_count.from, change_count.to)
            && !change_count.at.is_past(self.last, ONE_EVENT)
    }

    /// Whether agents got a problem or recovered from one, so that it is shown.
    pub fn is_about_problems(&self) -> bool {
        self.from.is_problem() || self.to.is_problem()
    }
}

/// Adds an item to a ring of at most `most` items. Returns whether an item was dropped.
fn push<T>(ring: &mut VecDeque<T>, most: usize, item: T) -> bool {
    let is_full = ring.len() >= most;
    if is_full {
        ring.pop_front();
    }
    ring.push_back(item);
    is_full
}

fn minute(at: Timestamp) -> f64 {
    (at.as_unix_seconds() / 60.0).floor()
}

#[cfg(test)]
#[path = "health_history_tests.rs"]
mod tests;
