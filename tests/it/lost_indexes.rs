//! A database without Coder's own indexes, as after a bad restore, is read all the same, and the log
//! and `check` say which index it is (`docs/spec/collection.md`).

use crate::harness::*;

/// What drops the index of each table that the statements go by.
const DROPS: &[(&str, &str)] = &[
    (
        "workspace_builds (workspace_id)",
        "ALTER TABLE workspace_builds DROP CONSTRAINT workspace_builds_workspace_id_build_number_key",
    ),
    (
        "workspace_resources (job_id)",
        "DROP INDEX workspace_resources_job_id",
    ),
    (
        "workspace_agents (resource_id)",
        "DROP INDEX workspace_agents_resource_id",
    ),
    (
        "workspace_apps (agent_id)",
        "ALTER TABLE workspace_apps DROP CONSTRAINT workspace_apps_agent_id_slug_key",
    ),
];

#[tokio::test]
async fn database_without_an_index_is_read_all_the_same_and_its_table_is_named() {
    let coder = Coder::new().await;
    coder.add_many(1, 30, 3).await;
    let before = coder.exporter().await.scrape().await;
    let url = format!("--postgres.url={}", coder.url());
    let checked = run(&["check", &url]).await;
    assert!(
        !checked.stdout.contains("index is missing"),
        "{}",
        checked.stdout
    );
    for (lost, drop) in DROPS {
        coder.sql(drop).await;
        let page = coder.exporter().await.scrape().await;
        page.assert_every_collector_loaded();
        for family in ["coder_agents", "coder_apps", "coder_workspaces"] {
            assert_eq!(page.show(family), before.show(family), "{lost}");
        }
        let checked = run(&["check", &url]).await;
        assert_eq!(checked.code, Some(0), "{}", checked.stdout);
        let said = checked
            .stdout
            .lines()
            .find(|it| it.contains("index is missing"));
        assert!(
            said.is_some_and(|it| it.contains(lost)),
            "{}",
            checked.stdout
        );
    }
}
