//! HTTP (`docs/spec/http.md`): formats, pages, limits.

pub(crate) mod fleet;
mod selecting;

use coder_agent_exporter::metrics::page::AgentSeries;

use crate::harness::*;

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";

/// What Prometheus 2.42 sends.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Three agents with a problem, the oldest named first, and one without.
async fn three_problems() -> Coder {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("young").closed_ago(60.0))
        .agent(agent("old").closed_ago(3000.0))
        .agent(agent("middle").closed_ago(600.0))
        .agent(agent("healthy").app("healthy"));
    coder.add(workspace("box").build(build)).await;
    coder
}

#[tokio::test]
async fn format_follows_the_accept_header() {
    let coder = three_problems().await;
    let exporter = coder.exporter().await;
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, expected) in [
        (None, text),
        (Some("*/*"), text),
        (Some("text/html"), text),
        (Some("application/json"), text),
        (Some("text/plain;version=0.0.4"), text),
        (Some("application/openmetrics-text"), openmetrics),
        (Some(PROMETHEUS), openmetrics),
    ] {
        let header: Vec<_> = accept.map(|it| ("Accept", it)).into_iter().collect();
        let response = exporter.metrics(&header).await;
        assert_eq!(response.status, 200, "{accept:?}");
        assert_eq!(
            response.header("content-type"),
            Some(expected),
            "{accept:?}"
        );
    }
}

#[tokio::test]
async fn problems_beyond_the_limit_are_dropped_youngest_first_and_counted() {
    let coder = three_problems().await;
    let exporter = coder
        .exporter_with(|it| it.web.detail.max_agent_series = 1)
        .await;
    let page = exporter.scrape().await;
    assert_eq!(page.samples(PROBLEM, &[]).count(), 1);
    assert_eq!(page.samples(PROBLEM, &[("agent_name", "old")]).count(), 1);
    let dropped = [("metric", PROBLEM)];
    assert_eq!(page.value("coder_exporter_series_dropped", &dropped), 2.0);
    // The counts know them all.
    assert_eq!(
        page.value("coder_agents_health", &[("health", "disconnected")]),
        3.0
    );

    let all = coder
        .exporter_with(|it| it.web.detail.max_agent_series = 3)
        .await;
    let page = all.scrape().await;
    assert_eq!(page.samples(PROBLEM, &[]).count(), 3);
    assert_eq!(page.value("coder_exporter_series_dropped", &dropped), 0.0);
}

#[tokio::test]
async fn without_agent_series_no_agent_is_named() {
    let coder = three_problems().await;
    let exporter = coder
        .exporter_with(|it| it.web.detail.agent_series = AgentSeries::None)
        .await;
    let page = exporter.scrape().await;
    assert!(!page.has(PROBLEM));
    let samples = page.families.iter().flat_map(|family| &family.samples);
    assert_eq!(
        samples
            .filter(|it| it.label("agent_name").is_some())
            .count(),
        0
    );
    assert_eq!(
        page.value("coder_agents_health", &[("health", "disconnected")]),
        3.0
    );
}

#[tokio::test]
async fn exporter_tells_of_its_own_work() {
    let coder = three_problems().await;
    coder.slow("workspace_apps", 0.2).await;
    let page = coder.exporter().await.scrape().await;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(page.value("coder_exporter_build_info", &version), 1.0);
    // One machine, one clock.
    let skew = page.value("coder_exporter_clock_skew_seconds", &[]);
    assert!(skew.abs() < 2.0, "{skew}");
    let took = |it| {
        page.value(
            "coder_exporter_collector_duration_seconds",
            &[("collector", it)],
        )
    };
    assert!((0.2..10.0).contains(&took("apps")), "{}", took("apps"));
    assert!((0.0..10.0).contains(&took("agents")), "{}", took("agents"));
    assert!(page.value("process_resident_memory_bytes", &[]) > 1e6);
    assert!(page.value("process_open_fds", &[]) > 1.0);
}

#[tokio::test]
async fn landing_page_leads_to_the_metrics_and_the_checks() {
    let coder = Coder::new().await;
    let exporter = coder
        .exporter_with(|it| it.web.telemetry_path = "/m".into())
        .await;
    let home = exporter.get("/").await;
    assert_eq!(home.status, 200);
    assert_eq!(
        home.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for link in ["/m", "/-/ready", "/-/healthy"] {
        assert!(
            home.body.contains(&format!("href=\"{link}\"")),
            "{link}: {}",
            home.body
        );
        assert_eq!(exporter.get(link).await.status, 200, "{link}");
    }
    assert_eq!(exporter.get("/metrics").await.status, 404);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |it| it.web.ui = false).await;
    for path in ["/", "/nonsense", "/metrics/", "/-/", "/..//etc/passwd"] {
        assert_eq!(exporter.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn healthy_asks_nobody() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    let healthy = exporter.get("/-/healthy").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "healthy\n"));
    assert_eq!(exporter.get("/-/ready").await.status, 503);
}

#[tokio::test]
async fn scrapes_that_wait_for_the_database_take_no_place() {
    let coder = three_problems().await;
    coder.slow("workspace_apps", 0.5).await;
    let exporter = coder.exporter_with(|it| it.web.max_requests = 1).await;
    let late = async {
        eventually("it reads the apps", async || coder.is_waited_for().await).await;
        let waiting = (0..20).map(|_| exporter.scrape());
        futures_util::future::join_all(waiting).await
    };
    let (page, late) = tokio::join!(exporter.scrape(), late);
    assert_eq!(page.value("coder_apps", &[]), 1.0);
    for page in late {
        assert_eq!(page.value("coder_apps", &[]), 1.0);
    }
}

#[tokio::test]
async fn scrape_without_a_place_says_that_nothing_is_known() {
    let coder = three_problems().await;
    let exporter = coder.exporter_with(|it| it.web.max_requests = 0).await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert!(!page.has("coder_agents"));
}

#[tokio::test]
async fn runbooks_are_there_without_a_database() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    let get = async |path: &str| http::get(exporter.address, path, &[]).await.unwrap();
    let list = get("/runbooks").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains(r#"href="/runbooks/CoderDown""#));
    let runbook = get("/runbooks/CoderDown").await;
    assert_eq!(runbook.status, 200);
    assert!(runbook.body.contains("<h1>CoderDown</h1>"));
    assert!(runbook.body.contains(r#"<a href="CoderNoData">"#));
    assert_eq!(get("/runbooks/CoderOther").await.status, 404);
}
