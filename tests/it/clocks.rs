//! Clocks that disagree (`docs/spec/collection.md`): who is ahead, and by how much.

use crate::harness::exposition::Page;
use crate::harness::*;

const LEAD: &str = "coder_exporter_heartbeat_lead_seconds";
const SKEW: &str = "coder_exporter_clock_skew_seconds";

/// Fails unless the value is this, give or take the time a test takes.
#[track_caller]
fn assert_about(page: &Page, name: &str, expected: f64) {
    let off = page.value(name, &[]) - expected;
    assert!(off.abs() < 5.0, "{expected}: {}", page.show(name));
}

#[tokio::test]
async fn heartbeat_lead_is_negative_when_the_newest_heartbeat_is_past() {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("old").silent_for(600.0))
        .agent(agent("new").silent_for(20.0))
        .agent(waiting_agent("never", 5.0));
    coder.add(workspace("box").build(build)).await;
    assert_about(&coder.exporter().await.scrape().await, LEAD, -20.0);
}

#[tokio::test]
async fn heartbeat_lead_is_positive_when_coderds_clock_is_ahead_of_the_databases() {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("ahead").silent_for(-100.0))
        .agent(agent("present").silent_for(1.0));
    coder.add(workspace("box").build(build)).await;
    assert_about(&coder.exporter().await.scrape().await, LEAD, 100.0);
}

#[tokio::test]
async fn heartbeat_lead_is_absent_without_heartbeats_and_ignores_absurd_ones() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    assert!(!exporter.scrape().await.has(LEAD));
    let never = workspace("never").agent(waiting_agent("main", 5.0));
    coder.add(never).await;
    assert!(!exporter.scrape().await.has(LEAD));
    let build = start(1)
        .agent(agent("absurd").set("last_connected_at", "'infinity'"))
        .agent(agent("present").silent_for(20.0));
    coder.add(workspace("box").build(build)).await;
    assert_about(&exporter.scrape().await, LEAD, -20.0);
}

#[tokio::test]
async fn clock_skew_is_positive_when_the_exporters_clock_is_ahead() {
    for seconds in [0.0, 3600.0, -3600.0] {
        let coder = Coder::new().await;
        let clock = format!("clock_timestamp() - interval '{seconds} s'");
        coder.stop_clock(&clock).await;
        let page = coder.exporter().await.scrape().await;
        assert_about(&page, SKEW, seconds);
    }
}

/// The exporter's own clock judges nobody: an hour off, it sees the same fleet.
#[tokio::test]
async fn agents_are_judged_by_the_databases_clock_alone() {
    for seconds in [3600.0, -3600.0] {
        let coder = Coder::new().await;
        coder
            .stop_clock(&format!("clock_timestamp() - interval '{seconds} s'"))
            .await;
        let main = agent("main").silent_for(seconds + 5.0);
        let lost = agent("lost").silent_for(seconds + 60.0);
        coder.add(workspace("box").agent(main)).await;
        coder.add(workspace("gone").agent(lost)).await;
        let page = coder.exporter().await.scrape().await;
        let count = |status| page.value("coder_agents", &[("status", status)]);
        assert_eq!((count("connected"), count("disconnected")), (1.0, 1.0));
        assert_about(&page, LEAD, -5.0);
    }
}
