//! What the probe has found so far (SPEC 5).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::agent::Label;
use super::histogram::Histogram;
use super::named::Variants;
use super::outcome::ProbeOutcome;
use super::status::Status;
use super::time::Timestamp;

/// So many probes are kept to be looked at, and as many failed ones apart from them.
const KEPT: usize = 100;

/// A dial takes milliseconds where all is well, and up to dial timeout plus validation delay
/// where nothing is.
const DURATION_BOUNDS: [f64; 12] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// One probe, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// When it ended, by this machine's clock.
    pub at: Timestamp,
    /// `workspaces.id`.
    pub workspace_id: Uuid,
    /// `users.username` of its owner.
    pub owner: Label,
    /// `workspaces.name`.
    pub workspace: Box<str>,
    /// The agent it was about, with the status its row gave it, read before the dial, and
    /// once more after it where the two contradict each other; `None` when there was none.
    pub agent: Option<ProbedAgent>,
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// How long it took.
    pub duration: Duration,
    /// One line for a person.
    pub message: String,
}

/// An agent that was probed.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// Its status by the database.
    pub status: Status,
}

impl Probed {
    /// Whether the database and the dial contradict each other: connected, but not reached;
    /// disconnected or timed out, but reached.
    pub fn contradiction(&self) -> Option<(Status, ProbeOutcome)> {
        let status = self.agent.as_ref()?.status;
        is_contradiction(status, self.outcome).then_some((status, self.outcome))
    }
}

/// Whether these two cannot both be true.
pub fn is_contradiction(status: Status, outcome: ProbeOutcome) -> bool {
    match status {
        Status::Connected => outcome.is_unreached(),
        Status::Disconnected | Status::Timeout => outcome.is_reached(),
        Status::Connecting => false,
    }
}

/// Everything the probe remembers. Its size follows the running workspaces.
#[derive(Debug, Clone)]
pub struct Probes {
    horizon: Duration,
    outcomes: [u64; ProbeOutcome::ALL.len()],
    durations: Vec<Histogram>,
    latest: HashMap<Uuid, Latest>,
    running: Option<HashSet<Uuid>>,
    last: Option<Timestamp>,
    history: VecDeque<Arc<Probed>>,
    failures: VecDeque<Arc<Probed>>,
}

/// The newest probe of one workspace.
#[derive(Debug, Clone, Copy)]
struct Latest {
    at: Duration,
    contradiction: Option<(Status, ProbeOutcome)>,
}

/// The numbers of one moment.
#[derive(Debug, Clone)]
pub struct ProbeStats {
    /// Probes by outcome since the start, every outcome.
    pub outcomes: Vec<(ProbeOutcome, u64)>,
    /// How long they took, every outcome.
    pub durations: Vec<(ProbeOutcome, Histogram)>,
    /// Agents that database and dial disagree about, every pair that can; `None` before the
    /// first round has ended.
    pub disagreements: Option<Vec<(Status, ProbeOutcome, u64)>>,
    /// Share of running workspaces that were probed within the horizon; `None` before the
    /// first round and when nothing runs.
    pub coverage: Option<f64>,
    /// When the last round ended, by this machine's clock.
    pub last: Option<Timestamp>,
}

impl Probes {
    /// Nothing yet. What is older than `horizon` says nothing of the present.
    pub fn new(horizon: Duration) -> Self {
        let none = Histogram::new(&DURATION_BOUNDS);
        Self {
            horizon,
            outcomes: Default::default(),
            durations: vec![none; ProbeOutcome::ALL.len()],
            latest: HashMap::new(),
            running: None,
            last: None,
            history: VecDeque::new(),
            failures: VecDeque::new(),
        }
    }

    /// Counts one probe of a round. `uptime` is a clock that only goes forward.
    pub fn count(&mut self, probed: Probed, uptime: Duration) {
        let index = probed.outcome as usize;
        self.outcomes[index] += 1;
        self.durations[index].observe(probed.duration.as_secs_f64());
        // An exporter that cannot ask knows no more of an agent than before.
        if probed.outcome != ProbeOutcome::ExporterError {
            let contradiction = probed.contradiction();
            let latest = Latest {
                at: uptime,
                contradiction,
            };
            self.latest.insert(probed.workspace_id, latest);
        }
        self.keep(probed);
    }

    /// Counts a round in which nobody could be chosen: an exporter's error, about no workspace.
    pub fn count_unasked(&mut self, duration: Duration) {
        let index = ProbeOutcome::ExporterError as usize;
        self.outcomes[index] += 1;
        self.durations[index].observe(duration.as_secs_f64());
    }

    /// Remembers a probe to be looked at, without counting it: one that somebody asked for says
    /// nothing of the fleet.
    pub fn keep(&mut self, probed: Probed) {
        let probed = Arc::new(probed);
        if !probed.outcome.is_reached() {
            push(&mut self.failures, probed.clone());
        }
        push(&mut self.history, probed);
    }

    /// Ends a round at `now`, in which these workspaces were running.
    pub fn end_round(&mut self, running: HashSet<Uuid>, uptime: Duration, now: Timestamp) {
        let horizon = self.horizon;
        self.latest
            .retain(|_, latest| is_within(latest, horizon, uptime));
        self.running = Some(running);
        self.last = Some(now);
    }

    /// The last probes, the newest first.
    pub fn history(&self) -> impl Iterator<Item = &Probed> {
        self.history.iter().rev().map(|it| &**it)
    }

    /// The last probes that did not reach their agent, the newest first: kept apart, so that a
    /// good hour does not wash them away.
    pub fn failures(&self) -> impl Iterator<Item = &Probed> {
        self.failures.iter().rev().map(|it| &**it)
    }

    /// The numbers at `uptime`.
    pub fn stats(&self, uptime: Duration) -> ProbeStats {
        let by_outcome = || ProbeOutcome::ALL.iter().copied();
        let within = |latest: &&Latest| is_within(latest, self.horizon, uptime);
        let recent = || self.latest.values().filter(within);
        let disagreements = self.running.as_ref().map(|_| {
            let pairs = contradictions();
            pairs
                .map(|pair| {
                    let same = recent().filter(|it| it.contradiction == Some(pair));
                    (pair.0, pair.1, same.count() as u64)
                })
                .collect()
        });
        let running = self.running.as_ref().filter(|it| !it.is_empty());
        let coverage = running.map(|running| {
            let covered = running
                .iter()
                .filter(|workspace| self.latest.get(workspace).as_ref().is_some_and(within));
            covered.count() as f64 / running.len() as f64
        });
        ProbeStats {
            outcomes: by_outcome().zip(self.outcomes).collect(),
            durations: by_outcome().zip(self.durations.iter().cloned()).collect(),
            disagreements,
            coverage,
            last: self.last,
        }
    }
}

/// Every pair of a status and an outcome that cannot both be true.
fn contradictions() -> impl Iterator<Item = (Status, ProbeOutcome)> {
    let pairs = Status::ALL.iter().flat_map(|&status| {
        ProbeOutcome::ALL
            .iter()
            .map(move |&outcome| (status, outcome))
    });
    pairs.filter(|&(status, outcome)| is_contradiction(status, outcome))
}

fn is_within(latest: &Latest, horizon: Duration, uptime: Duration) -> bool {
    uptime.saturating_sub(latest.at) <= horizon
}

fn push(kept: &mut VecDeque<Arc<Probed>>, probed: Arc<Probed>) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(probed);
}

#[cfg(test)]
#[path = "probes_tests.rs"]
mod tests;
