//! How old things are (`docs/spec/metrics.md`): the oldest problem of each kind, and the last
//! heartbeats.

use std::time::Duration;

use crate::harness::exposition::Page;
use crate::harness::fleet::Agent;
use crate::harness::*;

const OLDEST: &str = "coder_agent_oldest_problem_timestamp_seconds";
const AGE: &str = "coder_agent_heartbeat_age_seconds";
const BUCKET: &str = "coder_agent_heartbeat_age_seconds_bucket";

/// The moment at which these tests stop the clock, in seconds since the Unix epoch.
const NOON: f64 = 1_767_268_800.0;

/// A moment before noon, as SQL.
fn before_noon(seconds: f64) -> String {
    format!("timestamptz '2026-01-01 12:00:00Z' - interval '{seconds} s'")
}

/// Connected hours before noon; the last heartbeat came this many seconds before it.
fn silent_at_noon(name: &str, seconds: f64) -> Agent {
    agent(name)
        .set("created_at", before_noon(7200.0))
        .set("first_connected_at", before_noon(7190.0))
        .set("started_at", before_noon(7189.0))
        .set("ready_at", before_noon(7100.0))
        .set("last_connected_at", before_noon(seconds))
}

/// A database in which it is noon.
async fn coder_at_noon() -> Coder {
    let coder = Coder::new().await;
    coder.stop_clock(&before_noon(0.0)).await;
    coder
}

/// Upper bounds and cumulative counts of the only series.
fn buckets(page: &Page) -> Vec<(f64, f64)> {
    let samples = page.samples(BUCKET, &[]);
    samples
        .map(|it| (it.label("le").unwrap().parse().unwrap(), it.value))
        .collect()
}

/// How many heartbeats are at most this old.
#[track_caller]
fn up_to(page: &Page, bound: f64) -> f64 {
    let buckets = buckets(page);
    let found = buckets.iter().find(|(it, _)| *it == bound);
    found
        .unwrap_or_else(|| panic!("no {bound} in {buckets:?}"))
        .1
}

#[tokio::test]
async fn oldest_problem_of_each_health_says_since_when() {
    let coder = coder_at_noon().await;
    let sub = silent_at_noon("sub", 1.0)
        .set("disconnected_at", before_noon(500.0))
        .set("last_connected_at", before_noon(501.0));
    let failed = silent_at_noon("failed", 5.0).lifecycle("start_error");
    let build = start(1)
        .agent(silent_at_noon("young", 60.0).sub(sub))
        .agent(silent_at_noon("old", 3600.0))
        .agent(silent_at_noon("middle", 600.0))
        .agent(failed)
        .agent(silent_at_noon("fine", 1.0));
    coder.add(workspace("a").build(build)).await;
    let other = workspace("b").template("podman");
    coder.add(other.agent(silent_at_noon("main", 90.0))).await;
    let page = coder.exporter().await.scrape().await;
    let since = |template, kind, health| {
        let labels = [
            ("organization_name", "acme"),
            ("template_name", template),
            ("kind", kind),
            ("health", health),
        ];
        page.value(OLDEST, &labels)
    };
    assert_eq!(since("docker", "root", "disconnected"), NOON - 3600.0);
    assert_eq!(since("docker", "sub", "disconnected"), NOON - 500.0);
    assert_eq!(since("docker", "root", "start_error"), NOON - 7100.0);
    assert_eq!(since("podman", "root", "disconnected"), NOON - 90.0);
    assert_eq!(
        page.samples(OLDEST, &[]).count(),
        4,
        "{}",
        page.show(OLDEST)
    );
    // Health is not a reason to be on this list, nor is being told to go.
    let gone = workspace("c").build(stop(1).agent(silent_at_noon("main", 9000.0)));
    coder.add(gone).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(
        page.samples(OLDEST, &[]).count(),
        4,
        "{}",
        page.show(OLDEST)
    );
}

#[tokio::test]
async fn oldest_problem_is_absent_without_problems_and_gone_when_they_are() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    assert!(!exporter.scrape().await.has(OLDEST));
    coder
        .sql("UPDATE workspace_agents SET last_connected_at = now() - interval '60 s'")
        .await;
    assert_eq!(exporter.scrape().await.samples(OLDEST, &[]).count(), 1);
    coder
        .sql("UPDATE workspace_agents SET last_connected_at = now()")
        .await;
    assert!(!exporter.scrape().await.has(OLDEST));
}

