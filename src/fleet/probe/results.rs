//! What the probe has found so far (`docs/spec/probe.md`).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::probed::{Probed, is_contradiction};
use crate::fleet::rules::status::Status;
use crate::fleet::stats::histogram::Histogram;

/// So many probes are kept to be looked at, and as many failed ones apart from them.
const KEPT: usize = 100;

/// A dial takes milliseconds where all is well, and up to dial timeout plus validation delay
/// where nothing is.
const DURATION_BOUNDS: [f64; 12] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Everything the probe remembers. Its size follows the running workspaces.
#[derive(Debug, Clone)]
pub struct Probes {
    horizon: Duration,
    outcomes: EnumMap<ProbeOutcome, u64>,
    durations: EnumMap<ProbeOutcome, Histogram>,
    latest: HashMap<Uuid, NewestProbe>,
    /// By workspace, since when it has been in scope, those out of it for less than a horizon
    /// included; `None` before the first round.
    scoped: Option<HashMap<Uuid, Scoped>>,
    last: Option<Timestamp>,
    /// When the last round began, by the clock that only goes forward.
    last_round: Duration,
    history: VecDeque<Arc<Probed>>,
    failures: VecDeque<Arc<Probed>>,
    /// How many were ever kept.
    kept: u64,
}

/// When a workspace was in scope.
#[derive(Debug, Clone, Copy)]
struct Scoped {
    /// The first round that found it in scope.
    first: Duration,
    /// The last one.
    last: Duration,
}

/// The newest probe of one workspace.
#[derive(Debug, Clone)]
struct NewestProbe {
    at: Duration,
    /// The probe, where database and dial contradict each other.
    at_odds: Option<Arc<Probed>>,
}

impl NewestProbe {
    fn contradiction(&self) -> Option<(Status, ProbeOutcome)> {
        self.at_odds.as_ref()?.contradiction()
    }
}

