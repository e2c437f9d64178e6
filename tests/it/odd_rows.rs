//! Rows nobody expected (`docs/spec/failures.md`): counted and exported, never a panic, never a
//! broken page.

use crate::harness::exposition::Page;
use crate::harness::*;

/// Both formats say the same; gives the text.
async fn scrape_both(exporter: &Exporter) -> Page {
    let page = exporter.scrape().await;
    let openmetrics = exporter.scrape_openmetrics().await;
    for family in ["coder_agents", "coder_agents_health", "coder_apps"] {
        assert_eq!(page.show(family), openmetrics.show(family));
    }
    page
}

#[tokio::test]
async fn lifecycle_of_a_later_coder_is_exported_under_its_own_name() {
    let coder = Coder::new().await;
    coder
        .sql("ALTER TYPE workspace_agent_lifecycle_state ADD VALUE 'hibernating'")
        .await;
    let later = agent("later").lifecycle("hibernating");
    coder
        .add(workspace("box").build(start(1).agent(later).agent(agent("main"))))
        .await;
    let page = scrape_both(&coder.exporter().await).await;
    let state = [("lifecycle_state", "hibernating")];
    assert_eq!(page.value("coder_agents_lifecycle", &state), 1.0);
    assert_eq!(page.value("coder_agents_lifecycle", &[]), 2.0);
    assert_eq!(
        page.value("coder_agents_health", &[("health", "healthy")]),
        2.0
    );
}

#[tokio::test]
async fn app_health_of_a_later_coder_is_exported_under_its_own_name() {
    let coder = Coder::new().await;
    coder
        .sql("ALTER TYPE workspace_app_health ADD VALUE 'degraded'")
        .await;
    coder
        .add(workspace("box").agent(agent("main").app("degraded").app("healthy")))
        .await;
    let page = scrape_both(&coder.exporter().await).await;
    assert_eq!(page.value("coder_apps", &[("health", "degraded")]), 1.0);
    assert_eq!(page.value("coder_apps", &[]), 2.0);
}

#[tokio::test]
async fn transition_of_a_later_coder_is_not_start() {
    let coder = Coder::new().await;
    coder
        .sql("ALTER TYPE workspace_transition ADD VALUE 'suspend'")
        .await;
    coder
        .add(workspace("box").build(build(1, "suspend").agent(agent("main"))))
        .await;
    let page = scrape_both(&coder.exporter().await).await;
    assert_eq!(
        page.value("coder_agents_health", &[("health", "shutdown")]),
        1.0
    );
}

/// A column, which row of the workspace to change, and whether its agent still counts.
const NULLS: &[(&str, &str, &str, f64)] = &[
    ("workspaces", "name", "name = '$'", 1.0),
    ("workspaces", "owner_id", "name = '$'", 1.0),
    ("workspaces", "organization_id", "name = '$'", 1.0),
    ("workspaces", "template_id", "name = '$'", 1.0),
    ("workspaces", "deleted", "name = '$'", 1.0),
    ("workspace_builds", "transition", OF_WORKSPACE, 1.0),
    ("workspace_builds", "build_number", OF_WORKSPACE, 1.0),
    ("workspace_builds", "workspace_id", OF_WORKSPACE, 0.0),
    ("workspace_builds", "job_id", OF_WORKSPACE, 0.0),
    ("workspace_agents", "name", "name = '$'", 1.0),
    ("workspace_agents", "lifecycle_state", "name = '$'", 1.0),
    ("workspace_agents", "created_at", "name = '$'", 1.0),
    ("workspace_agents", "first_connected_at", "name = '$'", 1.0),
    ("workspace_agents", "last_connected_at", "name = '$'", 1.0),
    ("workspace_agents", "started_at", "name = '$'", 1.0),
    ("workspace_agents", "ready_at", "name = '$'", 1.0),
    (
        "workspace_agents",
        "connection_timeout_seconds",
        "name = '$'",
        1.0,
    ),
    ("workspace_agents", "deleted", "name = '$'", 1.0),
    ("workspace_agents", "resource_id", "name = '$'", 0.0),
    ("users", "username", "username = '$'", 1.0),
    ("organizations", "name", "name = '$'", 1.0),
    ("templates", "name", "name = '$'", 1.0),
    ("workspace_apps", "health", OF_AGENT, 1.0),
];
const OF_WORKSPACE: &str = "workspace_id IN (SELECT id FROM workspaces WHERE name = '$')";
const OF_AGENT: &str = "agent_id IN (SELECT id FROM workspace_agents WHERE name = '$')";

#[tokio::test]
async fn null_where_none_should_be_hides_nobody() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    let mut expected = 0.0;
    for (table, column, rows, counts) in NULLS {
        let name = format!("{table}.{column}");
        let odd = workspace(&name)
            .owner(&name)
            .organization(&name)
            .template(&name);
        coder.add(odd.agent(agent(&name).app("healthy"))).await;
        let rows = rows.replace('$', &name);
        coder
            .sql(&format!("ALTER TABLE {table} ALTER {column} DROP NOT NULL"))
            .await;
        coder
            .sql(&format!("UPDATE {table} SET {column} = NULL WHERE {rows}"))
            .await;
        expected += counts;
        let page = scrape_both(&exporter).await;
        page.assert_every_collector_loaded();
        assert_eq!(page.value("coder_agents", &[]), expected, "{name}");
        assert_eq!(page.value("coder_apps", &[]), expected, "{name}");
    }
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
    // Its own, and those of three agents that are not connected or not expected.
    assert_eq!(page.value("coder_apps", &[("health", "unknown")]), 4.0);
    let unknown = [("lifecycle_state", "unknown")];
    assert_eq!(page.value("coder_agents_lifecycle", &unknown), 1.0);
}

