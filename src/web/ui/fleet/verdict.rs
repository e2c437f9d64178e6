//! The sentence at the top of the page. The first of these that holds is said: the agents are
//! unknown, Coder is down, incidents, scattered problems, disagreements of the probe, all is well.

use std::time::Duration;

use maud::{Markup, html};

use crate::error::Failure;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::age;
use crate::fleet::rules::coder::CoderState;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{ByHealth, problems_in};
use crate::web::ui::moments::clock_time;
use crate::web::ui::parts::{counted, number};

use super::View;
use super::state::{FleetState, remedy};

/// Data that is older says nothing about now: two scrapes at the usual interval of 30 s.
pub(super) const OLD: Duration = Duration::from_secs(60);

/// What the page says first.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// The exporter cannot see the agents.
    Unknown {
        /// Since when.
        since: Option<Timestamp>,
        /// Why, in a few words.
        reason: &'static str,
        /// The failure with its advice, if there was one.
        failure: Option<&'a Failure>,
    },
    /// The data is older than [`OLD`]: so many seconds.
    Old(f64),
    /// No coderd has written to the database since then, for this reason.
    CoderDown(Timestamp, &'static str),
    /// Coder did not answer this exporter.
    CoderSilent(&'a str),
    /// Problems, and what they have in common.
    Problems {
        /// Number of incidents; 0 where the problems are scattered.
        incidents: u64,
    },
    /// The rows show no problem, but so many of them contradict the dial.
    Disagreements(u64),
    /// No problem is known.
    Well,
}

impl<'a> Verdict<'a> {
    /// The verdict on this page's data.
    pub(super) fn of(view: &'a View<'_>, state: &'a FleetState<'_>) -> Self {
        let (fleet, total) = match state {
            FleetState::Known { fleet, total } => (fleet, total),
            FleetState::Unknown { reason, failure } => {
                return Self::Unknown {
                    since: failure.and(view.health_history.unknown_since()),
                    reason,
                    failure: *failure,
                };
            }
        };
        let old = seconds_old(fleet, view.now);
        if old > OLD.as_secs_f64() {
            return Self::Old(old);
        }
        if let Some((since, cause)) = down(fleet) {
            return Self::CoderDown(since, cause);
        }
        if let Some(trouble) = &view.coder_trouble {
            return Self::CoderSilent(trouble);
        }
        if problems_in(total) > 0 {
            let incidents = view.incidents.len() as u64;
            return Self::Problems { incidents };
        }
        match view.disagreements {
            0 => Self::Well,
            many => Self::Disagreements(many),
        }
    }

    /// A short form for the title of the window.
    pub(super) fn title(&self, state: &FleetState<'_>) -> String {
        let problems = state.problems().unwrap_or_default();
        let running = state.total().map(running).unwrap_or_default();
        match self {
            Self::Unknown { .. } => "Unknown".to_owned(),
            Self::Old(_) => "Old data".to_owned(),
            Self::CoderDown(..) => "Coder is down".to_owned(),
            Self::CoderSilent(_) => "Coder does not answer".to_owned(),
            Self::Problems { incidents: 0 } => counted(problems, "problem"),
            Self::Problems { incidents } => format!(
                "{}, {}",
                counted(*incidents, "incident"),
                counted(problems, "problem")
            ),
            Self::Disagreements(many) => counted(*many, "disagreement"),
            Self::Well if running == 0 => "None running".to_owned(),
            Self::Well => "All well".to_owned(),
        }
    }

    /// The colour: green only where nothing is wrong and everything is known.
    const fn class(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::Old(_) | Self::Disagreements(_) => "verdict unknown",
            Self::CoderDown(..) | Self::CoderSilent(_) | Self::Problems { .. } => "verdict bad",
            Self::Well => "verdict good",
        }
    }

    /// Renders the sentence, and what belongs to it.
    pub(super) fn show(&self, view: &View<'_>, state: &FleetState<'_>) -> Markup {
        html! {
            h1 class=(self.class()) data-verdict { (self.headline(view, state)) }
            @match self {
                Self::Unknown { failure, .. } => {
                    @if let Some(failure) = failure {
                        p class="warning" { (failure) }
                        p class="advice" {
                            b { "Do: " } (remedy(failure.kind)) " "
                            code { "coder-agent-exporter check" } " tries each step and names the one that fails."
                        }
                    }
                    p class="note" {
                        "Workspaces run on without this exporter: the state of their agents is not known. "
                        "An open page asks again every five seconds, Prometheus with each scrape, and neither "
                        "waits longer after a failure. "
                        span data-next data-keep hidden {}
                    }
                    (last_known(view.health_history.last_known(), view.now))
                }
                Self::CoderDown(..) | Self::CoderSilent(_) | Self::Old(_) => {
                    @if let Some(total) = state.total() { p class="note" { (sentence(total)) "." } }
                }
                Self::Problems { .. } | Self::Disagreements(_) | Self::Well => {}
            }
            @if let (Self::CoderDown(..) | Self::Old(_), Some(trouble)) = (self, &view.coder_trouble) {
                p class="warning" { "Coder does not answer this exporter: " (trouble) }
            }
        }
    }

    fn headline(&self, view: &View<'_>, state: &FleetState<'_>) -> Markup {
        let sentence = state.total().map(sentence).unwrap_or_default();
        html! {
            @match self {
                Self::Unknown { since, reason, .. } => {
                    "Unknown"
                    @if let Some(at) = since { " since " (clock_time(*at, view.now)) }
                    ": " (reason)
                }
                Self::Old(seconds) => { "Unknown: the data is " (age(*seconds)) " old" }
                Self::CoderDown(since, cause) => {
                    "Coder has been down since " (clock_time(*since, view.now)) ": " (cause)
                }
                Self::CoderSilent(trouble) => { "Coder does not answer this exporter: " (trouble) }
                Self::Problems { incidents: 0 } => (sentence),
                Self::Problems { incidents } => { (counted(*incidents, "incident")) ": " (sentence) }
                Self::Disagreements(many) => {
                    (sentence) ", but the probe disagrees about "
                    a href=(view.links.here("/probes")) { (number(*many)) }
                }
                Self::Well => (sentence),
            }
        }
    }
}