/// The numbers of one moment.
#[derive(Debug, Clone)]
pub struct ProbeStats {
    /// Probes by outcome since the start, every outcome.
    pub outcomes: Vec<(ProbeOutcome, u64)>,
    /// How long they took, every outcome.
    pub durations: Vec<(ProbeOutcome, Histogram)>,
    /// Agents that database and dial disagree about, every pair that can; `None` before the
    /// first round.
    pub disagreements: Option<Vec<(Status, ProbeOutcome, u64)>>,
    /// Of the workspaces that are in scope now and were one horizon ago, the share probed within
    /// the horizon; `None` when there is none.
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
            outcomes: EnumMap::default(),
            durations: EnumMap::from_fn(|_| none.clone()),
            latest: HashMap::new(),
            scoped: None,
            last: None,
            last_round: Duration::ZERO,
            history: VecDeque::new(),
            failures: VecDeque::new(),
            kept: 0,
        }
    }

    /// Counts one probe of a round. `uptime` is a clock that only goes forward.
    pub fn count(&mut self, probed: Probed, uptime: Duration) {
        let index = probed.outcome;
        self.outcomes[index] += 1;
        self.durations[index].observe(probed.duration.as_secs_f64());
        let probed = self.keep(probed);
        // An exporter that cannot ask knows no more of an agent than before.
        if probed.outcome != ProbeOutcome::ExporterError {
            let workspace = probed.workspace_id;
            let latest = NewestProbe {
                at: uptime,
                at_odds: probed.contradiction().map(|_| probed),
            };
            self.latest.insert(workspace, latest);
        }
    }

    /// Counts a round in which no workspace could be chosen: an exporter's error, about no
    /// workspace.
    pub fn count_unasked(&mut self, duration: Duration) {
        let index = ProbeOutcome::ExporterError;
        self.outcomes[index] += 1;
        self.durations[index].observe(duration.as_secs_f64());
    }

    /// Remembers a probe to be looked at, without counting it: one that a user asked for says
    /// nothing of the fleet.
    pub fn keep(&mut self, mut probed: Probed) -> Arc<Probed> {
        self.kept += 1;
        probed.number = self.kept;
        let probed = Arc::new(probed);
        if !probed.outcome.is_reached() {
            push(&mut self.failures, probed.clone());
        }
        push(&mut self.history, probed.clone());
        probed
    }

    /// Begins a round in which these workspaces are in scope.
    pub fn begin_round(&mut self, in_scope: HashSet<Uuid>, uptime: Duration) {
        let horizon = self.horizon;
        self.latest
            .retain(|_, latest| is_within(latest.at, horizon, uptime));
        let scoped = self.scoped.get_or_insert_default();
        for workspace in in_scope {
            let first = uptime;
            let entry = scoped.entry(workspace);
            entry.or_insert(Scoped { first, last: first }).last = uptime;
        }
        scoped.retain(|_, it| is_within(it.last, horizon, uptime));
        self.last_round = uptime;
    }

    /// Ends it at `now`.
    pub fn end_round(&mut self, now: Timestamp) {
        self.last = Some(now);
    }

    /// The last probes, the newest first.
    pub fn history(&self) -> impl Iterator<Item = &Arc<Probed>> {
        self.history.iter().rev()
    }

    /// The last probes that did not reach their agent, the newest first: kept apart, so that a
    /// good hour does not wash them away.
    pub fn failures(&self) -> impl Iterator<Item = &Arc<Probed>> {
        self.failures.iter().rev()
    }

    /// Everything that is remembered of one workspace, the newest first.
    pub fn of_workspace(&self, workspace: Uuid) -> Vec<Arc<Probed>> {
        let all = self.history().chain(self.failures());
        let its = all.filter(|it| it.workspace_id == workspace);
        let by_number: BTreeMap<_, _> = its.map(|it| (it.number, it.clone())).collect();
        by_number.into_values().rev().collect()
    }

    /// The newest probe of each workspace whose agent database and dial disagree about at
    /// `uptime`, the newest first: those that [`ProbeStats::disagreements`] counts.
    pub fn at_odds(&self, uptime: Duration) -> Vec<Arc<Probed>> {
        let recent = self.latest.values();
        let recent = recent.filter(|it| is_within(it.at, self.horizon, uptime));
        let mut at_odds: Vec<_> = recent.filter_map(|it| it.at_odds.clone()).collect();
        at_odds.sort_unstable_by_key(|it| std::cmp::Reverse(it.number));
        at_odds
    }

    /// The numbers at `uptime`.
    pub fn stats(&self, uptime: Duration) -> ProbeStats {
        let within = |latest: &&NewestProbe| is_within(latest.at, self.horizon, uptime);
        let recent = || self.latest.values().filter(within);
        let disagreements = self.scoped.as_ref().map(|_| {
            let pairs = contradictions();
            pairs
                .map(|pair| {
                    let same = recent().filter(|it| it.contradiction() == Some(pair));
                    (pair.0, pair.1, same.count() as u64)
                })
                .collect()
        });
        ProbeStats {
            outcomes: self.outcomes.into_iter().collect(),
            durations: self.durations.clone().into_iter().collect(),
            disagreements,
            coverage: self.coverage(uptime),
            last: self.last,
        }
    }

    fn coverage(&self, uptime: Duration) -> Option<f64> {
        let scoped = self.scoped.iter().flatten();
        let mut asked_for = 0_u64;
        let mut covered = 0_u64;
        for (workspace, it) in scoped {
            let is_old = uptime.saturating_sub(it.first) >= self.horizon;
            if it.last != self.last_round || !is_old {
                continue;
            }
            asked_for += 1;
            let latest = self.latest.get(workspace);
            covered += u64::from(latest.is_some_and(|it| is_within(it.at, self.horizon, uptime)));
        }
        (asked_for > 0).then(|| covered as f64 / asked_for as f64)
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

fn is_within(at: Duration, horizon: Duration, uptime: Duration) -> bool {
    uptime.saturating_sub(at) <= horizon
}

fn push(kept: &mut VecDeque<Arc<Probed>>, probed: Arc<Probed>) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(probed);
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
