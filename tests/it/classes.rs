//! Status and health (`docs/spec/connection-status.md` and `docs/spec/health.md`), from rows to
//! lines.

use crate::harness::fleet::{Agent, Workspace};
use crate::harness::json::json;
use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;

const MINUTE: f64 = 60.0;

/// One agent of each health class, named for it, and what its row is.
fn one_of_each() -> Vec<Agent> {
    let template_waits_two_minutes = |agent: Agent| agent.set("connection_timeout_seconds", 120);
    vec![
        agent("shutdown").lifecycle("off").closed_ago(MINUTE),
        agent("terminated")
            .lifecycle("off")
            .closed_ago(6.0 * MINUTE),
        waiting_agent("stuck_connecting", 11.0 * MINUTE),
        waiting_agent("connecting", 9.0 * MINUTE),
        template_waits_two_minutes(waiting_agent("connect_timeout", 3.0 * MINUTE)),
        agent("disconnected").silent_for(31.0),
        agent("start_error").lifecycle("start_error"),
        agent("stuck_created")
            .lifecycle("created")
            .ago("first_connected_at", 3.0 * MINUTE),
        agent("stuck_starting")
            .lifecycle("starting")
            .ago("started_at", 31.0 * MINUTE),
        agent("starting")
            .lifecycle("starting")
            .ago("started_at", 29.0 * MINUTE),
        agent("healthy"),
    ]
}

fn all_classes() -> Workspace {
    let build = one_of_each()
        .into_iter()
        .fold(start(1), |build, agent| build.agent(agent));
    workspace("box").build(build)
}

#[tokio::test]
async fn each_health_class_is_exported_once_for_its_one_agent() {
    let coder = Coder::new().await;
    coder.add(all_classes()).await;
    let page = coder.exporter().await.scrape().await;
    insta::assert_snapshot!(page.show("coder_agents_health"), @r#"
    coder_agents_health{health="shutdown",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="terminated",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="stuck_connecting",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="connecting",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="connect_timeout",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="disconnected",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="start_error",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="stuck_created",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="stuck_starting",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="starting",kind="root",organization_name="acme",template_name="docker"} 1
    coder_agents_health{health="healthy",kind="root",organization_name="acme",template_name="docker"} 1
    "#);
}

/// At the limit and a moment past it, in every Coder. Noon has come.
#[tokio::test]
async fn each_limit_is_kept_to_the_microsecond_by_every_coder() {
    let at = |time: &str| format!("timestamptz '2026-03-01 {time}Z'");
    let gone = |name: &str, closed: &str| {
        let gone = agent(name).lifecycle("off");
        gone.set("last_connected_at", at("11:00:00"))
            .set("disconnected_at", at(closed))
    };
    let waiting = |name: &str, created: &str| {
        let waiting = waiting_agent(name, 0.0).set("created_at", at(created));
        waiting.set("connection_timeout_seconds", 60)
    };
    let beating = |name: &str| agent(name).set("last_connected_at", at("12:00:00"));
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        coder.stop_clock(&at("12:00:00")).await;
        let build = start(1)
            .agent(gone("shutdown", "11:55:00"))
            .agent(gone("terminated", "11:54:59.999999"))
            .agent(beating("shutdown").lifecycle("off"))
            // Never connected: its lifecycle does not matter.
            .agent(waiting("connect_timeout", "11:58:59.999999").lifecycle("off"))
            .agent(waiting("connecting", "11:59:00").lifecycle("off"))
            .external_resource()
            .agent(waiting("connecting", "01:00:00"))
            .agent(waiting("connecting", "01:00:00").set("connection_timeout_seconds", 0))
            .agent(gone("terminated", "11:54:59.999999"));
        let silent = agent("disconnected").set("last_connected_at", at("11:59:29.999999"));
        let ahead = start(1)
            .agent(silent.clone())
            .agent(agent("healthy").set("last_connected_at", at("11:59:30")))
            .agent(waiting("connect_timeout", "11:00:00"));
        coder.add(workspace("box").build(build)).await;
        coder.add(workspace("ahead").prebuild().build(ahead)).await;
        let exporter = coder.exporter().await;
        let agents = json(&exporter.get("/api/v1/agents").await.body);
        let agents = agents["agents"].as_array().unwrap();
        assert_eq!(agents.len(), 11, "{era:?}");
        for agent in agents {
            assert_eq!(agent["health"], agent["agent_name"], "{era:?}: {agent}");
        }
        let lost = json(
            &exporter
                .get("/api/v1/agents?kind=external&health=problem")
                .await
                .body,
        );
        let lost = lost["agents"].as_array().unwrap();
        assert_eq!(lost.len(), 1);
        let advice = lost[0]["advice"].as_str().unwrap();
        assert!(advice.starts_with("Ask the owner"), "{advice}");
    }
}

