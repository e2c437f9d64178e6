//! The server itself: stopped in its tracks, restarted, without room.

use std::time::{Duration, Instant};

use coder_agent_exporter::demo::cluster::{Options, SUPERUSER};
use tokio::process::Command;
use tokio_postgres::NoTls;

use crate::harness::*;
use crate::outage::{assert_down, assert_up};

async fn one_agent(coder: &Coder) {
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder.sql("CHECKPOINT").await;
}

/// Sends a signal to the server and to all its sessions.
async fn signal_all(coder: &Coder, signal: &str) {
    let server = coder.cluster().server_id().expect("it runs").to_string();
    let children = Command::new("pgrep").args(["-P", &server]).output().await;
    let children = String::from_utf8(children.unwrap().stdout).unwrap();
    let mut kill = Command::new("kill");
    kill.arg(signal)
        .arg(&server)
        .args(children.split_whitespace());
    assert!(kill.status().await.unwrap().success());
}

/// The page comes at its deadline, not when the server comes back.
#[tokio::test]
async fn server_that_stands_still_is_given_up_at_the_deadline_and_back_when_it_moves() {
    let coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    assert_up(&exporter.scrape().await, 1.0);
    signal_all(&coder, "-STOP").await;
    // The session it has, then new ones that nobody answers.
    assert_down(&exporter.scrape_within(1.0).await, "timeout");
    for _ in 0..3 {
        assert_down(&exporter.scrape_within(1.0).await, "connect");
    }
    signal_all(&coder, "-CONT").await;
    assert_up(&exporter.scrape().await, 1.0);
    eventually("nothing of ours is left running", async || {
        coder.sessions("active").await == 0
    })
    .await;
    let limit_holds = async || coder.sessions("%").await <= 2;
    eventually("what was given up has gone", limit_holds).await;
}

#[tokio::test]
async fn restart_between_scrapes_costs_none_of_them() {
    let mut coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    assert_up(&exporter.scrape().await, 1.0);
    for _ in 0..3 {
        coder.own_cluster().stop();
        coder.own_cluster().start_again().unwrap();
        assert_up(&exporter.scrape().await, 1.0);
    }
}

#[tokio::test]
async fn server_out_of_connections_is_reported_and_tried_again() {
    let settings = ["max_connections = 6", "superuser_reserved_connections = 3"];
    let coder = Coder::on(Options {
        settings: settings.map(String::from).to_vec(),
        ..prepared()
    })
    .await;
    one_agent(&coder).await;
    // Everybody else's: as many as there are for those who are not superusers.
    coder.sql("CREATE ROLE others LOGIN").await;
    let url = coder.cluster().url("others", &coder.database);
    let mut others = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
        tokio::spawn(connection);
        others.push(client);
        assert!(others.len() < 10, "there is no end to it");
    }
    let exporter = coder.exporter().await;
    let started = Instant::now();
    assert_down(&exporter.scrape().await, "connect");
    assert!(
        started.elapsed() < LATE_ON_A_BUSY_MACHINE,
        "refused at once"
    );
    let ready = exporter.get("/-/ready").await;
    assert!(
        ready.body.contains("raise max_connections"),
        "{}",
        ready.body
    );

    drop(others);
    let admin = coder.cluster().url(SUPERUSER, &coder.database);
    let (admin, connection) = tokio_postgres::connect(&admin, NoTls).await.unwrap();
    tokio::spawn(connection);
    eventually("the others have gone", async || {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'others'";
        admin.query_one(query, &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
    assert_up(&exporter.scrape().await, 1.0);
}

/// Many scrapers, none of them answered by the database: they share what there is.
#[tokio::test]
async fn scrapes_of_a_server_that_stands_still_open_no_more_connections_than_allowed() {
    let coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    assert_up(&exporter.scrape().await, 1.0);
    signal_all(&coder, "-STOP").await;
    let started = Instant::now();
    let scrapes = (0..30).map(|_| exporter.scrape_within(1.0));
    for page in futures_util::future::join_all(scrapes).await {
        assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    }
    // One after the other they would take 15 s; each has 1 s.
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
    signal_all(&coder, "-CONT").await;
    assert_up(&exporter.scrape().await, 1.0);
    let limit_holds = async || coder.sessions("%").await <= 2;
    eventually("the limit of two connections holds", limit_holds).await;
}
