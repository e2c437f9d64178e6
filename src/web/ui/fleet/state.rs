//! The sentence at the top of the page: whether there are problems.

use maud::{Markup, html};

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::{CollectionResult, Collector, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::health_history::HealthHistory;
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in, total};
use crate::web::ui::moments::clock_time;
use crate::web::ui::parts::{counted, number};

/// Whether the agents of the fleet are known.
#[derive(Debug)]
pub(super) enum FleetState<'a> {
    /// The agents collector succeeded.
    Known {
        /// The judged snapshot of the collection.
        fleet: &'a FleetStats,
        /// Number of agents by health, with every class.
        total: ByHealth,
    },
    /// Agents are unknown, which must not look like a healthy fleet.
    Unknown {
        /// Why they are unknown, in a few words.
        reason: &'static str,
        /// The failure with its advice, if there was one.
        failure: Option<&'a Failure>,
    },
}

impl<'a> FleetState<'a> {
    /// The state after this collection.
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

    /// The fleet; `None` if its agents are unknown.
    pub(super) fn fleet(&self) -> Option<&'a FleetStats> {
        match self {
            Self::Known { fleet, .. } => Some(fleet),
            Self::Unknown { .. } => None,
        }
    }

    /// A short form for the title of the window.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Unknown { .. } => "Unknown".to_owned(),
            Self::Known { fleet, .. } if down(fleet).is_some() => "Coder is down".to_owned(),
            Self::Known { total, .. } => match (problems_in(total), running(total)) {
                (0, 0) => "None running".to_owned(),
                (0, _) => "All well".to_owned(),
                (problems, _) => counted(problems, "problem"),
            },
        }
    }

    /// The number of agents with a problem; `None` if unknown.
    pub(super) fn problems(&self) -> Option<u64> {
        match self {
            Self::Unknown { .. } => None,
            Self::Known { total, .. } => Some(problems_in(total)),
        }
    }

    /// Renders the sentence, and advice if there is a failure.
    pub(super) fn show(&self, health_history: &HealthHistory, now: Timestamp) -> Markup {
        match self {
            Self::Known { fleet, total } => {
                let class = match problems_in(total) {
                    0 => "verdict good",
                    _ => "verdict bad",
                };
                let down = down(fleet);
                html! {
                    @if let Some((since, cause)) = down {
                        h1 class="verdict bad" {
                            "Coder has been down since " (clock_time(since, now)) ": " (cause)
                        }
                        p class="note" { a href="#problems" { (sentence(total)) } }
                    } @else {
                        h1 class=(class) { a href="#problems" { (sentence(total)) } }
                    }
                }
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

/// Since when Coder itself is down, and how it came about.
fn down(fleet: &FleetStats) -> Option<(Timestamp, &'static str)> {
    let state = fleet.coder_state()?;
    match state {
        CoderState::Down { since, .. } => Some((since, state.cause()?)),
        CoderState::Alive => None,
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
        ErrorKind::Lock => "another session holds a lock on Coder's tables",
        ErrorKind::Authentication => "the database refuses this exporter",
        ErrorKind::Tls => "the TLS connection to the database failed",
        ErrorKind::Schema => "the database schema is not supported",
        ErrorKind::Permission => "this exporter has no permission to read the database",
        ErrorKind::Decode | ErrorKind::Query | ErrorKind::DuplicateSeries => {
            "the database could not be read"
        }
    }
}

/// The number of agents without those that were shut down.
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
