//! `/probe`: one workspace on demand.

use std::time::{Duration, Instant};

use super::*;

use crate::harness::exposition::Format;
use crate::harness::http::{self, Response};

fn page(response: &Response) -> Page {
    assert_eq!(response.status, 200, "{}", response.body);
    Page::read(Format::Text, &response.body).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn workspace_is_probed_by_its_id_and_by_its_names() {
    let deployment = Deployment::new().await;
    let main = agent("main");
    deployment.coderd.answer(main.id, Answer::ports());
    let it = workspace("build-box").agent(main.clone());
    deployment.coder.add(it.clone()).await;
    let exporter = deployment.exporter(|_| {}).await;
    for name in [
        it.id.to_string(),
        "ada/build-box".into(),
        "ADA/Build-Box".into(),
    ] {
        let page = page(&exporter.get(&format!("/probe?workspace={name}")).await);
        assert_eq!(page.value("probe_success", &[]), 1.0);
        assert_eq!(page.value("probe_outcome", &[("outcome", "ok")]), 1.0);
        assert_eq!(page.value("probe_outcome", &[]), 1.0);
        assert_eq!(page.samples("probe_outcome", &[]).count(), 9);
        assert_eq!(page.value("probe_binding_switched", &[]), 0.0);
        assert_eq!(page.samples("probe_phase_duration_seconds", &[]).count(), 4);
        assert!(page.value("probe_duration_seconds", &[]) > 0.0);
        let labels = [
            ("agent_id", &*main.id.to_string()),
            ("agent_name", "main"),
            ("status", "connected"),
            ("health", "healthy"),
        ];
        assert_eq!(page.value("probe_agent_info", &labels), 1.0);
    }
    // Asked for, it says nothing of the fleet.
    let scraped = exporter.scrape().await;
    assert_eq!(scraped.value("coder_agent_probe_outcomes_total", &[]), 0.0);
}

#[tokio::test]
async fn page_of_one_probe_comes_in_every_format() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let accept = [("Accept", "application/openmetrics-text; version=1.0.0")];
    let response = http::get(exporter.address, "/probe?workspace=ada/box", &accept).await;
    let response = response.unwrap();
    let page = Page::read(Format::OpenMetrics, &response.body).unwrap();
    assert_eq!(page.value("probe_success", &[]), 1.0);
}

#[tokio::test]
async fn unknown_workspace_is_404_with_what_comes_near() {
    let deployment = Deployment::new().await;
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let near = exporter.get("/probe?workspace=ada/bax").await;
    assert_eq!(near.status, 404);
    assert!(near.body.contains("there are: ada/box"), "{}", near.body);
    let far = exporter.get("/probe?workspace=bob/other").await;
    assert_eq!(
        (far.status, &*far.body),
        (404, "there is no such workspace\n")
    );
    let agent = exporter.get(&format!("/probe?workspace={id}")).await;
    assert_eq!(
        (agent.status, &*agent.body),
        (404, "this is an agent; use its workspace\n")
    );
    assert_eq!(deployment.coderd.requests().len(), 0);
}

#[tokio::test]
async fn nothing_but_a_uuid_or_two_names_is_taken() {
    let deployment = Deployment::new().await;
    let exporter = deployment.exporter(|_| {}).await;
    for query in [
        "",
        "?workspace=",
        "?workspace=box",
        "?workspace=ada/box.main",
        "?workspace=http://127.0.0.1:22/",
        "?workspace=127.0.0.1:22",
        "?workspace=../../etc/passwd",
        "?workspace=a%0d%0ab/c",
        "?workspace=ada/box&workspace=ada/other",
        "?workspace=ada/box&force=perhaps",
        "?target=127.0.0.1",
    ] {
        let response = exporter.get(&format!("/probe{query}")).await;
        assert_eq!(response.status, 400, "{query}: {}", response.body);
    }
    // As in blackbox exporter, any other word for debug is no.
    let response = exporter.get("/probe?workspace=ada/box&debug=1").await;
    assert_eq!(response.status, 404, "{}", response.body);
    assert_eq!(deployment.coderd.requests().len(), 0);
}