/// The age of the data. A standby that lags shows what was true before.
fn seconds_old(fleet: &FleetStats, now: Timestamp) -> f64 {
    let lag = fleet.snapshot.replica_lag_seconds.unwrap_or_default();
    now.seconds_since(fleet.snapshot.now) + lag
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
    use crate::error::ErrorKind;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::{Agent, Kind};
    use crate::incident::advice::tests::incident;
    use crate::incident::model::Common;
    use crate::incident::population::Family;
    use crate::web::ui::fleet::fixtures::{collection, view};
    use crate::web::ui::fleet::query::Query;

    fn said(change: impl FnOnce(&mut View<'_>), agents: Vec<Agent>) -> (String, String) {
        let collection = collection(Ok(fleet_of(agents)));
        let query = Query::default();
        let mut view = view(&collection, &query);
        change(&mut view);
        let state = FleetState::of(&collection);
        let verdict = Verdict::of(&view, &state);
        (verdict.class().to_owned(), verdict.title(&state))
    }

    fn lost() -> Agent {
        Agent {
            last_connected_at: Some(at(-90)),
            ..agent()
        }
    }

    fn check_verdict(
        agents: Vec<Agent>,
        change: impl FnOnce(&mut View<'_>),
        class: &str,
        title: &str,
    ) {
        let found = said(change, agents);
        assert_eq!(found, (format!("verdict {class}"), title.to_owned()));
    }

    #[test]
    fn first_that_holds_is_said_and_green_is_only_what_is_well() {
        let silent = |view: &mut View<'_>| view.coder_trouble = Some("refused".to_owned());
        let found = [incident(Kind::Root, Family::Lost, Common::Deployment)];
        check_verdict(vec![agent()], |_| {}, "good", "All well");
        check_verdict(vec![agent()], silent, "bad", "Coder does not answer");
        check_verdict(
            vec![agent(), lost()],
            silent,
            "bad",
            "Coder does not answer",
        );
        check_verdict(vec![agent(), lost()], |_| {}, "bad", "1 problem");
        let disagree = |view: &mut View<'_>| view.disagreements = 2;
        check_verdict(vec![agent()], disagree, "unknown", "2 disagreements");
        check_verdict(vec![agent(), lost()], disagree, "bad", "1 problem");
        let collection = collection(Ok(fleet_of(vec![agent(), lost()])));
        let query = Query::default();
        let mut view = view(&collection, &query);
        view.incidents = &found;
        let state = FleetState::of(&collection);
        let title = Verdict::of(&view, &state).title(&state);
        assert_eq!(title, "1 incident, 1 problem");
    }

    #[test]
    fn data_older_than_two_scrapes_says_nothing_about_now() {
        let after = |seconds: u64| {
            move |view: &mut View<'_>| view.now = at(0).after(Duration::from_secs(seconds))
        };
        check_verdict(vec![agent()], after(60), "good", "All well");
        check_verdict(vec![agent()], after(61), "unknown", "Old data");
        check_verdict(vec![lost()], after(61), "unknown", "Old data");
    }

    #[test]
    fn database_that_fails_stands_before_all() {
        let failure = Failure::new(ErrorKind::Connect, "refused");
        let collection = collection(Err(failure));
        let query = Query::default();
        let mut view = view(&collection, &query);
        view.coder_trouble = Some("refused".to_owned());
        let state = FleetState::of(&collection);
        let verdict = Verdict::of(&view, &state);
        assert_eq!(verdict.title(&state), "Unknown");
        assert_eq!(verdict.class(), "verdict unknown");
    }

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