#[tokio::test]
async fn heartbeat_of_exactly_the_timeout_is_in_the_bucket_of_the_timeout() {
    let coder = coder_at_noon().await;
    let build = start(1)
        .agent(silent_at_noon("exact", 30.0))
        .agent(silent_at_noon("more", 30.000_001))
        .agent(silent_at_noon("fresh", 3.0))
        .agent(silent_at_noon("long", 300.5));
    coder.add(workspace("box").build(build)).await;
    let page = coder.exporter().await.scrape().await;
    let at = |bound| up_to(&page, bound);
    assert_eq!([at(3.0), at(27.0), at(30.0)], [1.0, 1.0, 2.0]);
    assert_eq!([at(60.0), at(300.0), at(f64::INFINITY)], [3.0, 3.0, 4.0]);
    assert_eq!(page.value(&format!("{AGE}_count"), &[]), 4.0);
    let sum = page.value(&format!("{AGE}_sum"), &[]);
    assert!((sum - 363.500_001).abs() < 1e-6, "{sum}");
    // The bucket says the same as the status.
    let connected = page.value("coder_agents", &[("status", "connected")]);
    assert_eq!(connected, at(30.0));
}

#[tokio::test]
async fn bounds_of_the_heartbeat_ages_are_parts_of_the_inactivity_timeout() {
    let coder = coder_at_noon().await;
    let main = silent_at_noon("main", 30.0);
    coder.add(workspace("box").agent(main)).await;
    for (timeout, first, exact, last) in [(30, 3.0, 30.0, 300.0), (60, 6.0, 60.0, 600.0)] {
        let exporter = coder
            .exporter_with(|it| {
                it.collect.limits.inactive_timeout = Duration::from_secs(timeout);
            })
            .await;
        let found = buckets(&exporter.scrape().await);
        let bounds: Vec<_> = found.iter().map(|&(bound, _)| bound).collect();
        assert_eq!(bounds[0], first);
        assert!(bounds.contains(&exact), "{bounds:?}");
        assert_eq!(bounds[bounds.len() - 2..], [last, f64::INFINITY]);
        assert!(bounds.is_sorted(), "{bounds:?}");
        assert!(bounds.len() <= 16, "bounded: {bounds:?}");
    }
}

#[tokio::test]
async fn only_agents_whose_connection_nobody_closed_have_a_heartbeat_age() {
    let coder = coder_at_noon().await;
    let closed = silent_at_noon("closed", 10.0).set("disconnected_at", before_noon(10.0));
    let reconnected = silent_at_noon("back", 10.0).set("disconnected_at", before_noon(11.0));
    let build = start(1)
        .agent(silent_at_noon("connected", 10.0))
        .agent(silent_at_noon("silent", 10_000.0))
        .agent(reconnected)
        .agent(closed)
        .agent(waiting_agent("never", 20.0))
        .agent(silent_at_noon("no heartbeat", 0.0).null("last_connected_at"));
    coder.add(workspace("box").build(build)).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value(&format!("{AGE}_count"), &[]), 3.0);
    assert_eq!(up_to(&page, 15.0), 2.0);
    assert_eq!(page.value(&format!("{AGE}_sum"), &[]), 10_020.0);
}

#[tokio::test]
async fn heartbeat_from_the_future_is_of_age_zero() {
    let coder = coder_at_noon().await;
    let main = silent_at_noon("main", -3600.0);
    coder.add(workspace("box").agent(main)).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(up_to(&page, 3.0), 1.0);
    assert_eq!(page.value(&format!("{AGE}_sum"), &[]), 0.0);
    assert_eq!(page.value(&format!("{AGE}_count"), &[]), 1.0);
}

#[tokio::test]
async fn heartbeat_ages_are_told_apart_by_kind_and_there_though_nobody_has_one() {
    let coder = coder_at_noon().await;
    let main = waiting_agent("main", 5.0).sub(silent_at_noon("sub", 1.0));
    coder.add(workspace("box").agent(main)).await;
    let page = coder.exporter().await.scrape().await;
    let count = |kind| page.value(&format!("{AGE}_count"), &[("kind", kind)]);
    assert_eq!((count("root"), count("sub")), (0.0, 1.0));
}

/// A gauge histogram where the format has one, of the same buckets.
#[tokio::test]
async fn heartbeat_ages_are_the_same_in_openmetrics() {
    let coder = coder_at_noon().await;
    let build = start(1)
        .agent(silent_at_noon("one", 30.0))
        .agent(silent_at_noon("two", 45.0));
    coder.add(workspace("box").build(build)).await;
    let exporter = coder.exporter().await;
    let text = exporter.scrape().await;
    let page = exporter.scrape_openmetrics().await;
    let family = page.families.iter().find(|it| it.name == AGE).unwrap();
    assert_eq!(family.kind, "gaugehistogram");
    assert_eq!(page.value(&format!("{AGE}_gcount"), &[]), 2.0);
    assert_eq!(page.value(&format!("{AGE}_gsum"), &[]), 75.0);
    assert_eq!(buckets(&page), buckets(&text));
}
