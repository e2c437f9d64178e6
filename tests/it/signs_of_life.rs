//! Is Coder itself alive (`docs/spec/signs-of-life.md`)? By its replicas on a real Postgres, and by
//! what a stand-in for it says over HTTP.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rustls::RootCertStore;
use uuid::Uuid;

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::exposition::Page;
use crate::harness::json::json;
use crate::harness::*;
use crate::probe::Deployment;
use coder_agent_exporter::coder_api::CoderApi;
use coder_agent_exporter::coder_watch::CoderWatch;
use coder_agent_exporter::config::coder_token::Token;

/// A replica whose row was last updated so many seconds ago.
async fn add_replica(coder: &Coder, hostname: &str, updated_ago: f64, more: (&str, &str)) -> Uuid {
    let id = Uuid::new_v4();
    let (column, value) = more;
    coder
        .sql(&format!(
            "INSERT INTO replicas (id, hostname, version, database_latency, started_at, \
             updated_at, {column}) VALUES ('{id}', '{hostname}', 'v2.35.1', 1500, \
             now() - interval '1 hour', now() - interval '{updated_ago} seconds', {value})"
        ))
        .await;
    id
}

const NOTHING_MORE: (&str, &str) = ("error", "''");

fn states(page: &Page) -> [f64; 3] {
    ["running", "stale", "stopped"].map(|it| page.value("coder_replicas", &[("state", it)]))
}

#[tokio::test]
async fn replicas_are_counted_by_state_and_each_has_its_series() {
    let coder = Coder::new().await;
    let page = coder.exporter().await.scrape().await;
    assert!(!page.has("coder_down"), "a Coder that writes no replicas");
    assert_eq!(states(&page), [0.0; 3]);
    let running = add_replica(&coder, "coder-0", 3.0, NOTHING_MORE).await;
    add_replica(&coder, "coder-1", 60.0, NOTHING_MORE).await;
    add_replica(&coder, "coder-2", 60.0, ("stopped_at", "now()")).await;
    add_replica(&coder, "proxy", 3.0, ("\"primary\"", "false")).await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    assert_eq!(states(&page), [1.0; 3]);
    assert_eq!(page.samples("coder_replica_info", &[]).count(), 4);
    let labels = [("replica", &*running.to_string()), ("hostname", "coder-0")];
    let latency = "coder_replica_database_latency_seconds";
    assert_eq!(page.value(latency, &labels), 0.0015);
    assert!(page.value("coder_replica_heartbeat_timestamp_seconds", &labels) > 1.7e9);
    assert_eq!(page.value("coder_down", &[]), 0.0);
}

#[tokio::test]
async fn replicas_beyond_fifty_are_counted_and_have_no_series() {
    let coder = Coder::new().await;
    coder
        .sql(
            "INSERT INTO replicas (id, hostname, version) \
             SELECT gen_random_uuid(), 'coder-' || i, 'v2.35.1' FROM generate_series(1, 53) AS i",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.samples("coder_replica_info", &[]).count(), 50);
    assert_eq!(states(&page)[0], 53.0);
    let dropped = [("metric", "coder_replica_info")];
    assert_eq!(page.value("coder_exporter_series_dropped", &dropped), 3.0);
}

#[tokio::test]
async fn coder_that_crashed_is_said_to_be_down_everywhere() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(90.0)))
        .await;
    add_replica(&coder, "coder-0", 60.0, NOTHING_MORE).await;
    let exporter = coder.exporter().await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_down", &[]), 1.0);
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 200);
    assert!(
        ready.body.starts_with("ready\nCoder is down since "),
        "{}",
        ready.body
    );
    let fleet = json(&exporter.get("/api/v1/fleet").await.body);
    assert_eq!(fleet["coder"]["down"], true);
    assert_eq!(fleet["coder"]["replicas"]["stale"], 1);
    let shown = exporter.get("/").await.body;
    assert!(shown.contains("Coder has been down since "), "{shown}");
    assert!(shown.contains("it crashed, or cannot reach its database"));
    let status = run(&["status", &format!("--postgres.url={}", coder.url())]).await;
    assert!(
        status.stdout.contains("Coder has been down for 1m"),
        "{}",
        status.stdout
    );
}

#[tokio::test]
async fn heartbeat_that_is_fresh_is_a_sign_of_life() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    add_replica(&coder, "coder-0", 60.0, NOTHING_MORE).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value("coder_down", &[]), 0.0);
}

/// An exporter that asks this Coder with the stand-in's token, and what asks.
async fn watching(coder: &Coder, url: &str) -> (Exporter, CoderWatch) {
    let token = Token::Value(TOKEN.to_owned().into());
    let api = CoderApi::trusting(url.parse().unwrap(), Some(token), RootCertStore::empty());
    let watch = CoderWatch::new(Arc::new(api.unwrap()));
    let coder_watch = watch.clone();
    let exporter = coder
        .exporter_with(|it| it.web.coder = Some(coder_watch))
        .await;
    (exporter, watch)
}