#[tokio::test]
async fn asking_for_the_head_alone_dials_nobody() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment.exporter(|_| {}).await;
    let url = format!("http://{}/probe?workspace=ada/box", exporter.address);
    let head = curl(&["--head", &url]).await;
    assert_eq!((head.exit, head.status), (0, 200), "{}", head.text);
    assert_eq!(deployment.coderd.requests().len(), 0);
}

#[tokio::test]
async fn without_a_dialer_it_says_what_to_set() {
    let exporter = Coder::new().await.exporter().await;
    let response = exporter.get("/probe?workspace=ada/box").await;
    assert_eq!(response.status, 503);
    assert!(
        response.body.contains("--probe.dialer"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn debug_tells_what_was_asked_and_never_the_token() {
    let deployment = Deployment::new().await;
    let refusing = Answer::error(500, "Internal error dialing workspace agent.");
    deployment.add("box", agent("main"), refusing).await;
    let exporter = deployment.exporter(|_| {}).await;
    let response = exporter.get("/probe?workspace=ada/box&debug=true").await;
    assert_eq!(response.status, 200);
    for part in [
        "Probe of ada/box",
        "lookup",
        "dial agent main",
        "agent of the latest build",
        "dial_error: ",
        "probe_success 0",
    ] {
        assert!(response.body.contains(part), "{part}: {}", response.body);
    }
    assert!(!response.body.contains(TOKEN), "{}", response.body);
}

#[tokio::test]
async fn more_probes_than_places_are_429() {
    let deployment = Deployment::new().await;
    let mut slow = Vec::new();
    for name in ["slow", "slower"] {
        deployment.add(name, agent("main"), Answer::Never).await;
    }
    deployment.add("box", agent("main"), Answer::ports()).await;
    // One place more is kept for those who ask.
    let exporter = deployment.exporter(|it| it.probe.concurrency = 1).await;
    for name in ["slow", "slower"] {
        let path = format!("/probe?workspace=ada/{name}");
        slow.push(http::send(exporter.address, &path, &[]).await);
    }
    eventually("both are under way", async || {
        deployment.coderd.connections().0 == 2
    })
    .await;
    let second = exporter.get("/probe?workspace=ada/box").await;
    assert_eq!(second.status, 429, "{}", second.body);
    assert!(
        second.body.contains("--probe.concurrency"),
        "{}",
        second.body
    );
    // The clients hang up: their places are free again.
    drop(slow);
    eventually("there is a place again", async || {
        exporter.get("/probe?workspace=ada/box").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn scrapers_deadline_holds_and_is_a_timeout_of_our_own() {
    let deployment = Deployment::new().await;
    deployment.add("slow", agent("main"), Answer::Never).await;
    let exporter = deployment.exporter(|_| {}).await;
    let header = [("X-Prometheus-Scrape-Timeout-Seconds", "2")];
    let started = Instant::now();
    let response = http::get(exporter.address, "/probe?workspace=ada/slow", &header).await;
    assert!(started.elapsed() < Duration::from_secs(2) + LATE_ON_A_BUSY_MACHINE);
    let page = page(&response.unwrap());
    assert_eq!(page.value("probe_success", &[]), 0.0);
    assert_eq!(
        page.value("probe_outcome", &[("outcome", "dial_timeout")]),
        1.0
    );
}

#[tokio::test]
async fn grant_that_only_the_probe_needs_is_named_and_costs_no_scrape() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let role = &deployment.coder.role;
    let revoke = format!("REVOKE SELECT (display_order) ON workspace_agents FROM {role}");
    deployment.coder.sql(&revoke).await;
    let without = deployment.coder.exporter().await;
    assert_eq!(without.get("/-/ready").await.status, 200);
    let exporter = deployment.exporter(|_| {}).await;
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    let grant = "GRANT SELECT (display_order) ON workspace_agents TO";
    assert!(ready.body.contains(grant), "{}", ready.body);
    let refused = exporter.get("/probe?workspace=ada/box").await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains(grant), "{}", refused.body);
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), [("exporter_error".to_owned(), 1.0)]);
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert_eq!(deployment.coderd.requests().len(), 0);
}
