//! A failover: the primary dies, its standby is promoted, and both are in the exporter's URL.

use std::time::SystemTime;

use crate::harness::exposition::Page;
use crate::harness::standby::{Standby, primary};
use crate::harness::*;
use crate::outage::{assert_down, assert_up};

const LAG: &str = "coder_exporter_replica_lag_seconds";

/// Both servers' sockets, the primary's first.
fn both(coder: &Coder, standby: &Standby, options: &str) -> String {
    let folder = |url: String| {
        let (_, folder) = url.split_once("host=").unwrap();
        folder.split('&').next().unwrap().to_owned()
    };
    let primary = folder(coder.url());
    let second = folder(standby.url(coder));
    let port = coder.cluster().port();
    let (role, database) = (&coder.role, &coder.database);
    format!("postgres://{role}@/{database}?host={primary},{second}&port={port},{port}{options}")
}

async fn fleet() -> (Coder, Standby) {
    let coder = primary().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(0.0).app("healthy")))
        .await;
    coder.sql("CHECKPOINT").await;
    let standby = Standby::of(&coder).await;
    (coder, standby)
}

/// The moment of the page is the present: it is a primary's.
#[track_caller]
fn assert_present(page: &Page) {
    assert!(!page.has(LAG), "{}", page.show(LAG));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let moment = page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    let behind = now.unwrap().as_secs_f64() - moment;
    assert!(behind.abs() < 2.0, "{behind} s");
}

#[tokio::test]
async fn exporter_of_the_primary_only_is_down_until_the_standby_is_promoted() {
    let (mut coder, standby) = fleet().await;
    let url = both(&coder, &standby, "&target_session_attrs=read-write");
    let exporter = Exporter::start(&url, |_| {}).await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);

    coder.own_cluster().kill();
    eventually("the primary is gone", async || {
        exporter.scrape().await.value("coder_exporter_up", &[]) == 0.0
    })
    .await;
    // The standby answers, but it is not what was asked for.
    assert_down(&exporter.scrape().await, "connect");
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 503, "{}", ready.body);

    standby.promote().await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);
}

#[tokio::test]
async fn exporter_of_either_goes_on_with_the_standby_and_stays_when_it_is_promoted() {
    let (mut coder, standby) = fleet().await;
    let exporter = Exporter::start(&both(&coder, &standby, ""), |_| {}).await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);

    coder.own_cluster().kill();
    eventually("it reads the standby", async || {
        exporter.scrape().await.has(LAG)
    })
    .await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    let connected = [("status", "connected")];
    assert_eq!(page.value("coder_agents", &connected), 1.0);

    standby.promote().await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);
}

#[tokio::test]
async fn failover_back_is_over_with_the_next_pass_too() {
    let (mut coder, standby) = fleet().await;
    let url = both(&coder, &standby, "&target_session_attrs=read-write");
    let exporter = Exporter::start(&url, |_| {}).await;
    assert_up(&exporter.scrape().await, 1.0);
    coder.own_cluster().kill();
    standby.promote().await;
    eventually("it reads the promoted one", async || {
        exporter.scrape().await.value("coder_exporter_up", &[]) == 1.0
    })
    .await;
    drop(standby);
    coder.own_cluster().start_again().unwrap();
    eventually("it reads the first again", async || {
        exporter.scrape().await.value("coder_exporter_up", &[]) == 1.0
    })
    .await;
    let page = exporter.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);
}