#[tokio::test]
async fn what_coder_says_of_itself_is_exported_until_it_does_not_answer() {
    let coder = Coder::new().await;
    let coderd = StandIn::start().await;
    let (exporter, watch) = watching(&coder, &coderd.url("127.0.0.1")).await;
    let page = exporter.scrape().await;
    assert!(!page.has("coder_up"), "it was not asked yet");
    watch.ask().await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_up", &[]), 1.0);
    assert!(page.has("coder_round_trip_seconds"));
    let version = [("version", "v2.35.1+abc")];
    assert_eq!(page.value("coder_build_info", &version), 1.0);
    assert!(!page.has("coder_health_severity"), "the token may not");
    assert_eq!(exporter.get("/-/ready").await.body, "ready\n");
    coderd.set_health(Answer::Page(502));
    watch.ask().await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_up", &[]), 0.0);
    assert!(!page.has("coder_build_info") && !page.has("coder_round_trip_seconds"));
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    for path in ["/", "/-/ready"] {
        let said = exporter.get(path).await;
        assert_eq!(said.status, 200);
        let expected = "Coder does not answer this exporter: ";
        assert!(said.body.contains(expected), "{path}: {}", said.body);
    }
    let fleet = json(&exporter.get("/api/v1/fleet").await.body);
    assert_eq!(fleet["coder"]["up"], false);
}

#[tokio::test]
async fn severities_of_the_health_report_are_exported_and_it_is_asked_for_seldom() {
    let coder = Coder::new().await;
    let coderd = StandIn::start().await;
    let report = r#"{"healthy":false,"time":"now","database":{"severity":"ok"},
        "derp":{"severity":"warning","regions":{}},"websocket":{"severity":"error"},
        "access_url":{"severity":"a word of later"},"coder_version":"v2.35.1"}"#;
    coderd.set_report(Answer::Json(200, report.into()));
    let (exporter, watch) = watching(&coder, &coderd.url("127.0.0.1")).await;
    for _ in 0..3 {
        watch.ask().await;
    }
    let page = exporter.scrape().await;
    let severity = |section| page.value("coder_health_severity", &[("section", section)]);
    assert_eq!(
        ["database", "derp", "websocket"].map(severity),
        [0.0, 1.0, 2.0]
    );
    assert_eq!(page.samples("coder_health_severity", &[]).count(), 3);
    let asked = coderd.requests();
    let asked = asked.iter().filter(|it| it.contains("/debug/health"));
    assert_eq!(asked.count(), 1);
}

/// The classes of all agents, and what is said of each with a problem but for the time.
fn classes(page: &Page) -> String {
    let problem = "coder_agent_problem_timestamp_seconds";
    ["coder_agents_health", "coder_agents", problem]
        .map(|family| page.show(family))
        .join("\n")
}

#[tokio::test]
async fn no_agent_changes_class_because_of_what_coder_answers_over_http() {
    let deployment = Deployment::new().await;
    let answers = [
        Answer::ports(),
        Answer::in_state("disconnected"),
        Answer::in_state("timeout"),
        Answer::error(404, "Resource not found"),
        Answer::error(500, "Internal error dialing workspace agent."),
        Answer::error(500, "Internal error fetching workspace agent."),
        Answer::Page(502),
        Answer::Page(200),
        Answer::HangUp,
        Answer::Garbage,
    ];
    // And what no Coder says. The same each time.
    let anything =
        (0_u16..600, any::<String>(), any::<bool>()).prop_map(|(status, text, is_json)| {
            match is_json {
                true => Answer::error(status, &text.replace(['\\', '\n', '\r'], " ")),
                false => Answer::Json(status, text),
            }
        });
    let mut runner = TestRunner::deterministic();
    let made_up = (0..40).map(|_| anything.new_tree(&mut runner).unwrap().current());
    let made_up: Vec<_> = made_up.collect();
    let answers = [&answers[..], &made_up].concat();
    let agents = [
        // Far from every limit, however long this takes.
        || agent("main").silent_for(-3600.0),
        || agent("main").silent_for(3600.0),
        || agent("main").silent_for(-3600.0).lifecycle("start_error"),
    ];
    for (number, answer) in answers.iter().enumerate() {
        for (sort, agent) in agents.iter().enumerate() {
            let name = format!("w{number}-{sort}");
            deployment.add(&name, agent(), answer.clone()).await;
        }
    }
    let exporter = deployment.exporter(|it| it.probe.sample = Some(200)).await;
    let before = classes(&exporter.scrape().await);
    let healths = [
        Answer::Text(200, "OK"),
        Answer::Page(200),
        Answer::HangUp,
        made_up[0].clone(),
        made_up[1].clone(),
        Answer::Text(200, "OK"),
    ];
    for health in healths {
        deployment.coderd.set_health(health.clone());
        deployment.coderd.set_report(health);
        exporter.probe.as_ref().unwrap().round().await;
        assert_eq!(classes(&exporter.scrape().await), before);
    }
    let outcomes = "coder_agent_probe_outcomes_total";
    assert!(exporter.scrape().await.value(outcomes, &[]) > 0.0);
}
