//! Zeros where an alert waits for a number (`docs/spec/metrics.md`).

use crate::harness::exposition::Page;
use crate::harness::*;
use coder_agent_exporter::error::ErrorKind;
use coder_agent_exporter::fleet::model::label_value::Variants;

const STATUSES: &[&str] = &["connected", "connecting", "disconnected", "timeout"];
const LIFECYCLES: &[&str] = &[
    "created",
    "starting",
    "start_timeout",
    "start_error",
    "ready",
    "shutting_down",
    "shutdown_timeout",
    "shutdown_error",
    "off",
];
const HEALTHS: &[&str] = &[
    "shutdown",
    "terminated",
    "stuck_connecting",
    "connecting",
    "connect_timeout",
    "disconnected",
    "start_error",
    "stuck_created",
    "stuck_starting",
    "starting",
    "healthy",
];
const APP_HEALTHS: &[&str] = &[
    "disabled",
    "initializing",
    "healthy",
    "unhealthy",
    "unknown",
];

/// Family, label and every value it has.
const AGENT_FAMILIES: &[(&str, &str, &[&str])] = &[
    ("coder_agents", "status", STATUSES),
    ("coder_agents_lifecycle", "lifecycle_state", LIFECYCLES),
    ("coder_agents_health", "health", HEALTHS),
];

/// acme/docker has root and sub-agents, acme/podman a root agent, labs/docker likewise; the
/// template labs/empty has a workspace, which is stopped and has no agent.
async fn scrape_of_three_scopes() -> Page {
    let coder = Coder::new().await;
    let main = agent("main")
        .sub(agent("sub"))
        .sub(agent("lost").closed_ago(9.0));
    coder.add(workspace("a").agent(main.app("healthy"))).await;
    coder
        .add(
            workspace("b")
                .template("podman")
                .agent(waiting_agent("main", 5.0)),
        )
        .await;
    coder
        .add(workspace("c").organization("labs").agent(agent("main")))
        .await;
    let stopped = workspace("d")
        .organization("labs")
        .template("empty")
        .build(stop(1));
    coder.add(stopped).await;
    coder.exporter().await.scrape().await
}

#[tokio::test]
async fn every_value_is_there_for_each_organization_template_and_kind_with_an_agent() {
    let page = scrape_of_three_scopes().await;
    let scopes = [
        ("acme", "docker", "root"),
        ("acme", "docker", "sub"),
        ("acme", "podman", "root"),
        ("labs", "docker", "root"),
    ];
    for (family, label, values) in AGENT_FAMILIES {
        for (organization, template, kind) in scopes {
            for value in *values {
                let labels = [
                    ("organization_name", organization),
                    ("template_name", template),
                    ("kind", kind),
                    (label, value),
                ];
                assert!(page.get(family, &labels).is_some(), "{family} {labels:?}");
            }
        }
        let series = page.samples(family, &[]).count();
        assert_eq!(series, scopes.len() * values.len(), "{}", page.show(family));
    }
}

#[tokio::test]
async fn every_app_health_is_there_even_for_agents_without_apps() {
    let page = scrape_of_three_scopes().await;
    for (organization, template) in [("acme", "docker"), ("acme", "podman"), ("labs", "docker")] {
        for health in APP_HEALTHS {
            let labels = [
                ("organization_name", organization),
                ("template_name", template),
                ("health", health),
            ];
            assert!(page.get("coder_apps", &labels).is_some(), "{labels:?}");
        }
    }
    assert_eq!(
        page.samples("coder_apps", &[]).count(),
        3 * APP_HEALTHS.len()
    );
    assert_eq!(page.value("coder_apps", &[]), 1.0);
}

#[tokio::test]
async fn template_without_agents_leaves_no_series() {
    let page = scrape_of_three_scopes().await;
    // It has a workspace, which counts as one.
    let families = page
        .families
        .iter()
        .filter(|it| it.name != "coder_workspaces");
    let empty = families.flat_map(|family| &family.samples);
    assert_eq!(
        empty
            .filter(|it| it.label("template_name") == Some("empty"))
            .count(),
        0
    );
}

#[tokio::test]
async fn removed_workspace_leaves_no_series_behind() {
    let coder = Coder::new().await;
    coder
        .add(workspace("a").agent(agent("main").closed_ago(60.0)))
        .await;
    let exporter = coder.exporter().await;
    assert!(
        exporter
            .scrape()
            .await
            .has("coder_agent_problem_timestamp_seconds")
    );
    coder.sql("UPDATE workspaces SET deleted = true").await;
    let page = exporter.scrape().await;
    for family in [
        "coder_agents",
        "coder_apps",
        "coder_agent_problem_timestamp_seconds",
    ] {
        assert!(!page.has(family), "{}", page.show(family));
    }
}

#[tokio::test]
async fn sum_over_every_label_is_the_population() {
    let page = scrape_of_three_scopes().await;
    for (family, ..) in AGENT_FAMILIES {
        assert_eq!(page.value(family, &[]), 5.0, "{}", page.show(family));
    }
    let rows = [("collector", "agents")];
    assert_eq!(page.value("coder_exporter_collector_rows", &rows), 5.0);
}

#[tokio::test]
async fn errors_of_every_kind_are_counted_from_zero() {
    let page = scrape_of_three_scopes().await;
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
    let kinds = page.samples("coder_exporter_errors_total", &[]).count();
    assert_eq!(kinds, ErrorKind::ALL.len());
    assert!(!page.has("coder_exporter_last_error_timestamp_seconds"));
}
