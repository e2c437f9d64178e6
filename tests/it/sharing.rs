//! Deadlines, cancellation and sharing (`docs/spec/collection.md`): the database is never left with
//! our work.

use std::time::{Duration, Instant};

use coder_agent_exporter::demo::cluster::Options;
use futures_util::future::join_all;

use crate::harness::*;

/// Much longer than any deadline here.
const FOR_EVER: f64 = 60.0;

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
}

/// Soon the server has nothing left to do for us: within milliseconds, on an idle machine.
async fn assert_cancelled(coder: &Coder) {
    let started = Instant::now();
    let none_active = async || coder.sessions("active").await == 0;
    eventually("no query of ours is active", none_active).await;
    let took = started.elapsed();
    assert!(took < LATE_ON_A_BUSY_MACHINE, "{took:?}");
}

#[tokio::test]
async fn query_that_outlives_the_scrapes_deadline_is_cancelled_on_the_server() {
    for (table, agents) in [("workspace_agents", None), ("workspace_apps", Some(1.0))] {
        let coder = one_agent().await;
        coder.slow(table, FOR_EVER).await;
        let exporter = coder.exporter().await;
        let page = exporter.scrape_within(2.0).await;
        assert_eq!(page.get("coder_agents", &[]), agents, "{table}");
        let timeout = [("kind", "timeout")];
        assert_eq!(
            page.value("coder_exporter_errors_total", &timeout),
            1.0,
            "{table}"
        );
        assert_cancelled(&coder).await;
    }
}

#[tokio::test]
async fn without_a_header_the_setting_is_the_deadline() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", FOR_EVER).await;
    let exporter = coder
        .exporter_with(|it| it.web.collect_timeout = Duration::from_millis(300))
        .await;
    let started = Instant::now();
    assert_eq!(exporter.scrape().await.value("coder_exporter_up", &[]), 0.0);
    assert!(started.elapsed() < LATE_ON_A_BUSY_MACHINE);
    assert_cancelled(&coder).await;
}

#[tokio::test]
async fn query_of_a_client_that_hangs_up_is_cancelled_on_the_server() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", FOR_EVER).await;
    let exporter = coder.exporter().await;
    let patient = [("X-Prometheus-Scrape-Timeout-Seconds", "50")];
    let client = http::send(exporter.address, "/metrics", &patient)
        .await
        .unwrap();
    eventually("it reads the agents", async || coder.is_waited_for().await).await;
    drop(client);
    assert_cancelled(&coder).await;
}

#[tokio::test]
async fn client_that_hangs_up_takes_nothing_from_those_who_wait() {
    let coder = one_agent().await;
    coder.slow("workspace_apps", 1.0).await;
    let exporter = coder.exporter().await;
    let impatient = http::send(exporter.address, "/metrics", &[]).await.unwrap();
    eventually("it reads the apps", async || coder.is_waited_for().await).await;
    let hang_up = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(impatient);
    };
    let (page, ()) = tokio::join!(exporter.scrape(), hang_up);
    assert_eq!(page.value("coder_apps", &[]), 1.0);
}

