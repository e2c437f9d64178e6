//! Decides which failures are logged when the same failure repeats at every scrape. Pure: the time
//! is an argument.
//!
//! A first failure and a failure with a new message are logged at once. Repeats are counted and
//! logged once in [`INTERVAL`]. A recovery is logged once, with the duration and the number of
//! failures. No failure is lost: `coder_exporter_errors_total` counts each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};

/// Interval at which a continuing failure is logged again. It is short enough to be among the last
/// lines of a log, and long enough not to fill a disk in a night.
pub const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Maximum number of different messages of one subject. A message that changes every time must not
/// fill the memory or the log.
const MOST_MESSAGES: usize = 8;

/// A part of the exporter that fails and recovers on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The collection as a whole.
    Collection,
    /// One collector; the others continued.
    Collector(Collector),
    /// Rows that were merged because they would give a series twice.
    Rows,
    /// A scrape whose timeout passed before the shared collection ended.
    Scrape,
    /// A probe round that could not read the database.
    Probe,
    /// Coder, which did not answer at `/healthz`.
    Coder,
    /// The query for session reports.
    Activity,
    /// The query for the sessions before a loss.
    CutOff,
}

impl Subject {
    /// The name of the collector; `None` for other subjects.
    pub fn collector(self) -> Option<&'static str> {
        match self {
            Self::Collector(collector) => Some(collector.as_str()),
            _ => None,
        }
    }
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A first failure, or one with a new message.
    Failed(Subject, Failure),
    /// A repeated failure, for the log level debug.
    Repeated(Subject, Failure),
    /// A summary of repeated failures.
    StillFailing {
        /// The part that still fails.
        subject: Subject,
        /// The latest failure, whose message is logged.
        failure: Failure,
        /// Number of failures since the last line about this subject, including the latest.
        times: u64,
        /// Time since the last line about this subject.
        over: Duration,
    },
    /// A success after one or more failures.
    WorksAgain {
        /// The part that works again.
        subject: Subject,
        /// Time from the first failure to the recovery.
        after: Duration,
        /// Number of failures in that time, with any message.
        failures: u64,
    },
    /// Something is absent, or not as it was tested: nothing failed.
    Note(String),
}

/// Failing subjects, and what was logged about each.
#[derive(Debug, Default)]
pub struct LogDedup {
    troubles: BTreeMap<Subject, Trouble>,
    /// The notes of the last collection.
    notes: BTreeSet<String>,
}

#[derive(Debug)]
struct Trouble {
    since: Duration,
    last: Duration,
    failures: u64,
    messages: BTreeMap<(ErrorKind, String), Repeats>,
}

#[derive(Debug)]
struct Repeats {
    said: Duration,
    unsaid: u64,
}

impl LogDedup {
    /// The lines for a collection that ended `at` this time since the start of the process.
    pub fn collection(&mut self, collection: &CollectionResult, at: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        match &collection.fleet {
            Err(failure) => lines.push(self.failed(Subject::Collection, failure, at)),
            Ok(fleet) => {
                lines.extend(self.works(Subject::Collection, at));
                lines.extend(self.notes(&fleet.snapshot.notes));
            }
        }
        for report in &collection.reports {
            let subject = Subject::Collector(report.collector);
            match &report.outcome {
                Outcome::Failed(failure) => lines.push(self.failed(subject, failure, at)),
                Outcome::Loaded { .. } | Outcome::Unsupported { .. } => {
                    lines.extend(self.works(subject, at));
                }
                // It had no chance: nothing is known of it.
                Outcome::NotRun => {}
            }
        }
        lines
    }

    /// What to say of these notes: those that the last collection did not have.
    fn notes(&mut self, notes: &[String]) -> Vec<Line> {
        let notes: BTreeSet<_> = notes.iter().cloned().collect();
        let new = notes.difference(&self.notes).cloned().map(Line::Note);
        let new = new.collect();
        self.notes = notes;
        new
    }

    /// The line for a failure.
    pub fn failed(&mut self, subject: Subject, failure: &Failure, at: Duration) -> Line {
        // Nothing says that the next scrape would have had time: silence is its end.
        let is_over = |it: &Trouble| at.saturating_sub(it.last) >= INTERVAL;
        if subject == Subject::Scrape && self.troubles.get(&subject).is_some_and(is_over) {
            self.troubles.remove(&subject);
        }
        let trouble = self.troubles.entry(subject).or_insert_with(|| Trouble {
            since: at,
            last: at,
            failures: 0,
            messages: BTreeMap::new(),
        });
        trouble.last = at;
        trouble.failures += 1;
        trouble.say(subject, failure, at)
    }

    /// The line for a success; `None` if the subject did not fail before.
    pub fn works(&mut self, subject: Subject, at: Duration) -> Option<Line> {
        let trouble = self.troubles.remove(&subject)?;
        Some(Line::WorksAgain {
            subject,
            after: at.saturating_sub(trouble.since),
            failures: trouble.failures,
        })
    }
}

impl Trouble {
    fn say(&mut self, subject: Subject, failure: &Failure, at: Duration) -> Line {
        let mut key = (failure.kind, failure.message.clone());
        if !self.messages.contains_key(&key) && self.messages.len() >= MOST_MESSAGES {
            key.1.clear();
        }
        let Some(repeats) = self.messages.get_mut(&key) else {
            let said = Repeats {
                said: at,
                unsaid: 0,
            };
            self.messages.insert(key, said);
            return Line::Failed(subject, failure.clone());
        };
        repeats.unsaid += 1;
        let over = at.saturating_sub(repeats.said);
        if over < INTERVAL {
            return Line::Repeated(subject, failure.clone());
        }
        let times = repeats.unsaid;
        *repeats = Repeats {
            said: at,
            unsaid: 0,
        };
        Line::StillFailing {
            subject,
            failure: failure.clone(),
            times,
            over,
        }
    }
}

#[cfg(test)]
#[path = "log_dedup_tests.rs"]
mod tests;
