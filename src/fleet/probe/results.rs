//! Results of the probe so far (`docs/spec/probe.md`).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::pace::Pace;
use crate::fleet::probe::probed::{Probed, is_contradiction};
use crate::fleet::rules::status::Status;
use crate::fleet::stats::histogram::Histogram;

/// Number of probes in the history. Failed probes have a history of the same size of their own.
const KEPT: usize = 100;

/// Bounds in seconds. A dial of a healthy agent takes milliseconds; a failed one takes up to the
/// dial timeout plus the validation delay.
const DURATION_BOUNDS: [f64; 12] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// All results that the probe keeps. The size is proportional to the number of running workspaces.
#[derive(Debug, Clone)]
pub struct Probes {
    pace: Pace,
    outcomes: EnumMap<ProbeOutcome, u64>,
    durations: EnumMap<ProbeOutcome, Histogram>,
    latest: HashMap<Uuid, NewestProbe>,
    /// By workspace id: when it was in scope. A workspace stays here for one horizon after it left
    /// the scope. `None` before the first round.
    scoped: Option<HashMap<Uuid, Scoped>>,
    last: Option<Timestamp>,
    /// When the last round began, by the clock that only goes forward.
    last_round: Duration,
    history: VecDeque<Arc<Probed>>,
    failures: VecDeque<Arc<Probed>>,
    /// Number of probes that were ever added to the history.
    kept: u64,
}

/// The rounds in which a workspace was in scope, by the monotonic clock.
#[derive(Debug, Clone, Copy)]
struct Scoped {
    /// Start of the current period in scope.
    first: Duration,
    /// The last round that found it in scope.
    last: Duration,
}

/// The latest probe of a workspace.
#[derive(Debug, Clone)]
struct NewestProbe {
    at: Duration,
    /// The probe, if its status and outcome contradict each other.
    at_odds: Option<Arc<Probed>>,
}

impl NewestProbe {
    fn contradiction(&self) -> Option<(Status, ProbeOutcome)> {
        self.at_odds.as_ref()?.contradiction()
    }
}

/// Statistics of the probe at one time.
#[derive(Debug, Clone)]
pub struct ProbeStats {
    /// Number of probes since the start of the process, for every outcome.
    pub outcomes: Vec<(ProbeOutcome, u64)>,
    /// Durations of probes in seconds, for every outcome.
    pub durations: Vec<(ProbeOutcome, Histogram)>,
    /// Agents that database and dial disagree about, every pair that can; `None` before the
    /// first round.
    pub disagreements: Option<Vec<(Status, ProbeOutcome, u64)>>,
    /// Share of the workspaces that were probed within the horizon, among those that are in scope
    /// now and were one horizon ago; `None` if there are none.
    pub coverage: Option<f64>,
    /// The greatest share of the workspaces in scope that can be probed within the horizon; `None` if
    /// there are none.
    pub coverage_limit: Option<f64>,
    /// Time between the starts of two rounds.
    pub interval: Duration,
    /// When the last round ended, by this machine's clock; `None` before that.
    pub last: Option<Timestamp>,
}

impl Probes {
    /// No results yet. Results older than the horizon do not count in the gauges.
    pub fn new(pace: Pace) -> Self {
        let none = Histogram::new(&DURATION_BOUNDS);
        Self {
            pace,
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

    /// Counts a probe of a round. `uptime` is a monotonic clock.
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

    /// Counts a round in which no workspace could be chosen, as an exporter error without a
    /// workspace.
    pub fn count_unasked(&mut self, duration: Duration) {
        let index = ProbeOutcome::ExporterError;
        self.outcomes[index] += 1;
        self.durations[index].observe(duration.as_secs_f64());
    }

    /// Adds a probe to the history without counting it, because a probe on request is not a sample
    /// of the fleet.
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
        let horizon = self.pace.horizon;
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

    /// The last probes, newest first.
    pub fn history(&self) -> impl Iterator<Item = &Arc<Probed>> {
        self.history.iter().rev()
    }

    /// The last probes that did not reach their agent, newest first. They have a history of their
    /// own, so that successful probes do not displace them.
    pub fn failures(&self) -> impl Iterator<Item = &Arc<Probed>> {
        self.failures.iter().rev()
    }

    /// All probes of a workspace in the histories, newest first.
    pub fn of_workspace(&self, workspace: Uuid) -> Vec<Arc<Probed>> {
        let all = self.history().chain(self.failures());
        let its = all.filter(|it| it.workspace_id == workspace);
        let by_number: BTreeMap<_, _> = its.map(|it| (it.number, it.clone())).collect();
        by_number.into_values().rev().collect()
    }

    /// The latest probes whose status contradicts the dial at `uptime`, newest first: those that
    /// [`ProbeStats::disagreements`] counts.
    pub fn at_odds(&self, uptime: Duration) -> Vec<Arc<Probed>> {
        let recent = self.latest.values();
        let recent = recent.filter(|it| is_within(it.at, self.pace.horizon, uptime));
        let mut at_odds: Vec<_> = recent.filter_map(|it| it.at_odds.clone()).collect();
        at_odds.sort_unstable_by_key(|it| std::cmp::Reverse(it.number));
        at_odds
    }

    /// The statistics at `uptime`.
    pub fn stats(&self, uptime: Duration) -> ProbeStats {
        let within = |latest: &&NewestProbe| is_within(latest.at, self.pace.horizon, uptime);
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
            coverage_limit: self.pace.coverage_limit(self.in_scope()),
            interval: self.pace.interval,
            last: self.last,
        }
    }

    /// Number of workspaces that the last round found in scope.
    fn in_scope(&self) -> usize {
        let scoped = self.scoped.iter().flatten();
        scoped.filter(|(_, it)| it.last == self.last_round).count()
    }

    fn coverage(&self, uptime: Duration) -> Option<f64> {
        let scoped = self.scoped.iter().flatten();
        let mut asked_for = 0_u64;
        let mut covered = 0_u64;
        for (workspace, it) in scoped {
            let is_old = uptime.saturating_sub(it.first) >= self.pace.horizon;
            if it.last != self.last_round || !is_old {
                continue;
            }
            asked_for += 1;
            let latest = self.latest.get(workspace);
            covered +=
                u64::from(latest.is_some_and(|it| is_within(it.at, self.pace.horizon, uptime)));
        }
        (asked_for > 0).then(|| covered as f64 / asked_for as f64)
    }
}

/// Every pair of a status and an outcome that contradict each other.
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
