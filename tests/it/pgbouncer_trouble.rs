//! Poolers that are restarted, full or slow, and connections that die while nobody looks
//! (`docs/spec/failures.md`).

use std::net::SocketAddr;

use coder_agent_exporter::demo::cluster::{Listen, Options};

use crate::harness::exposition::Page;
use crate::harness::firewall::Firewall;
use crate::harness::*;

async fn one_agent_on(options: Options) -> Coder {
    let coder = Coder::on(options).await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder.sql("CHECKPOINT").await;
    coder
}

#[track_caller]
fn assert_whole(page: &Page) {
    page.assert_every_collector_loaded();
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
}

/// What an exporter of this URL says is wrong: the kinds of its errors, and the sentence.
async fn trouble(url: &str) -> (Vec<String>, String) {
    let exporter = Exporter::start(url, |_| {}).await;
    let page = exporter.scrape_within(5.0).await;
    let errors = page.samples("coder_exporter_errors_total", &[]);
    let errors = errors.filter(|it| it.value > 0.0);
    let kinds = errors
        .map(|it| it.label("kind").unwrap().to_owned())
        .collect();
    (kinds, exporter.get("/-/ready").await.body)
}

#[tokio::test]
async fn first_scrape_after_a_restart_of_the_pooler_is_whole() {
    let coder = one_agent_on(prepared()).await;
    let mut bouncer = PgBouncer::before(&coder).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    for _ in 0..3 {
        assert_whole(&exporter.scrape().await);
        bouncer.stop().await;
        bouncer.start_again().await;
    }
    assert_whole(&exporter.scrape().await);
}

#[tokio::test]
async fn first_scrape_after_a_restart_of_the_server_behind_the_pooler_is_whole() {
    let mut coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::before(&coder).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    for _ in 0..3 {
        assert_whole(&exporter.scrape().await);
        coder.own_cluster().stop();
        coder.own_cluster().start_again().unwrap();
    }
    assert_whole(&exporter.scrape().await);
}

#[tokio::test]
async fn first_scrape_after_the_server_closed_idle_connections_is_whole() {
    let coder = one_agent_on(Options {
        settings: vec!["idle_session_timeout = 100ms".into()],
        ..prepared()
    })
    .await;
    // The test's own session is idle too.
    let exporter = coder.exporter().await;
    assert_whole(&exporter.scrape().await);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_whole(&exporter.scrape().await);
}

#[tokio::test]
async fn connections_that_died_unnoticed_are_all_replaced_within_the_scrape() {
    let coder = one_agent_on(Options {
        listen: Listen::SocketAndTcp,
        ..prepared()
    })
    .await;
    let server = SocketAddr::from(([127, 0, 0, 1], coder.cluster().port()));
    let firewall = Firewall::before(server).await;
    let (role, port, database) = (&coder.role, firewall.port, &coder.database);
    let url = format!("postgres://{role}@127.0.0.1:{port}/{database}?sslmode=disable");
    let exporter = Exporter::start(&url, |_| {}).await;
    assert_whole(&exporter.scrape().await);
    let (page, ready) = tokio::join!(exporter.scrape(), exporter.get("/-/ready"));
    assert_whole(&page);
    assert_eq!(ready.status, 200);
    let before = firewall.accepted();
    firewall.forget();
    assert_whole(&exporter.scrape().await);
    assert_eq!(exporter.get("/-/ready").await.status, 200);
    assert_eq!(firewall.accepted(), before + 1, "one new one did for both");
}

#[tokio::test]
async fn pooler_without_a_free_server_connection_is_reported_as_such() {
    let coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::with(&coder, &["query_wait_timeout = 1"]).await;
    let hog = bouncer.client(&coder).await;
    hog.batch_execute("BEGIN").await.unwrap();
    let (kinds, sentence) = trouble(&bouncer.url(&coder)).await;
    assert_eq!(kinds, ["connect"]);
    assert!(sentence.contains("raise its pool size"), "{sentence}");
    hog.batch_execute("COMMIT").await.unwrap();
    assert_eq!(trouble(&bouncer.url(&coder)).await.0, [""; 0]);
}

#[tokio::test]
async fn pooler_that_makes_us_wait_beyond_the_deadline_is_a_timeout() {
    let coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::before(&coder).await;
    let hog = bouncer.client(&coder).await;
    hog.batch_execute("BEGIN").await.unwrap();
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    let page = exporter.scrape_within(1.5).await;
    let timeout = [("kind", "timeout")];
    assert_eq!(page.value("coder_exporter_errors_total", &timeout), 1.0);
    hog.batch_execute("COMMIT").await.unwrap();
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
}

#[tokio::test]
async fn pooler_that_takes_no_more_clients_is_reported_as_such() {
    let coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::with(&coder, &["max_client_conn = 1"]).await;
    // The one who looked whether it listens may not have left yet.
    let mut only = bouncer.try_client(&coder).await;
    eventually("there is room", async || {
        only = bouncer.try_client(&coder).await;
        only.is_ok()
    })
    .await;
    let (kinds, sentence) = trouble(&bouncer.url(&coder)).await;
    assert_eq!(kinds, ["connect"]);
    assert!(sentence.contains("max_client_conn"), "{sentence}");
    drop(only);
    eventually("there is room again", async || {
        trouble(&bouncer.url(&coder)).await.0.is_empty()
    })
    .await;
}

#[tokio::test]
async fn pooler_that_refuses_the_user_or_an_option_says_what_to_do() {
    let coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::with(&coder, &["auth_type = scram-sha-256"]).await;
    let url = bouncer.url(&coder);
    let with_password = url.replace('@', ":wrong@");
    let (kinds, sentence) = trouble(&with_password).await;
    assert_eq!(kinds, ["authentication"], "{sentence}");
    assert!(sentence.contains("user and password"), "{sentence}");

    let open = PgBouncer::before(&coder).await;
    let options = format!("{}?options=-cjit%3Doff", open.url(&coder));
    let (kinds, sentence) = trouble(&options).await;
    assert_eq!(kinds, ["connect"], "{sentence}");
    assert!(sentence.contains("ignore_startup_parameters"), "{sentence}");
}

#[tokio::test]
async fn server_that_is_down_behind_the_pooler_is_reported_and_tried_again() {
    let mut coder = one_agent_on(prepared()).await;
    let bouncer = PgBouncer::before(&coder).await;
    coder.own_cluster().stop();
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    let page = exporter.scrape_within(3.0).await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    coder.own_cluster().start_again().unwrap();
    eventually("it is back", async || {
        let page = exporter.scrape_within(3.0).await;
        page.value("coder_exporter_up", &[]) == 1.0
    })
    .await;
}
