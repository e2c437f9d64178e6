//! Reading a standby (`docs/spec/collection.md`): judged at the moment its data is true for.

use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep;

use crate::harness::exposition::Page;
use crate::harness::standby::{Standby, primary};
use crate::harness::*;

const LAG: &str = "coder_exporter_replica_lag_seconds";
const MOMENT: &str = "coder_exporter_snapshot_timestamp_seconds";
const TIMEOUT: Duration = Duration::from_secs(2);

fn status(page: &Page, status: &str) -> f64 {
    page.value("coder_agents", &[("status", status)])
}

fn lag(page: &Page) -> f64 {
    page.value(LAG, &[])
}

fn wall_clock() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

fn short_timeout(settings: &mut Settings) {
    settings.collect.limits.inactive_timeout = TIMEOUT;
}

/// Three agents that are alive and one that was lost long ago.
async fn three_alive_and_one_lost() -> Coder {
    let coder = primary().await;
    for name in ["one", "two", "three"] {
        let main = agent("alive").silent_for(0.0).app("healthy");
        coder.add(workspace(name).agent(main)).await;
    }
    let lost = agent("lost").closed_ago(600.0);
    coder.add(workspace("four").agent(lost)).await;
    coder
}

async fn heartbeat(coder: &Coder) {
    coder
        .sql("UPDATE workspace_agents SET last_connected_at = now() WHERE name = 'alive'")
        .await;
}

/// Heartbeats on the primary until this much time has passed.
async fn heartbeats_for(coder: &Coder, time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        heartbeat(coder).await;
        sleep(Duration::from_millis(100)).await;
    }
}

#[track_caller]
fn assert_three_alive(page: &Page) {
    page.assert_every_collector_loaded();
    let found = (status(page, "connected"), status(page, "disconnected"));
    assert_eq!(found, (3.0, 1.0), "{}", page.show("coder_agents"));
    assert_eq!(page.value("coder_apps", &[]), 3.0);
}

#[tokio::test]
async fn standby_that_falls_behind_makes_no_healthy_agent_look_lost_and_says_its_lag() {
    let coder = three_alive_and_one_lost().await;
    let standby = Standby::of(&coder).await;
    let on_primary = coder.exporter_with(short_timeout).await;
    let on_standby = standby.exporter_with(&coder, short_timeout).await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    standby.pause().await;
    let paused = Instant::now();
    // Longer than the timeout: by the standby's own clock all of them would be lost.
    for _ in 0..3 {
        heartbeats_for(&coder, Duration::from_millis(1500)).await;
        assert_three_alive(&on_primary.scrape().await);
        let page = on_standby.scrape().await;
        let (lag, expected) = (lag(&page), paused.elapsed().as_secs_f64());
        assert_three_alive(&page);
        assert!((expected - 0.2..expected + 1.0).contains(&lag), "{lag} s");
        let moment = page.value(MOMENT, &[]);
        let off = wall_clock() - lag - moment;
        assert!(off.abs() < 0.5, "lag and moment disagree by {off} s");
    }
    assert!(paused.elapsed() > 2 * TIMEOUT);

    standby.resume().await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    eventually("the lag is gone", async || {
        lag(&on_standby.scrape().await) == 0.0
    })
    .await;
    let page = on_standby.scrape().await;
    assert_three_alive(&page);
    let behind = wall_clock() - page.value(MOMENT, &[]);
    assert!(behind < 0.5, "the moment is {behind} s old");
}

#[tokio::test]
async fn primary_has_no_lag() {
    let coder = three_alive_and_one_lost().await;
    let page = coder.exporter().await.scrape().await;
    assert_three_alive(&page);
    assert!(!page.has(LAG), "{}", page.show(LAG));
}

/// Nothing is written, so the last replayed transaction gets old; but there is nothing to
/// replay either, and who is silent is silent.
#[tokio::test]
async fn standby_of_an_idle_primary_is_not_behind_and_sees_silence() {
    let coder = three_alive_and_one_lost().await;
    let standby = Standby::of(&coder).await;
    let exporter = standby.exporter_with(&coder, short_timeout).await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    // The rest of the WAL file stays empty: nothing that would have to be replayed either.
    coder.sql("SELECT pg_switch_wal()").await;
    sleep(TIMEOUT + Duration::from_secs(1)).await;
    let page = exporter.scrape().await;
    assert_eq!(lag(&page), 0.0);
    assert_eq!(status(&page, "disconnected"), 4.0);
    assert!(wall_clock() - page.value(MOMENT, &[]) < 0.5);
}

#[tokio::test]
async fn standby_that_lost_its_primary_stays_at_the_last_it_heard() {
    let mut coder = three_alive_and_one_lost().await;
    let standby = Standby::of(&coder).await;
    let exporter = standby.exporter_with(&coder, short_timeout).await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    let last_heard = wall_clock();
    coder.own_cluster().stop();
    eventually("it has noticed", async || {
        standby
            .ask("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
            .await
    })
    .await;
    sleep(TIMEOUT + Duration::from_secs(1)).await;
    let first = exporter.scrape().await;
    assert_three_alive(&first);
    let moment = first.value(MOMENT, &[]);
    assert!((moment - last_heard).abs() < 1.0, "{moment} {last_heard}");
    assert!(lag(&first) > TIMEOUT.as_secs_f64(), "{}", lag(&first));
    sleep(Duration::from_millis(500)).await;
    let second = exporter.scrape().await;
    assert_eq!(second.value(MOMENT, &[]), moment);
    assert!(lag(&second) >= lag(&first) + 0.5);
    assert_three_alive(&second);
}

#[tokio::test]
async fn standby_that_starts_without_its_primary_does_not_pretend_to_be_up_to_date() {
    let mut coder = three_alive_and_one_lost().await;
    let mut standby = Standby::of(&coder).await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    coder.own_cluster().stop();
    standby.restart(&coder).await;
    let exporter = standby.exporter_with(&coder, short_timeout).await;
    sleep(TIMEOUT + Duration::from_secs(1)).await;
    let page = exporter.scrape().await;
    assert!(lag(&page) > TIMEOUT.as_secs_f64(), "{}", page.show(LAG));
    assert_three_alive(&page);
}

#[tokio::test]
async fn failover_is_over_with_the_next_collection() {
    let mut coder = three_alive_and_one_lost().await;
    let standby = Standby::of(&coder).await;
    let exporter = standby.exporter_with(&coder, short_timeout).await;
    heartbeat(&coder).await;
    standby.caught_up(&coder).await;
    assert_three_alive(&exporter.scrape().await);
    coder.own_cluster().kill();
    sleep(TIMEOUT + Duration::from_secs(1)).await;
    assert_three_alive(&exporter.scrape().await);

    standby.promote().await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    assert!(!page.has(LAG), "{}", page.show(LAG));
    // It is the present again, and nobody has written a heartbeat for longer than the timeout.
    assert!(wall_clock() - page.value(MOMENT, &[]) < 0.5);
    assert_eq!(status(&page, "disconnected"), 4.0);
    standby
        .sql("UPDATE workspace_agents SET last_connected_at = now() WHERE name = 'alive'")
        .await;
    assert_three_alive(&exporter.scrape().await);
    let counted = [("from", "disconnected"), ("to", "connected")];
    let returned = page_transitions(&exporter, &counted).await;
    assert_eq!(returned, 3.0);
}

async fn page_transitions(exporter: &Exporter, labels: &[(&str, &str)]) -> f64 {
    let page = exporter.scrape().await;
    page.value("coder_agent_status_transitions_total", labels)
}