#[tokio::test]
async fn each_status_is_exported_with_the_number_of_its_agents() {
    let coder = Coder::new().await;
    coder.add(all_classes()).await;
    let page = coder.exporter().await.scrape().await;
    insta::assert_snapshot!(page.show("coder_agents"), @r#"
    coder_agents{kind="root",organization_name="acme",status="connected",template_name="docker"} 5
    coder_agents{kind="root",organization_name="acme",status="connecting",template_name="docker"} 2
    coder_agents{kind="root",organization_name="acme",status="disconnected",template_name="docker"} 3
    coder_agents{kind="root",organization_name="acme",status="timeout",template_name="docker"} 1
    "#);
}

#[tokio::test]
async fn each_lifecycle_state_is_exported_with_the_number_of_its_agents() {
    let coder = Coder::new().await;
    coder.add(all_classes()).await;
    let page = coder.exporter().await.scrape().await;
    insta::assert_snapshot!(page.show("coder_agents_lifecycle"), @r#"
    coder_agents_lifecycle{kind="root",lifecycle_state="created",organization_name="acme",template_name="docker"} 4
    coder_agents_lifecycle{kind="root",lifecycle_state="starting",organization_name="acme",template_name="docker"} 2
    coder_agents_lifecycle{kind="root",lifecycle_state="start_timeout",organization_name="acme",template_name="docker"} 0
    coder_agents_lifecycle{kind="root",lifecycle_state="start_error",organization_name="acme",template_name="docker"} 1
    coder_agents_lifecycle{kind="root",lifecycle_state="ready",organization_name="acme",template_name="docker"} 2
    coder_agents_lifecycle{kind="root",lifecycle_state="shutting_down",organization_name="acme",template_name="docker"} 0
    coder_agents_lifecycle{kind="root",lifecycle_state="shutdown_timeout",organization_name="acme",template_name="docker"} 0
    coder_agents_lifecycle{kind="root",lifecycle_state="shutdown_error",organization_name="acme",template_name="docker"} 0
    coder_agents_lifecycle{kind="root",lifecycle_state="off",organization_name="acme",template_name="docker"} 2
    "#);
}

#[tokio::test]
async fn each_app_health_is_exported_with_the_number_of_its_apps() {
    let coder = Coder::new().await;
    let apps = agent("main")
        .app("healthy")
        .app("healthy")
        .app("disabled")
        .app("unhealthy");
    coder.add(workspace("box").agent(apps)).await;
    let page = coder.exporter().await.scrape().await;
    insta::assert_snapshot!(page.show("coder_apps"), @r#"
    coder_apps{health="disabled",organization_name="acme",template_name="docker"} 1
    coder_apps{health="initializing",organization_name="acme",template_name="docker"} 0
    coder_apps{health="healthy",organization_name="acme",template_name="docker"} 2
    coder_apps{health="unhealthy",organization_name="acme",template_name="docker"} 1
    coder_apps{health="unknown",organization_name="acme",template_name="docker"} 0
    "#);
}

/// The agent checks its apps: what it said last is old news once it is gone or is being stopped.
#[tokio::test]
async fn apps_are_unknown_where_no_agent_checks_them_any_more() {
    let coder = Coder::new().await;
    let with_apps = |agent: Agent| agent.app("healthy").app("unhealthy").app("disabled");
    let lost = with_apps(agent("main").silent_for(40.0));
    coder
        .add(workspace("here").agent(with_apps(agent("main"))))
        .await;
    coder.add(workspace("lost").agent(lost)).await;
    let stopping = build(1, "stop").agent(with_apps(agent("main")));
    coder.add(workspace("stopping").build(stopping)).await;
    // Coder's own metrics go on with what it was.
    let exporter = coder.exporter_with(|it| it.collect.named_apps = true).await;
    for page in [
        coder.exporter().await.scrape().await,
        exporter.scrape().await,
    ] {
        let apps = |health| page.value("coder_apps", &[("health", health)]);
        let counts = ["disabled", "healthy", "unhealthy", "unknown"].map(apps);
        assert_eq!(counts, [1.0, 1.0, 1.0, 6.0], "{}", page.show("coder_apps"));
        assert_eq!(page.samples("coder_apps", &[]).count(), 5);
        let merged = [("kind", "duplicate_series")];
        assert_eq!(page.value("coder_exporter_errors_total", &merged), 0.0);
    }
}

/// Seconds from a problem's since to the moment of the snapshot, by agent.
async fn problem_ages(coder: &Coder) -> Vec<(String, f64)> {
    let page = coder.exporter().await.scrape().await;
    let now = page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    page.samples("coder_agent_problem_timestamp_seconds", &[])
        .map(|sample| {
            assert_eq!(sample.label("health"), sample.label("agent_name"));
            let is_stuck = sample.label("health") == Some("stuck_created");
            let cause = if is_stuck { "never_reported" } else { "" };
            assert_eq!(sample.label("cause"), Some(cause));
            let name = sample.label("agent_name").unwrap().to_owned();
            (name, now - sample.value)
        })
        .collect()
}

#[tokio::test]
async fn each_problem_says_since_when_and_the_oldest_stands_first() {
    let coder = Coder::new().await;
    coder.add(all_classes()).await;
    let expected = [
        ("start_error", 7100.0),
        ("stuck_starting", 31.0 * MINUTE),
        ("stuck_connecting", 11.0 * MINUTE),
        ("terminated", 6.0 * MINUTE),
        ("stuck_created", 3.0 * MINUTE),
        // Created three minutes ago, and had two minutes to connect.
        ("connect_timeout", MINUTE),
        ("disconnected", 31.0),
    ];
    let found = problem_ages(&coder).await;
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((name, age), (expected_name, expected_age)) in found.iter().zip(expected) {
        assert_eq!(name, expected_name);
        // The rows were written a moment before they were read.
        let late = age - expected_age;
        assert!((0.0..10.0).contains(&late), "{name}: {age} s");
    }
}

#[tokio::test]
async fn problem_names_the_agent_its_workspace_and_its_owner() {
    let coder = Coder::new().await;
    let lost = agent("main").closed_ago(MINUTE);
    let id = lost.id.to_string();
    coder.add(workspace("box").owner("grace").agent(lost)).await;
    let page = coder.exporter().await.scrape().await;
    let labels = [
        ("organization_name", "acme"),
        ("template_name", "docker"),
        ("agent_id", &id),
        ("agent_name", "main"),
        ("workspace_name", "box"),
        ("workspace_owner", "grace"),
        ("health", "disconnected"),
        ("cause", ""),
    ];
    assert!(
        page.get("coder_agent_problem_timestamp_seconds", &labels)
            .is_some()
    );
}

#[tokio::test]
async fn limits_are_the_settings_own() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(31.0)))
        .await;
    let patient = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
    let exporter = coder
        .exporter_with(|it| it.collect.limits.inactive_timeout = patient(1))
        .await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_agents", &[("status", "connected")]), 1.0);
}

#[tokio::test]
async fn heartbeat_ahead_of_the_databases_clock_is_connected() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(-3600.0)))
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(
        page.value("coder_agents_health", &[("health", "healthy")]),
        1.0
    );
}
