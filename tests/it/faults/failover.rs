//! A failover: the primary dies, its standby is promoted, and both are in the exporter's URL.

use std::time::{Duration, Instant, SystemTime};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::exposition::Page;
use crate::harness::standby::{Standby, primary};
use crate::harness::*;
use crate::outage::{assert_down, assert_up};

const LAG: &str = "coder_exporter_replica_lag_seconds";

/// Where the socket of a URL is, encoded.
fn folder(url: &str) -> String {
    let (_, folder) = url.split_once("host=").unwrap();
    folder.split('&').next().unwrap().to_owned()
}

/// Both servers' sockets, the primary's first.
fn both(coder: &Coder, standby: &Standby, options: &str) -> String {
    let (primary, second) = (folder(&coder.url()), folder(&standby.url(coder)));
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
async fn wanted_sort_of_server_is_the_one_that_is_read() {
    let (mut coder, standby) = fleet().await;
    for (wanted, is_standby) in [
        ("any", false),
        ("primary", false),
        ("standby", true),
        ("read-only", true),
        ("prefer-standby", true),
    ] {
        let url = both(&coder, &standby, &format!("&target_session_attrs={wanted}"));
        let page = Exporter::start(&url, |_| {}).await.scrape().await;
        assert_up(&page, 1.0);
        assert_eq!(page.has(LAG), is_standby, "{wanted}");
    }
    drop(standby);
    let standby = Standby::of(&coder).await;
    let preferred = both(&coder, &standby, "&target_session_attrs=prefer-standby");
    let wanted = both(&coder, &standby, "&target_session_attrs=standby");
    drop(standby);
    let exporter = Exporter::start(&preferred, |_| {}).await;
    assert_present(&exporter.scrape().await);
    let page = Exporter::start(&wanted, |_| {}).await.scrape().await;
    assert_down(&page, "connect");
    coder.own_cluster().kill();
}

/// As on a reader of Aurora.
#[tokio::test]
async fn standby_that_cannot_say_its_lag_is_read_by_its_own_time_with_a_note() {
    let coder = primary().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(0.0).app("healthy")))
        .await;
    coder
        .sql(
            "REVOKE EXECUTE ON FUNCTION pg_last_wal_receive_lsn() FROM PUBLIC;
             CHECKPOINT",
        )
        .await;
    let standby = Standby::of(&coder).await;
    let url = standby.url(&coder);
    let page = Exporter::start(&url, |_| {}).await.scrape().await;
    assert_up(&page, 1.0);
    assert_present(&page);
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let warned = "the lag of this standby is unknown";
    assert!(ended.stdout.contains(warned), "{}", ended.stdout);
}

/// As behind a firewall, or on a machine that is off: what is sent there is never answered.
async fn black_hole() -> (TcpListener, Vec<TcpStream>, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // Whoever comes when the queue is full gets no answer.
    while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 10, "the queue has no end");
    }
    (listener, waiting, address.port())
}

#[tokio::test]
async fn host_that_swallows_everything_leaves_time_for_the_next() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    let (_listener, _waiting, hole) = black_hole().await;
    let folder = folder(&coder.url());
    let (role, database, port) = (&coder.role, &coder.database, coder.cluster().port());
    let hosts = format!("host=127.0.0.1,{folder}&port={hole},{port}");
    let exporter = Exporter::start(&format!("postgres://{role}@/{database}?{hosts}"), |_| {}).await;
    let started = Instant::now();
    assert_up(&exporter.scrape().await, 1.0);
    let took = started.elapsed();
    let expected = Duration::from_secs(2)..Duration::from_secs(2) + LATE_ON_A_BUSY_MACHINE;
    assert!(expected.contains(&took), "{took:?}");
    // From now on there is a connection.
    assert_up(&exporter.scrape_within(1.5).await, 1.0);
}

#[tokio::test]
async fn failover_back_is_over_with_the_next_collection_too() {
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
