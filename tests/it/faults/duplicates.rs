//! Rows that would give one series twice: merged, counted, and the page is whole.

use coder_agent_exporter::metrics::page::AgentSeries;

use crate::harness::exposition::Page;
use crate::harness::*;

const DUPLICATES: [(&str, &str); 1] = [("kind", "duplicate_series")];

fn duplicates(page: &Page) -> f64 {
    page.value("coder_exporter_errors_total", &DUPLICATES)
}

async fn talkative(coder: &Coder) -> Exporter {
    coder
        .exporter_with(|it| it.web.detail.agent_series = AgentSeries::All)
        .await
}

/// A database restored without its keys, in which everything of Coder's stands twice.
#[tokio::test]
async fn agent_that_is_there_twice_counts_once_by_its_newest_row() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(300.0).app("healthy")))
        .await;
    coder.add(workspace("other").agent(agent("main"))).await;
    let exporter = talkative(&coder).await;
    assert_eq!(duplicates(&exporter.scrape().await), 0.0);
    coder
        .sql(
            "ALTER TABLE workspace_agents DROP CONSTRAINT workspace_agents_pkey CASCADE;
             INSERT INTO workspace_agents SELECT * FROM workspace_agents;
             UPDATE workspace_agents SET last_connected_at = now()
                 WHERE ctid IN (SELECT max(ctid) FROM workspace_agents GROUP BY id);",
        )
        .await;
    for scrapes in 1..=2 {
        let page = exporter.scrape().await;
        page.assert_every_collector_loaded();
        assert_eq!(page.value("coder_agents", &[]), 2.0);
        let connected = [("status", "connected")];
        assert_eq!(page.value("coder_agents", &connected), 2.0);
        assert_eq!(page.value("coder_agent_info", &connected), 2.0);
        assert_eq!(page.value("coder_apps", &[]), 1.0);
        let rows = [("collector", "agents")];
        assert_eq!(page.value("coder_exporter_collector_rows", &rows), 4.0);
        assert_eq!(duplicates(&page), 2.0, "in scrape {scrapes}");
    }
}

/// Two builds of one number, which the index forbids, with one job: one of them is the latest.
#[tokio::test]
async fn build_that_is_there_twice_doubles_no_agent() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").closed_ago(60.0)))
        .await;
    let exporter = talkative(&coder).await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "ALTER TABLE workspace_builds RENAME TO real_table;
             CREATE VIEW workspace_builds AS
                 SELECT * FROM real_table UNION ALL SELECT * FROM real_table;
             GRANT SELECT ON workspace_builds TO {role};"
        ))
        .await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    let problem = "coder_agent_problem_timestamp_seconds";
    assert_eq!(page.samples(problem, &[]).count(), 1);
    assert_eq!(duplicates(&page), 0.0);
}

#[tokio::test]
async fn agents_of_one_name_in_a_workspace_collide_in_coders_own_metrics_only() {
    let coder = Coder::new().await;
    let main = || agent("main").named_app("Docs", "healthy");
    let build = start(1).agent(main()).resource().agent(main());
    coder.add(workspace("box").build(build)).await;
    let plain = coder.exporter().await;
    assert_eq!(duplicates(&plain.scrape().await), 0.0);
    let compatible = coder
        .exporter_with(|it| {
            it.collect.named_apps = true;
            it.web.detail.coderd_compat = true;
        })
        .await;
    let page = compatible.scrape().await;
    assert_eq!(page.value("coderd_agents_connections", &[]), 1.0);
    assert_eq!(page.value("coderd_agents_apps", &[]), 2.0);
    assert_eq!(page.value("coderd_agents_up", &[]), 2.0);
    // A connection and an app; that both are up in one workspace is a count of two.
    assert_eq!(duplicates(&page), 2.0);
}

#[tokio::test]
async fn names_that_become_one_when_they_are_read_are_added() {
    let coder = Coder::of_encoding("SQL_ASCII").await;
    for name in ["one", "two"] {
        let main = agent("main").app("healthy");
        coder.add(workspace(name).template(name).agent(main)).await;
    }
    coder
        .sql(
            r"UPDATE templates SET name = E'caf\xe9' WHERE name = 'one';
              UPDATE templates SET name = E'caf\xe8' WHERE name = 'two';",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    let template = [("template_name", "caf\u{fffd}")];
    for family in ["coder_agents", "coder_apps", "coder_workspaces"] {
        assert_eq!(page.value(family, &template), 2.0, "{family}");
    }
    // Their scope has one name before anything is counted by it.
    assert_eq!(duplicates(&page), 0.0);
}

#[tokio::test]
async fn rows_that_are_merged_are_one_line_in_the_log_and_so_is_their_end() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
        .sql(
            "ALTER TABLE workspace_agents DROP CONSTRAINT workspace_agents_pkey CASCADE;
             INSERT INTO workspace_agents SELECT * FROM workspace_agents",
        )
        .await;
    let url = format!("--postgres.url={}", coder.url());
    let program = Program::serve(&[&url]).await;
    let scrape = async || http::get(program.address, "/metrics", &[]).await.unwrap();
    for _ in 0..3 {
        scrape().await;
    }
    coder
        .sql("DELETE FROM workspace_agents WHERE ctid = (SELECT min(ctid) FROM workspace_agents)")
        .await;
    for _ in 0..3 {
        scrape().await;
    }
    program.terminate().await;
    let log = program.ended().await.stderr;
    for (text, times) in [
        ("rows were merged", 1),
        ("kind=duplicate_series", 1),
        ("rows are no longer merged", 1),
        ("failures=3", 1),
        ("collection failed", 0),
    ] {
        assert_eq!(log.matches(text).count(), times, "{text}: {log}");
    }
}
