//! A collector that fails hides its own families and nobody else's (`docs/spec/collection.md`).

use crate::harness::exposition::Page;
use crate::harness::*;

/// Families that each collector has under these settings, where there are rows for them.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "agents",
        &[
            "coder_agents",
            "coder_agents_lifecycle",
            "coder_agents_health",
            "coder_agents_version",
            "coder_agent_oldest_problem_timestamp_seconds",
            "coder_agent_heartbeat_age_seconds_count",
            "coder_agent_status_transitions_total",
            "coder_agent_problem_timestamp_seconds",
            "coder_agent_expected_seconds_total",
            "coder_agent_unavailable_seconds_total",
            "coder_exporter_heartbeat_lead_seconds",
            "coderd_agents_up",
            "coderd_agents_connections",
        ],
    ),
    ("apps", &["coder_apps", "coderd_agents_apps"]),
    ("causes", &[]),
    ("workspaces", &["coder_workspaces"]),
    ("bindings", &["coder_chat_bindings"]),
    ("startups", &[]),
];

/// A fleet in which every family has a sample, and its exporter.
async fn everything() -> (Coder, Exporter) {
    let coder = Coder::new().await;
    let stuck = agent("stuck")
        .lifecycle("created")
        .null("started_at")
        .null("ready_at");
    let story = workspace("box").agent(stuck.named_app("Docs", "healthy"));
    let id = story.id;
    coder.add(story).await;
    coder.add_chat(id, &[]).await;
    let exporter = coder
        .exporter_with(|it| {
            it.collect.named_apps = true;
            it.web.detail.coderd_compat = true;
        })
        .await;
    (coder, exporter)
}

/// Fails unless exactly these collectors failed, with their families and no others.
#[track_caller]
fn assert_failed(page: &Page, failed: &[&str]) {
    let is_up = f64::from(u8::from(!failed.contains(&"agents")));
    assert_eq!(page.value("coder_exporter_up", &[]), is_up, "{failed:?}");
    for (collector, families) in FAMILIES {
        let expected = f64::from(u8::from(!failed.contains(collector)));
        let labels = [("collector", *collector)];
        let success = page.value("coder_exporter_collector_success", &labels);
        assert_eq!(success, expected, "{collector}, {failed:?} should fail");
        for name in ["duration_seconds", "rows"] {
            let name = format!("coder_exporter_collector_{name}");
            assert_eq!(
                page.get(&name, &labels).is_some(),
                expected == 1.0,
                "{name}"
            );
        }
        for family in *families {
            assert_eq!(page.has(family), expected == 1.0, "{family}, {failed:?}");
        }
    }
}

/// What fails where the agents cannot be read.
const WITHOUT_AGENTS: &[&str] = &[
    "agents",
    "apps",
    "causes",
    "workspaces",
    "bindings",
    "startups",
];

#[tokio::test]
async fn missing_grant_hides_the_families_that_need_it_and_no_others() {
    for (grant, failed) in [
        ("version) ON workspace_agents", WITHOUT_AGENTS),
        ("username) ON users", WITHOUT_AGENTS),
        ("name) ON template_versions", WITHOUT_AGENTS),
        ("display_name) ON workspace_apps", &["apps"]),
        (
            "job_status) ON provisioner_jobs",
            &["workspaces", "provisioners"],
        ),
        ("archived) ON chats", &["bindings"]),
    ] {
        let (coder, exporter) = everything().await;
        assert_failed(&exporter.scrape().await, &[]);
        let role = &coder.role;
        coder
            .sql(&format!("REVOKE SELECT ({grant} FROM {role}"))
            .await;
        assert_failed(&exporter.scrape().await, failed);
        coder.sql(&format!("GRANT SELECT ({grant} TO {role}")).await;
        assert_failed(&exporter.scrape().await, &[]);
    }
}

/// Not seen in the catalog beforehand: the statement itself fails, in the middle of the
/// transaction.
#[tokio::test]
async fn statement_that_fails_hides_its_own_families_and_no_others() {
    for (table, condition, failed) in [
        ("workspace_apps", "health IS NOT NULL", "apps"),
        ("chats", "id IS NOT NULL", "bindings"),
    ] {
        let (coder, exporter) = everything().await;
        let role = &coder.role;
        coder
            .sql(&format!(
                "ALTER TABLE {table} RENAME TO real_table;
                 CREATE VIEW {table} AS SELECT * FROM real_table
                     WHERE 1 / (CASE WHEN {condition} THEN 0 ELSE 1 END) = 1;
                 GRANT SELECT ON {table} TO {role};"
            ))
            .await;
        for collection in 1..=2 {
            let page = exporter.scrape().await;
            assert_failed(&page, &[failed]);
            let query = [("kind", "query")];
            let errors = page.value("coder_exporter_errors_total", &query);
            assert_eq!(errors, f64::from(collection), "{table}");
        }
    }
}

#[tokio::test]
async fn causes_that_fail_leave_the_problem_without_a_cause() {
    const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";
    let (coder, exporter) = everything().await;
    let never = [("cause", "never_reported")];
    assert!(exporter.scrape().await.get(PROBLEM, &never).is_some());
    coder
        .sql(
            "ALTER TABLE workspace_resources RENAME TO real_table;
             CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
                 IF current_query() LIKE '%AS stuck%' THEN RAISE 'no'; END IF;
                 RETURN true; END$$;
             CREATE VIEW workspace_resources AS SELECT * FROM real_table WHERE fail();",
        )
        .await;
    let role = &coder.role;
    coder
        .sql(&format!("GRANT SELECT ON workspace_resources TO {role}"))
        .await;
    let page = exporter.scrape().await;
    assert_failed(&page, &["causes"]);
    assert!(page.get(PROBLEM, &[("cause", "")]).is_some());
    assert_eq!(page.samples(PROBLEM, &[]).count(), 1);
}
