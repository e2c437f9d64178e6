//! What is worth a line in the log, when the same thing goes wrong at every scrape. Pure: the
//! time is an argument.
//!
//! The first failure is said at once, and so is every failure of another sort. Repeats are
//! counted, and logged once in [`INTERVAL`]; the end is said once, with how long it took and how
//! often it failed. Nothing is lost: `coder_exporter_errors_total` counts each.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};

/// How often a failure that goes on is logged again: often enough for who looks at the last lines
/// of a log, seldom enough for a disk that must hold a night of them.
pub const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How many messages of one subject are distinguished. A message that is never the same twice
/// must not fill the memory, nor the log.
const MOST_MESSAGES: usize = 8;

/// What can fail, and work again, on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The collection as a whole.
    Collection,
    /// One collector of a collection that went on without it.
    Collector(Collector),
    /// Rows that had to be merged.
    Rows,
    /// A scrape whose time was up before the collection it shared was over.
    Scrape,
    /// A round of probes that could not ask.
    Probe,
    /// The session reports that could not be read.
    Activity,
}

impl Subject {
    /// The collector's name, of a collector.
    pub fn collector(self) -> Option<&'static str> {
        match self {
            Self::Collector(collector) => Some(collector.as_str()),
            _ => None,
        }
    }
}

/// One line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Something failed that worked before, or fails in another way now.
    Failed(Subject, Failure),
    /// It failed once more: for who wants to see every failure.
    Repeated(Subject, Failure),
    /// It goes on failing.
    StillFailing {
        /// What fails.
        subject: Subject,
        /// The latest of the failures.
        failure: Failure,
        /// How often it failed since the last line about it, this time included.
        times: u64,
        /// How long ago the last line about it was.
        over: Duration,
    },
    /// It works again.
    WorksAgain {
        /// What works.
        subject: Subject,
        /// How long it did not, from the first failure to now.
        after: Duration,
        /// How often it failed, whatever way.
        failures: u64,
    },
}

/// Remembers what fails and what has been said of it.
#[derive(Debug, Default)]
pub struct LogDedup {
    troubles: BTreeMap<Subject, Trouble>,
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
    /// What to say of a collection that ended `at` this time since the start of the process.
    pub fn collection(&mut self, collection: &CollectionResult, at: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        match &collection.fleet {
            Err(failure) => lines.push(self.failed(Subject::Collection, failure, at)),
            Ok(_) => lines.extend(self.works(Subject::Collection, at)),
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

    /// What to say of this failure.
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

    /// What to say now that this works, if it did not.
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
