//! Through PgBouncer in transaction mode, with a pool of one server connection
//! (`docs/spec/collection.md`).

use std::time::Duration;

use futures_util::future::join_all;
use tokio_postgres::Client;

use crate::harness::exposition::Page;
use crate::harness::*;
use coder_agent_exporter::fleet::stats::collection::Collector;

/// What the exporter sets for itself, and what a pooler keeps for each of its clients.
const SESSION: [&str; 9] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "jit",
    "client_encoding",
    "default_transaction_read_only",
    "transaction_read_only",
    "transaction_isolation",
    "application_name",
];

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    let story = workspace("box").agent(agent("main").app("healthy"));
    let id = story.id;
    coder.add(story).await;
    coder.add_chat(id, &[]).await;
    coder
}

#[track_caller]
fn assert_whole(page: &Page) {
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    page.assert_every_collector_loaded();
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
}

/// The settings another client finds, as `name=value`, and which server session it got.
async fn session(client: &Client) -> (Vec<String>, i32) {
    let list = SESSION.map(literal).join(", ");
    let sql = format!(
        "SELECT name || '=' || setting, pg_backend_pid() FROM pg_settings
         WHERE name IN ({list}) ORDER BY name"
    );
    let rows = client.query_typed(&sql, &[]).await.unwrap();
    assert_eq!(rows.len(), SESSION.len());
    let settings = rows.iter().map(|row| row.get(0)).collect();
    (settings, rows[0].get(1))
}

