//! Series for single agents (`docs/spec/metrics.md`): which, with what, and how many at most.

use std::collections::BTreeSet;

use coder_agent_exporter::metrics::page::AgentSeries;

use crate::harness::exposition::Page;
use crate::harness::fleet::literal;
use crate::harness::*;

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";
const INFO: &str = "coder_agent_info";
const LAST_CONNECTED: &str = "coder_agent_last_connected_timestamp_seconds";
const DROPPED: &str = "coder_exporter_series_dropped";

async fn scrape(coder: &Coder, series: AgentSeries, limit: usize) -> Page {
    let exporter = coder
        .exporter_with(|it| {
            it.web.detail.agent_series = series;
            it.web.detail.max_agent_series = limit;
        })
        .await;
    exporter.scrape().await
}

/// Values of one label over all series of a family.
fn values<'a>(page: &'a Page, family: &'a str, label: &str) -> BTreeSet<&'a str> {
    let samples = page.samples(family, &[]);
    samples.map(|it| it.label(label).unwrap()).collect()
}

/// Names of the labels of a family's first series.
fn label_names<'a>(page: &'a Page, family: &'a str) -> Vec<&'a str> {
    let sample = page.samples(family, &[]).next().expect("a sample");
    sample.labels.keys().map(String::as_str).collect()
}

fn dropped(page: &Page, metric: &str) -> Option<f64> {
    page.get(DROPPED, &[("metric", metric)])
}

/// Two healthy agents, one that never connected, three problems: disconnected for 300, 200 and
/// 100 seconds.
async fn six_agents() -> Coder {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("healthy-1"))
        .agent(agent("healthy-2"))
        .agent(waiting_agent("waiting", 5.0))
        .agent(agent("lost-100").closed_ago(100.0))
        .agent(agent("lost-300").closed_ago(300.0))
        .agent(agent("lost-200").closed_ago(200.0));
    coder.add(workspace("box").build(build)).await;
    coder
}

#[tokio::test]
async fn info_says_what_an_agent_is_in_labels() {
    let coder = Coder::new().await;
    let main = agent("main")
        .set("version", literal("v2.35.0"))
        .lifecycle("starting")
        .ago("started_at", 60.0);
    let id = main.id.to_string();
    let story = workspace("box").owner("grace").agent(main);
    let workspace_id = story.id.to_string();
    coder.add(story).await;
    let page = scrape(&coder, AgentSeries::All, 1000).await;
    let labels = [
        ("organization_name", "acme"),
        ("template_name", "docker"),
        ("kind", "root"),
        ("agent_id", id.as_str()),
        ("agent_name", "main"),
        ("workspace_id", workspace_id.as_str()),
        ("workspace_name", "box"),
        ("workspace_owner", "grace"),
        ("version", "v2.35.0"),
        ("lifecycle_state", "starting"),
        ("status", "connected"),
        ("health", "starting"),
    ];
    assert_eq!(page.get(INFO, &labels), Some(1.0), "{}", page.show(INFO));
    assert_eq!(label_names(&page, INFO).len(), labels.len());
}

#[tokio::test]
async fn last_connected_is_the_last_heartbeat_and_absent_when_there_is_none() {
    let coder = Coder::new().await;
    let heartbeat = "timestamptz '2026-01-01 12:00:00.25Z'";
    let main = agent("main").set("last_connected_at", heartbeat);
    let id = main.id.to_string();
    let build = start(1).agent(main).agent(waiting_agent("never", 5.0));
    coder.add(workspace("box").build(build)).await;
    let page = scrape(&coder, AgentSeries::All, 1000).await;
    let at = page.value(LAST_CONNECTED, &[("agent_id", &id)]);
    assert_eq!(at, 1_767_268_800.25);
    assert_eq!(page.samples(LAST_CONNECTED, &[]).count(), 1);
    assert_eq!(
        label_names(&page, LAST_CONNECTED),
        ["agent_id", "organization_name", "template_name"]
    );
    assert_eq!(page.samples(INFO, &[]).count(), 2);
}

#[tokio::test]
async fn only_all_has_a_series_for_each_agent() {
    let coder = six_agents().await;
    for (series, problems, infos) in [
        (AgentSeries::None, 0, 0),
        (AgentSeries::Problems, 3, 0),
        (AgentSeries::All, 3, 6),
    ] {
        let page = scrape(&coder, series, 1000).await;
        let count = |family| page.samples(family, &[]).count();
        assert_eq!(count(PROBLEM), problems, "{series:?}");
        assert_eq!(count(INFO), infos, "{series:?}");
        assert_eq!(count(LAST_CONNECTED), infos.saturating_sub(1), "{series:?}");
        // Nothing is dropped from what is not wanted.
        let nothing = |wanted: bool| wanted.then_some(0.0);
        assert_eq!(dropped(&page, PROBLEM), nothing(problems > 0), "{series:?}");
        assert_eq!(dropped(&page, INFO), nothing(infos > 0), "{series:?}");
        assert_eq!(dropped(&page, LAST_CONNECTED), nothing(infos > 0));
        // What is counted does not depend on it.
        assert_eq!(page.value("coder_agents", &[]), 6.0);
    }
}

#[tokio::test]
async fn within_the_limit_stand_the_oldest_problems_first() {
    let coder = six_agents().await;
    let page = scrape(&coder, AgentSeries::All, 2).await;
    let oldest = BTreeSet::from(["lost-200", "lost-300"]);
    assert_eq!(values(&page, PROBLEM, "agent_name"), oldest);
    assert_eq!(values(&page, INFO, "agent_name"), oldest);
    let ids = values(&page, INFO, "agent_id");
    assert_eq!(values(&page, LAST_CONNECTED, "agent_id"), ids);
    assert_eq!(dropped(&page, PROBLEM), Some(1.0));
    assert_eq!(dropped(&page, INFO), Some(4.0));
    assert_eq!(
        dropped(&page, LAST_CONNECTED),
        Some(3.0),
        "of five that ever connected"
    );
}

#[tokio::test]
async fn healthy_agents_fill_what_the_problems_leave_and_stay_the_same_ones() {
    let coder = six_agents().await;
    let first = scrape(&coder, AgentSeries::All, 4).await;
    let second = scrape(&coder, AgentSeries::All, 4).await;
    let names = values(&first, INFO, "agent_name");
    for lost in ["lost-100", "lost-200", "lost-300"] {
        assert!(names.contains(lost), "{names:?}");
    }
    assert_eq!(names.len(), 4);
    assert_eq!(names, values(&second, INFO, "agent_name"));
    assert_eq!(dropped(&first, PROBLEM), Some(0.0));
    assert_eq!(dropped(&first, INFO), Some(2.0));
}

#[tokio::test]
async fn limit_of_none_drops_all_and_counts_them() {
    let coder = six_agents().await;
    let page = scrape(&coder, AgentSeries::All, 0).await;
    for family in [PROBLEM, INFO, LAST_CONNECTED] {
        assert!(!page.has(family), "{}", page.show(family));
    }
    assert_eq!(dropped(&page, PROBLEM), Some(3.0));
    assert_eq!(dropped(&page, INFO), Some(6.0));
}

#[tokio::test]
async fn nothing_is_known_to_be_dropped_while_the_agents_are_unknown() {
    let coder = six_agents().await;
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE SELECT ON workspace_agents FROM {role}"))
        .await;
    let page = scrape(&coder, AgentSeries::All, 2).await;
    for family in [PROBLEM, INFO, LAST_CONNECTED] {
        assert!(!page.has(family), "{}", page.show(family));
        assert_eq!(dropped(&page, family), None, "{family}");
    }
}
