//! Databases that are down, slow, locked or full (`docs/spec/failures.md`): the page is always
//! there.

use std::time::{Duration, Instant};

use crate::harness::exposition::Page;
use crate::harness::*;

/// What a page looks like that knows nothing of the fleet.
#[track_caller]
pub(crate) fn assert_down(page: &Page, error_kind: &str) {
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert_eq!(page.value("coder_exporter_collector_success", &[]), 0.0);
    assert!(page.has("coder_exporter_build_info"));
    assert!(page.has("process_resident_memory_bytes"));
    let kind = [("kind", error_kind)];
    let errors = page.value("coder_exporter_errors_total", &kind);
    assert!(errors > 0.0, "{}", page.show("coder_exporter_errors_total"));
    let fleet = |name: &&str| !name.starts_with("coder_exporter_") && !name.starts_with("process_");
    let names = page.families.iter().map(|family| family.name.as_str());
    assert_eq!(names.filter(fleet).count(), 0);
    assert!(!page.has("coder_exporter_snapshot_timestamp_seconds"));
    assert!(!page.has("coder_exporter_clock_skew_seconds"));
}

/// What a page looks like that knows everything.
#[track_caller]
pub(crate) fn assert_up(page: &Page, agents: f64) {
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    page.assert_every_collector_loaded();
    assert_eq!(page.value("coder_agents", &[]), agents);
}

async fn one_agent(coder: &Coder) {
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    // The throwaway server writes lazily: what it has not written yet, a crash would take.
    coder.sql("CHECKPOINT").await;
}

#[tokio::test]
async fn database_that_is_down_from_the_start_is_served_once_it_is_up() {
    let mut coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    coder.own_cluster().stop();
    let exporter = coder.exporter().await;
    assert_down(&exporter.scrape().await, "connect");
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.starts_with("not ready: connecting to"),
        "{}",
        ready.body
    );
    assert_eq!(exporter.get("/-/healthy").await.status, 200);

    coder.own_cluster().start_again().unwrap();
    assert_up(&exporter.scrape().await, 1.0);
    assert_eq!(exporter.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn database_that_crashes_between_scrapes_is_back_with_the_first_after_its_return() {
    let mut coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    assert_up(&exporter.scrape().await, 1.0);
    for _ in 0..2 {
        coder.own_cluster().kill();
        // The crash is the postmaster's: a session may answer once more before it notices.
        eventually("the database is down", async || {
            let started = Instant::now();
            let page = exporter.scrape().await;
            assert!(
                started.elapsed() < LATE_ON_A_BUSY_MACHINE,
                "refused at once"
            );
            page.value("coder_exporter_up", &[]) == 0.0
        })
        .await;
        assert_down(&exporter.scrape().await, "connect");
        coder.own_cluster().start_again().unwrap();
        assert_up(&exporter.scrape().await, 1.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_crashes_in_the_middle_of_a_collection_costs_that_collection() {
    let mut coder = Coder::on(prepared()).await;
    one_agent(&coder).await;
    coder.slow("workspace_agents", 0.5).await;
    coder.sql("CHECKPOINT").await;
    let exporter = coder.exporter().await;
    let address = exporter.address;
    let scrape = tokio::spawn(async move { http::get(address, "/metrics", &[]).await.unwrap() });
    eventually("it reads the agents", async || coder.is_waited_for().await).await;
    coder.own_cluster().kill();
    let response = scrape.await.unwrap();
    let page = Page::read(exposition::Format::Text, &response.body).unwrap();
    assert_down(&page, "connect");
    coder.own_cluster().start_again().unwrap();
    assert_up(&exporter.scrape().await, 1.0);
}

#[tokio::test]
async fn session_that_an_administrator_ends_costs_one_collector_of_one_collection() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    coder.slow("workspace_apps", 0.5).await;
    let exporter = coder.exporter().await;
    let end = async {
        eventually("it reads the apps", async || coder.is_waited_for().await).await;
        let role = &coder.role;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename";
        coder.sql(&format!("{end} = '{role}'")).await;
    };
    let (page, ()) = tokio::join!(exporter.scrape(), end);
    assert_eq!(page.value("coder_exporter_collector_success", &[]), 1.0);
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert_eq!(
        page.value("coder_exporter_errors_total", &[("kind", "connect")]),
        1.0
    );
    assert_up(&exporter.scrape().await, 1.0);
}

#[tokio::test]
async fn server_that_accepts_and_says_nothing_is_given_up_at_the_deadline() {
    // The system accepts for a listener, whether anybody picks up or not.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://coder@127.0.0.1:{port}/coder");
    let second = Duration::from_secs(1);
    let exporter = Exporter::start(&url, |it| it.web.collect_timeout = second).await;
    assert_down(&exporter.scrape_within(1.5).await, "connect");
    let ready = exporter.get("/-/ready").await;
    assert!(
        ready.body.contains("no answer before the deadline"),
        "{}",
        ready.body
    );
}

#[tokio::test]
async fn server_without_room_is_reported_and_tried_again() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    coder
        .sql(&format!("ALTER ROLE {} CONNECTION LIMIT 0", coder.role))
        .await;
    let exporter = coder.exporter().await;
    assert_down(&exporter.scrape().await, "connect");
    let ready = exporter.get("/-/ready").await;
    assert!(ready.body.contains("CONNECTION LIMIT"), "{}", ready.body);
    coder
        .sql(&format!("ALTER ROLE {} CONNECTION LIMIT 5", coder.role))
        .await;
    assert_up(&exporter.scrape().await, 1.0);
}

#[tokio::test]
async fn locked_agents_are_given_up_soon_so_that_nobody_queues_behind_us() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    let mut other = coder.connect().await;
    let migration = other.transaction().await.unwrap();
    let lock = "LOCK TABLE workspace_agents IN ACCESS EXCLUSIVE MODE";
    migration.batch_execute(lock).await.unwrap();
    let started = Instant::now();
    assert_down(&exporter.scrape().await, "lock");
    assert!(
        started.elapsed() < Duration::from_secs(1) + LATE_ON_A_BUSY_MACHINE,
        "of a deadline of ten"
    );
    assert_down(&exporter.scrape_within(1.0).await, "lock");

    migration.rollback().await.unwrap();
    assert_up(&exporter.scrape().await, 1.0);
}

#[tokio::test]
async fn locked_apps_cost_only_the_apps() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    let mut other = coder.connect().await;
    let migration = other.transaction().await.unwrap();
    let lock = "LOCK TABLE workspace_apps IN ACCESS EXCLUSIVE MODE";
    migration.batch_execute(lock).await.unwrap();
    let page = exporter.scrape_within(1.0).await;
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert!(!page.has("coder_apps"));
    assert_eq!(
        page.value("coder_exporter_errors_total", &[("kind", "lock")]),
        1.0
    );
    migration.rollback().await.unwrap();
    assert_up(&exporter.scrape().await, 1.0);
}

