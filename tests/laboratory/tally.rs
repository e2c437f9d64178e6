//! How the answers were, by cause.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::time::{Duration, Instant};

use crate::causes::{Case, Cause, now};
use crate::incident::analysis::analyze;
use crate::incident::model::{Common, Incident, IncidentSettings};

/// A fleet from which on the rows usually tell the cause.
const LARGE: usize = 30;

/// Answers to the cases of one cause.
#[derive(Debug, Default, Clone)]
pub(crate) struct Score {
    cases: u32,
    /// What was put into them: two causes in some.
    causes: u32,
    /// Named as the first incident, or of two causes as one of the first two.
    first: u32,
    /// The causes in fleets whose rows tell all of them, and how many of these were named first.
    clear: u32,
    clear_first: u32,
    /// Named at all.
    found: u32,
    /// Not named, but a runner-up of another.
    runner_up: u32,
    /// Incidents with a factor.
    named: u32,
    /// Those of them whose factor was no cause.
    wrong: u32,
    /// Those of them that have a runner-up with a higher score.
    overtaken: u32,
    time: Duration,
}

impl Score {
    /// The share of the causes that were named first, in percent.
    pub(crate) fn first_percent(&self) -> f64 {
        percent(self.first, self.causes)
    }

    /// The same, of fleets whose rows tell their causes from others.
    pub(crate) fn clear_percent(&self) -> f64 {
        percent(self.clear_first, self.clear)
    }

    /// The share of the incidents with a factor whose factor was no cause, in percent.
    pub(crate) fn wrong_percent(&self) -> f64 {
        percent(self.wrong, self.named)
    }

    /// Incidents with a factor that another value would have explained better.
    pub(crate) const fn overtaken(&self) -> u32 {
        self.overtaken
    }

    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.causes += other.causes;
        self.first += other.first;
        self.clear += other.clear;
        self.clear_first += other.clear_first;
        self.found += other.found;
        self.runner_up += other.runner_up;
        self.named += other.named;
        self.wrong += other.wrong;
        self.overtaken += other.overtaken;
        self.time += other.time;
    }

    fn of(case: &Case) -> Self {
        let population = &case.fleet.population;
        let began = Instant::now();
        let settings = IncidentSettings::default();
        let incidents = analyze(population, settings, case.coder_down, now());
        let mut score = Self {
            cases: 1,
            causes: case.causes() as u32,
            time: began.elapsed(),
            ..Self::default()
        };
        let is_clear = case.is_clear();
        for cause in 0..case.causes() {
            let is_it = |it: &Incident| case.is_right(&it.common, cause);
            let found = incidents.iter().any(is_it);
            let mut others = incidents.iter().flat_map(|it| &it.runners_up);
            let is_other = others.any(|(dimension, name, _)| {
                case.is_right(&Common::Value(dimension.clone(), name.clone()), cause)
            });
            let is_first = incidents.iter().take(case.causes()).any(is_it);
            score.first += u32::from(is_first);
            score.clear += u32::from(is_clear);
            score.clear_first += u32::from(is_clear && is_first);
            score.found += u32::from(found);
            score.runner_up += u32::from(!found && is_other);
        }
        for it in incidents.iter().filter(|it| it.common != Common::None) {
            let is_right = (0..case.causes()).any(|cause| case.is_right(&it.common, cause));
            score.named += 1;
            score.wrong += u32::from(!is_right);
            let mut better = it.runners_up.iter();
            score.overtaken += u32::from(better.any(|(_, _, other)| *other > it.score + 1e-6));
        }
        score
    }
}

/// The scores of all causes; of all fleets, and of the large ones.
#[derive(Debug, Default)]
pub(crate) struct Table {
    all: BTreeMap<Cause, Score>,
    large: BTreeMap<Cause, Score>,
    /// Fleets whose answer was not the expected one, by their seed.
    missed: Vec<(u64, usize)>,
}

impl Table {
    /// Asks what is wrong with this fleet, and counts the answer.
    pub(crate) fn judge(&mut self, cause: Cause, case: &Case, seed: u64) {
        let score = Score::of(case);
        let size = case.fleet.population.size as usize;
        if score.first < score.causes || score.wrong > 0 {
            self.missed.push((seed, size));
        }
        if size >= LARGE {
            self.large.entry(cause).or_default().add(&score);
        }
        self.all.entry(cause).or_default().add(&score);
    }

    /// The causes of one sort together.
    pub(crate) fn sum(&self, is: impl Fn(Cause) -> bool, is_large: bool) -> Score {
        let scores = if is_large { &self.large } else { &self.all };
        let mut sum = Score::default();
        let of_sort = scores.iter().filter(|it| is(*it.0));
        of_sort.for_each(|it| sum.add(it.1));
        sum
    }

    /// The missed fleets that are largest, as seed and size: the first to look at.
    fn worst(&self) -> Vec<(u64, usize)> {
        let mut worst = self.missed.clone();
        worst.sort_by_key(|it| std::cmp::Reverse(it.1));
        worst.truncate(10);
        worst
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let names = [
            "cases", "top-1", "clear", "found", "runner", "missed", "false", "ms",
        ];
        write!(f, "{:<28}", "cause")?;
        names.iter().try_for_each(|it| write!(f, " {it:>6}"))?;
        writeln!(f, "  top-1 and false, 30 agents and more")?;
        let lines = self.all.iter().map(|(cause, score)| {
            let large = self.large.get(cause).cloned().unwrap_or_default();
            (format!("{cause:?}"), score.clone(), large)
        });
        let sum = |is: fn(Cause) -> bool| (self.sum(is, false), self.sum(is, true));
        let full = sum(|it| matches!(it, Cause::Full(_)));
        let partial = sum(|it| matches!(it, Cause::Partial(_)));
        let all = sum(|_| true);
        let sums = [
            ("80 % or more", full),
            ("30 to 80 %", partial),
            ("all", all),
        ];
        let sums = sums.map(|(name, (all, large))| (name.to_owned(), all, large));
        for (name, it, large) in lines.chain(sums) {
            let (found, other) = (it.found, it.runner_up);
            writeln!(
                f,
                "{name:<28} {:>6} {:>6.1} {:>6.1} {:>6.1} {:>6.1} {:>6.1} {:>6} {:>6.2}  {:>6.1} {:>5.1}",
                it.cases,
                it.first_percent(),
                it.clear_percent(),
                percent(found, it.causes),
                percent(other, it.causes),
                percent(it.causes - found - other, it.causes),
                it.wrong,
                it.time.as_secs_f64() * 1000.0 / f64::from(it.cases),
                large.first_percent(),
                large.wrong_percent(),
            )?;
        }
        let sum = self.sum(|_| true, false);
        let unclear = sum.causes - sum.clear;
        writeln!(
            f,
            "clear: without the {unclear} of {} causes that the rows do not tell",
            sum.causes
        )?;
        let wrong = [false, true].map(|it| self.sum(|_| true, it).wrong_percent());
        let [all, large] = wrong;
        writeln!(
            f,
            "false factors: {all:.1} %, of 30 agents and more {large:.1} %"
        )?;
        writeln!(
            f,
            "the largest missed, as (seed, agents): {:?}",
            self.worst()
        )
    }
}

/// `part` of `all`, in percent; all of nothing.
fn percent(part: u32, all: u32) -> f64 {
    match all {
        0 => 0.0,
        _ => 100.0 * f64::from(part) / f64::from(all),
    }
}