#[tokio::test]
async fn every_path_works_through_a_pool_of_one() {
    let coder = one_agent().await;
    let bouncer = PgBouncer::before(&coder).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        let response = exporter.get(path).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
    }
    assert_whole(&exporter.scrape().await);
    assert_whole(&exporter.scrape_openmetrics().await);
    let flag = format!("--postgres.url={}", bouncer.url(&coder));
    let ended = run(&["check", &flag]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[tokio::test]
async fn many_scrapes_of_two_exporters_share_the_pool_with_a_stranger() {
    let coder = one_agent().await;
    let bouncer = PgBouncer::before(&coder).await;
    let stranger = bouncer.client(&coder).await;
    let url = bouncer.url(&coder);
    let (one, two) = (
        Exporter::start(&url, |_| {}).await,
        Exporter::start(&url, |_| {}).await,
    );
    for _ in 0..20 {
        let scrapes = [&one, &two].into_iter().cycle().take(8);
        let scrapes = join_all(scrapes.map(Exporter::scrape));
        let ready = join_all([one.get("/-/ready"), two.get("/-/ready")]);
        let other = stranger.query_typed("SELECT count(*) FROM workspaces", &[]);
        let (pages, ready, other) = tokio::join!(scrapes, ready, other);
        pages.iter().for_each(assert_whole);
        assert!(ready.iter().all(|it| it.status == 200));
        // The stranger may not know the table's columns; that it was answered is the point.
        assert!(other.is_ok() || other.is_err_and(|it| it.code().is_some()));
    }
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE usename = ";
    let connections = format!("{connections}'{}'", coder.role);
    assert_eq!(coder.number(&connections).await, 1);
    assert!(!bouncer.log().contains("prepared"), "{}", bouncer.log());
}

#[tokio::test]
async fn nothing_is_left_behind_for_the_next_client() {
    let coder = one_agent().await;
    let bouncer = PgBouncer::before(&coder).await;
    let stranger = bouncer.client(&coder).await;
    let (before, backend) = session(&stranger).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    for _ in 0..3 {
        assert_whole(&exporter.scrape().await);
        assert_eq!(exporter.get("/-/ready").await.status, 200);
        assert_eq!(session(&stranger).await, (before.clone(), backend));
    }
    let newcomer = bouncer.client(&coder).await;
    assert_eq!(session(&newcomer).await, (before.clone(), backend));
    // What a session of the server's own begins with, without a pooler between.
    let (fresh, connection) = tokio_postgres::connect(&coder.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    assert_eq!(session(&fresh).await.0, before);
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_collection_that_fails() {
    let coder = one_agent().await;
    coder
        .sql(
            "ALTER TABLE workspace_apps RENAME TO real_apps;
             CREATE VIEW workspace_apps AS SELECT * FROM real_apps WHERE 1 / 0 = 1;",
        )
        .await;
    let role = &coder.role;
    coder
        .sql(&format!("GRANT SELECT ON workspace_apps TO {role}"))
        .await;
    let bouncer = PgBouncer::before(&coder).await;
    let stranger = bouncer.client(&coder).await;
    let before = session(&stranger).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    for _ in 0..3 {
        let page = exporter.scrape().await;
        let loaded = page.value("coder_exporter_collector_success", &[]);
        assert_eq!(loaded, (Collector::DEFAULT.len() - 1) as f64);
        assert_eq!(session(&stranger).await, before);
    }
}

#[tokio::test]
async fn collection_that_is_given_up_is_cancelled_on_the_server_and_leaves_the_pool_usable() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", 60.0).await;
    let bouncer = PgBouncer::before(&coder).await;
    let exporter = Exporter::start(&bouncer.url(&coder), |_| {}).await;
    let stranger = bouncer.client(&coder).await;
    let (before, backend) = session(&stranger).await;
    for given_up_by in ["client", "deadline"] {
        let seconds = if given_up_by == "client" { "50" } else { "2" };
        let header = [("X-Prometheus-Scrape-Timeout-Seconds", seconds)];
        let client = http::send(exporter.address, "/metrics", &header)
            .await
            .unwrap();
        eventually("it reads the agents", async || coder.is_waited_for().await).await;
        match given_up_by {
            "client" => drop(client),
            _ => assert_eq!(http::receive(client).await.unwrap().status, 200),
        }
        // The statement has minutes to go; the same server session answers at once.
        let next = tokio::time::timeout(LATE_ON_A_BUSY_MACHINE, session(&stranger)).await;
        let next = next.unwrap_or_else(|_| panic!("blocked after the {given_up_by} gave up"));
        assert_eq!(next, (before.clone(), backend), "{given_up_by}");
    }
    coder
        .sql("DROP VIEW workspace_agents; ALTER TABLE real_table RENAME TO workspace_agents")
        .await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    page.assert_every_collector_loaded();
}

#[tokio::test]
async fn tls_to_the_pooler_is_checked_and_cancels_go_over_it_too() {
    let coder = Coder::on(prepared()).await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let authority = Authority::new();
    let paper = authority.server(&["127.0.0.1"], Valid::Now);
    let file = |name: &str, text: &str| {
        let path = coder.cluster().folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = file("bouncer.crt", &paper.certificate);
    let key = file("bouncer.key", &paper.key);
    let trusted = file("trusted.pem", &authority.certificate);
    let tls = [
        "client_tls_sslmode = require".to_owned(),
        format!("client_tls_cert_file = {certificate}"),
        format!("client_tls_key_file = {key}"),
    ];
    let bouncer = PgBouncer::with(&coder, &tls.each_ref().map(String::as_str)).await;
    let url = bouncer.url(&coder);
    let url = format!("{url}?sslmode=verify-full&sslrootcert={trusted}");
    let exporter = Exporter::start(&url, |_| {}).await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_agents", &[]), 1.0);

    coder.slow("workspace_agents", 60.0).await;
    for _ in 0..3 {
        let patient = [("X-Prometheus-Scrape-Timeout-Seconds", "50")];
        let client = http::send(exporter.address, "/metrics", &patient)
            .await
            .unwrap();
        eventually("it reads the agents", async || coder.is_waited_for().await).await;
        drop(client);
        let nobody_sleeps = async || !coder.is_waited_for().await;
        eventually("nothing of ours runs", nobody_sleeps).await;
    }
    assert!(!bouncer.log().contains("FATAL"), "{}", bouncer.log());
}

#[tokio::test]
async fn statements_sent_ahead_are_cancelled_with_the_one_that_runs() {
    let coder = one_agent().await;
    coder.slow("provisioner_jobs", 60.0).await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "ALTER TABLE chats RENAME TO real_chats;
             CREATE VIEW chats AS
                 WITH nap AS MATERIALIZED (SELECT pg_sleep(60))
                 SELECT real_chats.* FROM nap LEFT JOIN real_chats ON true;
             GRANT SELECT ON chats TO {role};"
        ))
        .await;
    let bouncer = PgBouncer::before(&coder).await;
    let stranger = bouncer.client(&coder).await;
    for url in [bouncer.url(&coder), coder.url()] {
        let exporter = Exporter::start(&url, |_| {}).await;
        let patient = [("X-Prometheus-Scrape-Timeout-Seconds", "50")];
        let client = http::send(exporter.address, "/metrics", &patient)
            .await
            .unwrap();
        eventually("it reads the workspaces", async || {
            coder.is_waited_for().await
        })
        .await;
        drop(client);
        let nobody_sleeps = async || !coder.is_waited_for().await;
        eventually("nothing of ours runs", nobody_sleeps).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(nobody_sleeps().await, "nor what was sent behind it");
        session(&stranger).await;
    }
}