#[tokio::test]
async fn absurd_times_and_numbers_are_judged_like_any_other() {
    let coder = Coder::new().await;
    let columns = [
        "created_at",
        "first_connected_at",
        "last_connected_at",
        "disconnected_at",
        "started_at",
        "ready_at",
    ];
    let times = [
        "'infinity'",
        "'-infinity'",
        "'0001-01-01'",
        "'4714-11-24 BC'",
        "'294276-12-31'",
    ];
    let mut odd = start(1);
    for column in columns {
        for time in times {
            odd = odd
                .agent(agent("used").set(column, time))
                .agent(agent("used").lifecycle("created").set(column, time))
                .agent(agent("used").lifecycle("starting").set(column, time))
                .agent(waiting_agent("new", 5.0).set(column, time));
        }
    }
    for seconds in [i32::MIN, -1, i32::MAX] {
        odd = odd.agent(waiting_agent("new", 5.0).set("connection_timeout_seconds", seconds));
    }
    let total = (columns.len() * times.len() * 4 + 3) as f64;
    coder.add(workspace("box").build(odd)).await;
    let page = scrape_both(&coder.exporter().await).await;
    for family in [
        "coder_agents",
        "coder_agents_lifecycle",
        "coder_agents_health",
    ] {
        assert_eq!(page.value(family, &[]), total, "{}", page.show(family));
    }
    let problems = page.samples("coder_agent_problem_timestamp_seconds", &[]);
    assert!(problems.map(|it| it.value).all(|since| !since.is_nan()));
}

#[tokio::test]
async fn eternal_heartbeat_is_connected_and_one_from_year_one_is_not() {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("eternal").set("last_connected_at", "'infinity'"))
        .agent(agent("ancient").set("last_connected_at", "'0001-01-01'"));
    coder.add(workspace("box").build(build)).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value("coder_agents", &[("status", "connected")]), 1.0);
    let ancient = [("agent_name", "ancient")];
    let since = page.value("coder_agent_problem_timestamp_seconds", &ancient);
    assert_eq!(since, -62_135_596_800.0);
}

#[tokio::test]
async fn names_come_through_letter_by_letter() {
    let coder = Coder::new().await;
    // Names are text in one Coder and varchar in another.
    for (table, column) in [
        ("templates", "name"),
        ("workspaces", "name"),
        ("workspace_agents", "name"),
    ] {
        coder
            .sql(&format!("ALTER TABLE {table} ALTER {column} TYPE text"))
            .await;
    }
    let names = [
        "two\nlines".to_owned(),
        "\n".into(),
        "say \"hi\"".into(),
        "back\\slash\\".into(),
        "\\n is not a newline".into(),
        "\u{1f600}".repeat(64),
        String::new(),
        " spaces ".into(),
        "tab\tand\rreturn\u{7f}\u{1}".into(),
        "{a=\"b\"} 1 # EOF".into(),
        "<script>alert(1)</script>".into(),
        "\u{202e}\u{0}".replace('\u{0}', "\u{feff}"),
        "x".repeat(10_000),
    ];
    for name in &names {
        let odd = workspace(name)
            .owner(name)
            .organization(name)
            .template(name);
        coder.add(odd.agent(agent(name).closed_ago(60.0))).await;
    }
    let exporter = coder.exporter().await;
    // What is longer than 256 bytes is cut, and marked.
    let names = names.map(|name| match name.len() {
        0..=256 => name,
        _ => format!("{}…", "x".repeat(253)),
    });
    for page in [exporter.scrape().await, exporter.scrape_openmetrics().await] {
        for name in &names {
            let scope = [
                ("organization_name", name.as_str()),
                ("template_name", name),
            ];
            assert_eq!(page.value("coder_agents", &scope), 1.0, "{name:?}");
            let labels = [
                ("agent_name", name.as_str()),
                ("workspace_name", name),
                ("workspace_owner", name),
            ];
            let problems = page.samples("coder_agent_problem_timestamp_seconds", &labels);
            assert_eq!(problems.count(), 1, "{name:?}");
        }
        assert_eq!(page.value("coder_agents", &[]), names.len() as f64);
    }
}

#[tokio::test]
async fn name_that_is_not_utf8_hides_nobody() {
    let coder = Coder::of_encoding("SQL_ASCII").await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
        .sql(r"UPDATE organizations SET name = E'caf\xe9'")
        .await;
    let page = scrape_both(&coder.exporter().await).await;
    let organization = [("organization_name", "caf\u{fffd}")];
    assert_eq!(page.value("coder_agents", &organization), 1.0);
}