#[tokio::test]
async fn locked_workspaces_and_chats_are_waited_for_once_by_each_and_cost_nobody_else() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    let exporter = coder.exporter().await;
    for (table, collectors) in [
        (
            "provisioner_jobs",
            &["workspaces", "provisioners", "startups"][..],
        ),
        ("chats", &["bindings"]),
    ] {
        let mut other = coder.connect().await;
        let migration = other.transaction().await.unwrap();
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        migration.batch_execute(&lock).await.unwrap();
        let page = exporter.scrape().await;
        let success = "coder_exporter_collector_success";
        let failed: Vec<_> = page
            .samples(success, &[])
            .filter(|it| it.value == 0.0)
            .filter_map(|it| it.label("collector"))
            .collect();
        assert_eq!(failed, collectors);
        // Its own time is its own: the other one did not wait.
        for name in ["agents", "workspaces", "bindings"] {
            let duration = "coder_exporter_collector_duration_seconds";
            let took = page.get(duration, &[("collector", name)]);
            assert!(took.is_none_or(|it| it < 1.0), "{}", page.show(duration));
        }
        migration.rollback().await.unwrap();
        assert_up(&exporter.scrape().await, 1.0);
    }
}

#[tokio::test]
async fn session_that_ends_under_workspaces_and_chats_is_one_error() {
    let coder = Coder::new().await;
    one_agent(&coder).await;
    coder.slow("provisioner_jobs", 1.0).await;
    let exporter = coder.exporter().await;
    let end = async {
        eventually("it reads the workspaces", async || {
            coder.is_waited_for().await
        })
        .await;
        let role = &coder.role;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename";
        coder.sql(&format!("{end} = '{role}'")).await;
    };
    let (page, ()) = tokio::join!(exporter.scrape(), end);
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 1.0);
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    let bindings = [("collector", "bindings")];
    assert_eq!(
        page.value("coder_exporter_collector_success", &bindings),
        0.0
    );
}
