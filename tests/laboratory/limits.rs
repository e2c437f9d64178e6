//! The figures that must hold. Seeds are fixed, so a run finds what the last one found: a figure changes
//! only when the analysis does.

use crate::calm::CalmDays;
use crate::causes::Cause;
use crate::tally::Table;

/// The least share of causes named first, and the most false factors, in percent.
pub(crate) struct Limits {
    full: [f64; 2],
    partial: [f64; 2],
    two: [f64; 2],
    /// Of fleets whose rows tell their causes.
    two_clear: f64,
    two_partly: [f64; 2],
    slow: [f64; 2],
    deployment: f64,
    wrong: [f64; 2],
}

/// Where there are two figures, the second is that of fleets of 30 agents and more. In smaller ones
/// the rows often do not tell.
pub(crate) const WHOLE: Limits = Limits {
    full: [99.0, 99.5],
    partial: [89.0, 97.0],
    two: [92.0, 98.5],
    two_clear: 96.0,
    two_partly: [85.0, 94.5],
    slow: [94.0, 98.0],
    deployment: 98.0,
    wrong: [5.0, 1.5],
};

/// A tenth of the fleets, and smaller ones: of some sorts there are so few that one fleet is some percent.
pub(crate) const TENTH: Limits = Limits {
    full: [99.0, 99.5],
    partial: [86.0, 94.0],
    two: [90.0, 98.0],
    two_clear: 98.0,
    two_partly: [78.0, 88.0],
    slow: [85.0, 98.0],
    deployment: 100.0,
    wrong: [6.1, 2.5],
};

/// Factors with a runner-up that explains more.
const MOST_OVERTAKEN: u32 = 0;

impl Limits {
    /// What does not hold.
    pub(crate) fn compare(&self, table: &Table, calm: &[CalmDays]) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut least = |what: &str, is: fn(Cause) -> bool, limits: &[f64]| {
            for (limit, size) in limits.iter().zip(["all", "of 30 and more"]) {
                let first = table.sum(is, size != "all").first_percent();
                if first < *limit {
                    complaints.push(format!("{what} ({size}): {first:.1} %, not {limit} %"));
                }
            }
        };
        least("full", |it| matches!(it, Cause::Full(_)), &self.full);
        least(
            "partial",
            |it| matches!(it, Cause::Partial(_)),
            &self.partial,
        );
        least("two", |it| it == Cause::Two, &self.two);
        least("two partly", |it| it == Cause::TwoPartly, &self.two_partly);
        least("slow", |it| it == Cause::Slow, &self.slow);
        let is_whole = |it| matches!(it, Cause::Deployment | Cause::CoderDown);
        least("deployment", is_whole, &[self.deployment]);
        let clear = table.sum(|it| it == Cause::Two, false).clear_percent();
        if clear < self.two_clear {
            complaints.push(format!("two clear: {clear:.1} %, not {} %", self.two_clear));
        }
        for (limit, is_large) in self.wrong.iter().zip([false, true]) {
            let wrong = table.sum(|_| true, is_large).wrong_percent();
            if wrong > *limit {
                complaints.push(format!("false factors: {wrong:.1} %, not {limit} %"));
            }
        }
        let overtaken = table.sum(|_| true, false).overtaken();
        if overtaken > MOST_OVERTAKEN {
            complaints.push(format!("{overtaken} factors have a better runner-up"));
        }
        let is_wrong = calm.iter().filter(|it| !it.wrong.is_empty());
        complaints.extend(is_wrong.map(|it| format!("calm days: {:?}", it.wrong)));
        complaints
    }
}
