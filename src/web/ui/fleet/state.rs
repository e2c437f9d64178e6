//! Is anything wrong? The one sentence a reader came for.

use maud::{Markup, html};

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::health_history::HealthHistory;
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in, total};
use crate::web::ui::moments::clock_time;
use crate::web::ui::parts::{counted, number};

/// What is known of the fleet.
#[derive(Debug)]
pub(super) enum FleetState<'a> {
    /// Agents are known.
    Known {
        /// They, and all else of that moment.
        fleet: &'a FleetStats,
        /// By health, every class.
        total: ByHealth,
    },
    /// Agents are not known, which is not the same as all well.
    Unknown {
        /// What is the matter, in a few words.
        reason: &'static str,
        /// What went wrong and what to do, if anything went wrong.
        failure: Option<&'a Failure>,
    },
}

impl<'a> FleetState<'a> {
    /// What this collection knows.
    pub(super) fn of(collection: &'a CollectionResult) -> Self {
        let fleet = match &collection.fleet {
            Err(failure) => {
                return Self::Unknown {
                    reason: reason(failure.kind),
                    failure: Some(failure),
                };
            }
            Ok(fleet) => fleet,
        };
        if fleet.agents.is_some() {
            let total = total(&by_template(fleet));
            return Self::Known { fleet, total };
        }
        let agents = collection
            .reports
            .iter()
            .find(|it| it.collector == Collector::Agents);
        match agents.map(|it| &it.outcome) {
            None => Self::Unknown {
                reason: "the agents collector is off",
                failure: None,
            },
            Some(Outcome::Failed(failure)) => Self::Unknown {
                reason: "the agents could not be read",
                failure: Some(failure),
            },
            Some(_) => Self::Unknown {
                reason: "the agents were not read",
                failure: None,
            },
        }
    }

    /// The fleet, where its agents are known.
    pub(super) fn fleet(&self) -> Option<&'a FleetStats> {
        match self {
            Self::Known { fleet, .. } => Some(fleet),
            Self::Unknown { .. } => None,
        }
    }

    /// For the title of a window: the least that says it.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Unknown { .. } => "Unknown".to_owned(),
            Self::Known { total, .. } => match (problems_in(total), running(total)) {
                (0, 0) => "None running".to_owned(),
                (0, _) => "All well".to_owned(),
                (problems, _) => counted(problems, "problem"),
            },
        }
    }

    /// How many have a problem, where that is known.
    pub(super) fn problems(&self) -> Option<u64> {
        match self {
            Self::Unknown { .. } => None,
            Self::Known { total, .. } => Some(problems_in(total)),
        }
    }

    /// The sentence itself, and where it is bad news, what to do.
    pub(super) fn show(&self, health_history: &HealthHistory, now: Timestamp) -> Markup {
        match self {
            Self::Known { total, .. } => {
                let class = match problems_in(total) {
                    0 => "verdict good",
                    _ => "verdict bad",
                };
                html! { h1 class=(class) { a href="#problems" { (sentence(total)) } } }
            }
            Self::Unknown { reason, failure } => html! {
                h1 class="verdict unknown" {
                    "Unknown"
                    @if let Some(at) = failure.and(health_history.unknown_since()) {
                        " since " (clock_time(at, now))
                    }
                    ": " (reason)
                }
                @if let Some(failure) = failure { p class="warning" { (failure) } }
                (last_known(health_history.last_known(), now))
            },
        }
    }
}

fn last_known(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! {
        p class="note" {
            @match at {
                Some(at) => { "The last data is from " (clock_time(at, now)) "." },
                None => "There has been no data since this exporter started.",
            }
        }
    }
}

fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect | ErrorKind::Timeout => "the database does not answer",
        ErrorKind::Authentication => "the database refuses this exporter",
        ErrorKind::Tls => "the TLS connection to the database failed",
        ErrorKind::Schema => "the database schema is not supported",
        ErrorKind::Permission => "this exporter has no permission to read the database",
        ErrorKind::Decode | ErrorKind::Query | ErrorKind::DuplicateSeries => {
            "the database could not be read"
        }
    }
}

/// Agents that were not asked to be gone.
fn running(total: &ByHealth) -> u64 {
    let others = total
        .iter()
        .filter(|(health, _)| **health != Health::Shutdown);
    others.map(|(_, count)| count).sum()
}

fn sentence(total: &ByHealth) -> String {
    let count = |health: Health| total.get(&health).copied().unwrap_or_default();
    let all: u64 = total.values().sum();
    let problems = problems_in(total);
    let running = running(total);
    let coming = count(Health::Connecting) + count(Health::Starting);
    match (problems, running) {
        (0, 0) if all == 0 => "There are no agents".to_owned(),
        (0, 0) => format!("No agent is running: {} shut down", counted(all, "agent")),
        (0, 1) => "The one running agent is well".to_owned(),
        (0, running) if coming == 0 => {
            format!("All {} running agents are well", number(running))
        }
        (0, running) => format!(
            "All {} running agents are well, {} of them starting",
            number(running),
            number(coming)
        ),
        (1, _) => format!("1 of {} has a problem", counted(all, "agent")),
        (problems, _) => format!(
            "{} of {} have a problem",
            number(problems),
            counted(all, "agent")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[(Health, u64)], expected: &str) {
        assert_eq!(sentence(&counts.iter().copied().collect()), expected);
    }

    #[test]
    fn sentence_says_whether_anything_is_wrong() {
        use Health::{Disconnected, Healthy, Shutdown, StartError, Starting};
        check(&[], "There are no agents");
        check(&[(Shutdown, 3)], "No agent is running: 3 agents shut down");
        check(
            &[(Healthy, 1), (Shutdown, 3)],
            "The one running agent is well",
        );
        check(
            &[(Healthy, 1375), (Shutdown, 3)],
            "All 1,375 running agents are well",
        );
        check(
            &[(Healthy, 370), (Starting, 5)],
            "All 375 running agents are well, 5 of them starting",
        );
        check(
            &[(Healthy, 411), (Disconnected, 1)],
            "1 of 412 agents has a problem",
        );
        check(
            &[(Healthy, 375), (Disconnected, 30), (StartError, 7)],
            "37 of 412 agents have a problem",
        );
        check(&[(Disconnected, 1)], "1 of 1 agent has a problem");
    }
}