#[tokio::test]
async fn hundred_scrapes_at_once_share_a_few_collections_and_two_connections() {
    let settings = ["log_statement = all", "log_line_prefix = '[%a] '"];
    let coder = Coder::on(Options {
        settings: settings.map(String::from).to_vec(),
        ..prepared()
    })
    .await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder.slow("workspace_apps", 0.3).await;
    let exporter = coder.exporter_with(|it| it.web.max_requests = 200).await;
    let scrapes = join_all((0..100).map(|_| exporter.scrape()));
    let mut most = 0;
    let watch = async {
        loop {
            most = most.max(coder.sessions("%").await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let pages = tokio::select! {
        pages = scrapes => pages,
        () = watch => unreachable!("it watches for ever"),
    };
    for page in pages {
        page.assert_every_collector_loaded();
        assert_eq!(page.value("coder_apps", &[]), 1.0);
    }
    assert!((1..=2).contains(&most), "{most} connections");
    let log = std::fs::read_to_string(coder.cluster().folder().join("log")).unwrap();
    let collections = log
        .matches("[coder-agent-exporter] LOG:  statement: BEGIN")
        .count();
    assert!(
        (1..=10).contains(&collections),
        "{collections} passes for 100 scrapes"
    );
}

#[tokio::test]
async fn scrapes_and_readiness_together_keep_to_the_connection_limit() {
    let coder = one_agent().await;
    coder.slow("workspace_apps", 0.3).await;
    let exporter = coder.exporter_with(|it| it.max_connections = 1).await;
    let ready = join_all((0..20).map(|_| exporter.get("/-/ready")));
    let scrapes = join_all((0..5).map(|_| exporter.scrape()));
    let mut most = 0;
    let watch = async {
        loop {
            most = most.max(coder.sessions("%").await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (ready, pages) = tokio::select! {
        both = async { tokio::join!(ready, scrapes) } => both,
        () = watch => unreachable!("it watches for ever"),
    };
    assert!(ready.iter().all(|it| it.status == 200));
    assert!(
        pages
            .iter()
            .all(|it| it.value("coder_exporter_up", &[]) == 1.0)
    );
    assert_eq!(most, 1);
}

#[tokio::test]
async fn collection_that_is_young_enough_is_served_again() {
    let coder = one_agent().await;
    let moment = "coder_exporter_snapshot_timestamp_seconds";
    let anew = coder.exporter().await;
    let first = anew.scrape().await.value(moment, &[]);
    assert!(anew.scrape().await.value(moment, &[]) > first);

    let again = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_secs(60))
        .await;
    let first = again.scrape().await.value(moment, &[]);
    assert_eq!(again.scrape().await.value(moment, &[]), first);
}

#[tokio::test]
async fn what_the_exporter_does_is_new_on_the_page_of_a_collection_that_is_served_again() {
    let coder = one_agent().await;
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_secs(60))
        .await;
    let page = async || {
        let page = exporter.metrics(&[]).await.body;
        let (kept, live) = page.split_once("# HELP coder_exporter_up ").unwrap();
        (kept.to_owned(), live.to_owned())
    };
    let (kept, live) = page().await;
    assert!(kept.contains("coder_agents_health{"));
    let none = "coder_exporter_errors_total{kind=\"timeout\"} 0\n";
    assert!(live.contains(none), "{live}");

    coder.slow("chats", FOR_EVER).await;
    let impatient = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    let failed = http::get(exporter.address, "/metrics?collect[]=bindings", &impatient).await;
    assert_eq!(failed.unwrap().status, 200);
    let (kept_later, live) = page().await;
    assert_eq!(kept_later, kept);
    assert!(live.contains(&none.replace(" 0", " 1")), "{live}");
}

#[tokio::test]
async fn new_collection_is_on_the_page_at_once() {
    let coder = one_agent().await;
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_millis(1))
        .await;
    for agents in 1..=5 {
        assert_eq!(
            exporter.scrape().await.value("coder_agents", &[]),
            f64::from(agents)
        );
        coder
            .add(workspace(&format!("box {agents}")).agent(agent("main")))
            .await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn failure_is_never_served_again() {
    let coder = one_agent().await;
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_secs(60))
        .await;
    coder
        .sql(&format!("ALTER ROLE {} NOLOGIN", coder.role))
        .await;
    assert_eq!(exporter.scrape().await.value("coder_exporter_up", &[]), 0.0);
    coder.sql(&format!("ALTER ROLE {} LOGIN", coder.role)).await;
    assert_eq!(exporter.scrape().await.value("coder_exporter_up", &[]), 1.0);
}

#[tokio::test]
async fn connection_is_kept_between_scrapes_and_left_idle() {
    let coder = one_agent().await;
    let exporter = coder.exporter().await;
    let pid =
        "SELECT pid::bigint FROM pg_stat_activity WHERE application_name = 'coder-agent-exporter'";
    let query = format!("{pid} AND usename = '{}'", coder.role);
    exporter.scrape().await;
    let first = coder.number(&query).await;
    exporter.scrape().await;
    assert_eq!(coder.number(&query).await, first);
    assert_eq!(coder.sessions("idle").await, 1);
}

#[tokio::test]
async fn scrape_that_joined_an_impatient_one_still_has_its_own_time() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", 1.5).await;
    let exporter = coder.exporter().await;
    let patient = async {
        eventually("the impatient scrape is under way", async || {
            coder.is_waited_for().await
        })
        .await;
        exporter.scrape_within(20.0).await
    };
    let (impatient, patient) = tokio::join!(exporter.scrape_within(1.5), patient);
    assert_eq!(impatient.value("coder_exporter_up", &[]), 0.0);
    assert_eq!(patient.value("coder_agents", &[]), 1.0);
}
