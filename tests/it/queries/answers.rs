//! What comes back: a real Prometheus that scrapes the demo, its probe on, is asked every query.

use std::time::Duration;

use uuid::Uuid;

use super::expression::{ANYTHING, filled};
use super::files::{Query, alert_queries, dashboards};
use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::exposition::{Format, Page};
use crate::harness::prometheus::Prometheus;
use crate::harness::*;

/// Ends of places of queries whose answer is rightly empty here, and why. Each is asked all the same, and those
/// that only leave out zeros must answer with them.
const RIGHTLY_EMPTY: &[(&str, &str)] = &[
    (
        "agent.json, panel \"Status changes per minute\"",
        "leaves out zeros: nobody may have changed in these seconds",
    ),
    ("exporter.json, panel \"Replica lag\"", "a primary is read"),
    (
        "fleet.json, panel \"Incidents\"",
        "the demo may have none just then",
    ),
    (
        "annotation \"Incidents\"",
        "the demo may have none just then",
    ),
    (
        "service.json, panel \"Availability, 30 days\"",
        "recorded once a minute",
    ),
    (
        "service.json, panel \"Error budget left\"",
        "recorded once a minute",
    ),
    (
        "service.json, panel \"Objective\"",
        "recorded once a minute",
    ),
    (
        "service.json, panel \"Templates\"",
        "recorded once a minute",
    ),
    (
        "service.json, panel \"Organizations, 30 days\"",
        "recorded once a minute",
    ),
    (
        "service.json, panel \"Start-up, 9 of 10 are faster\"",
        "no agent may have started",
    ),
    (
        "service.json, panel \"Start-up, half are faster\"",
        "no agent may have started",
    ),
    (
        "exporter.json, panel \"Last error of each kind\"",
        "nothing went wrong",
    ),
];

/// What no Prometheus that has just started can answer.
const A_WEEK_AGO: &str = " offset 1w";

/// How a query leaves out zeros.
const WITHOUT_ZEROS: &str = " > 0";

/// More problems than that have no series of their own: they are dropped, and counted.
const MOST_SERIES: &str = "--metrics.max-agent-series=40";

/// For rates over some of Prometheus' scrapes, two seconds apart.
const RATE_INTERVAL: &str = "20s";

/// One rule that fires at once, so that there is an alert to annotate.
const FIRING: &str = "groups: [{name: test, rules: [{alert: CoderTest, expr: 'vector(1)'}]}]";

/// Everything that the queries are about.
struct Stage {
    prometheus: Prometheus,
    _exporter: Program,
    _coderd: StandIn,
    _folder: Folder,
}

impl Stage {
    async fn set() -> Self {
        let coderd = StandIn::start().await;
        let url = format!("--coder.url={}", coderd.url("127.0.0.1"));
        let flags = [
            "--demo.agents=100",
            "--metrics.agent-series=all",
            MOST_SERIES,
            "--probe.dialer=coderd",
            "--probe.scope=all",
            "--probe.interval=1s",
            "--probe.horizon=5s",
            "--web.external-url=https://exporter.example",
            &url,
        ];
        let exporter = Program::demo_with(&flags, &[("CODER_SESSION_TOKEN", TOKEN)]).await;
        // coderd knows some of the agents; of the others it says that there are none.
        for agent in some_agents(&exporter).await {
            coderd.answer(agent, Answer::ports());
        }
        let folder = Folder::new();
        let rules = folder.write("firing.yaml", FIRING);
        let alerts = super::files::folder("alerts").join("*.rules.yaml");
        let lines = format!(
            "rule_files: ['{rules}', '{}']\nglobal: {{evaluation_interval: 1s}}\n",
            alerts.display()
        );
        let prometheus = Prometheus::scraping_with(exporter.address, &[], &lines).await;
        Self {
            prometheus,
            _exporter: exporter,
            _coderd: coderd,
            _folder: folder,
        }
    }
}

/// Agents that have a series of their own.
async fn some_agents(exporter: &Program) -> Vec<Uuid> {
    let response = http::get(exporter.address, "/metrics", &[]).await.unwrap();
    let page = Page::read(Format::Text, &response.body).unwrap();
    let infos = page.samples("coder_agent_info", &[]);
    let ids = infos.map(|it| it.label("agent_id").unwrap().parse().unwrap());
    ids.collect()
}

/// The query as Grafana would ask it of somebody who chose nothing.
fn as_asked(query: &str) -> String {
    filled(query, |name| {
        match name {
            "__rate_interval" => RATE_INTERVAL,
            "__range" => "1h",
            _ => ANYTHING,
        }
        .to_owned()
    })
}

/// What this query is asked as, and the reason for which its answer may be empty.
fn expected(query: &Query) -> (String, Option<&'static str>) {
    let listed = RIGHTLY_EMPTY
        .iter()
        .find(|(place, _)| query.place.ends_with(place));
    let asked = as_asked(&query.text);
    if asked.contains(A_WEEK_AGO) {
        return (asked, Some("this Prometheus has just started"));
    }
    match (listed, asked.strip_suffix(WITHOUT_ZEROS)) {
        (Some(_), Some(with_zeros)) => (with_zeros.to_owned(), None),
        (Some((_, why)), None) => (asked, Some(why)),
        (None, _) => (asked, None),
    }
}

/// Why a query does not do, by now.
async fn fault(prometheus: &Prometheus, query: &Query) -> Option<String> {
    let (asked, may_be_empty) = expected(query);
    match prometheus.ask(&asked).await {
        Err(error) => Some(format!("{}: {error}: {asked}", query.place)),
        Ok(answer) if answer.is_empty() && may_be_empty.is_none() => {
            Some(format!("{}: no answer to {asked}", query.place))
        }
        Ok(_) => None,
    }
}

#[tokio::test]
async fn every_query_of_a_dashboard_has_an_answer() {
    let stage = Stage::set().await;
    let mut unanswered: Vec<Query> = dashboards().iter().flat_map(|it| it.queries()).collect();
    assert!(unanswered.len() > 50, "{}", unanswered.len());
    let mut faults = Vec::new();
    // Rates take several scrapes, and the probe several rounds.
    for _ in 0..30 {
        faults.clear();
        let mut still = Vec::new();
        for query in unanswered {
            if let Some(fault) = fault(&stage.prometheus, &query).await {
                faults.push(fault);
                still.push(query);
            }
        }
        unanswered = still;
        if unanswered.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(
        faults.is_empty(),
        "no data (if that is right, say so in RIGHTLY_EMPTY):\n{}",
        faults.join("\n")
    );
    let left_out = "sum(coder_exporter_series_dropped)";
    assert!(stage.prometheus.number(left_out).await > 0.0);
    every_query_of_an_alert_can_be_asked(&stage.prometheus).await;
}

/// Alerts are silent on a fleet that is well enough; what makes them fire is tested by promtool.
async fn every_query_of_an_alert_can_be_asked(prometheus: &Prometheus) {
    for query in alert_queries() {
        let answer = prometheus.ask(&as_asked(&query.text)).await;
        let error = answer.err();
        assert_eq!(error, None, "{}: {}", query.place, query.text);
    }
    let complaints = prometheus.log();
    let complaints = complaints.lines().filter(|it| it.contains("level=error"));
    assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn what_is_rightly_empty_is_there() {
    let queries: Vec<_> = dashboards().iter().flat_map(|it| it.queries()).collect();
    for (place, why) in RIGHTLY_EMPTY {
        let known = queries.iter().any(|it| it.place.ends_with(place));
        assert!(known, "{place} ({why}): there is no such query any more");
    }
}
