//! Every supported Coder (`docs/spec/coder-schema.md`), told apart by its columns.

use std::time::Duration;

use tokio::time::Instant;

use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::postgres::database::Database;

#[tokio::test]
async fn every_coder_has_external_agents_and_prebuilds_and_a_sub_agent_is_nothing_else() {
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        let external = start(1)
            .external_resource()
            .agent(agent("laptop").sub(agent("sub")));
        coder.add(workspace("outside").build(external)).await;
        // Another resource of the same workspace is none outside Coder.
        let mixed = start(1)
            .agent(agent("main"))
            .external_resource()
            .agent(agent("laptop"));
        coder.add(workspace("mixed").build(mixed)).await;
        let ahead = start(1)
            .agent(agent("main").sub(agent("sub")))
            .external_resource()
            .agent(agent("laptop"));
        coder.add(workspace("ahead").prebuild().build(ahead)).await;
        let page = coder.exporter().await.scrape().await;
        page.assert_every_collector_loaded();
        let kind = |kind| page.get("coder_agents", &[("kind", kind), ("status", "connected")]);
        let found = ["root", "sub", "external", "prebuild"].map(kind);
        // Without parents, what would be a sub-agent is of its resource's and its owner's kind.
        let expected = match era >= Era::V2_22 {
            true => [Some(1.0), Some(2.0), Some(3.0), Some(1.0)],
            false => [Some(1.0), None, Some(4.0), Some(2.0)],
        };
        assert_eq!(found, expected, "{era:?}");
        let running = page.value("coder_workspaces", &[("state", "running")]);
        assert_eq!(running, 3.0, "{era:?}: each is served by an agent");
    }
}

/// A root agent with a sub-agent, and one that was deleted softly where that is possible.
async fn fleet_of(era: Era) -> Coder {
    let coder = Coder::of(era).await;
    let build = start(1)
        .agent(agent("main").app("healthy").sub(agent("sub")))
        .agent(agent("old").soft_deleted().app("healthy"));
    coder.add(workspace("box").build(build)).await;
    coder
}

/// Root agents, sub-agents and apps.
async fn counts(era: Era) -> [Option<f64>; 3] {
    let coder = fleet_of(era).await;
    let exporter = coder.exporter().await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    let ready = exporter.get("/-/ready").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    let kind = |kind| page.get("coder_agents", &[("kind", kind)]);
    [kind("root"), kind("sub"), page.get("coder_apps", &[])]
}

#[tokio::test]
async fn without_parents_every_agent_is_root_and_without_soft_delete_every_agent_counts() {
    assert_eq!(counts(Era::V2_3).await, [Some(3.0), None, Some(2.0)]);
}

#[tokio::test]
async fn with_parents_sub_agents_are_told_apart() {
    assert_eq!(counts(Era::V2_22).await, [Some(2.0), Some(1.0), Some(2.0)]);
}

#[tokio::test]
async fn with_soft_delete_the_deleted_do_not_count() {
    assert_eq!(counts(Era::V2_24).await, [Some(1.0), Some(1.0), Some(1.0)]);
}

#[tokio::test]
async fn the_newest_coder_counts_likewise() {
    assert_eq!(counts(Era::V2_32).await, [Some(1.0), Some(1.0), Some(1.0)]);
}

#[tokio::test]
async fn every_coder_can_be_asked_for_one_workspace() {
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        let it = workspace("box").agent(agent("main"));
        coder.add(it.clone()).await;
        let url = coder.url().parse().unwrap();
        let database = Database::new(&url, 1).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let latest = database.latest_of(&[it.id], deadline).await;
        let latest = latest.unwrap_or_else(|error| panic!("{era:?}: {error}"));
        let agents: Vec<_> = latest[&it.id].agents.iter().collect();
        assert_eq!(agents.len(), 1, "{era:?}");
        assert_eq!(agents[0].display_order, 0, "{era:?}");
    }
}

#[tokio::test]
async fn upgrade_of_coder_under_a_connected_exporter_is_seen_by_the_next_scrape() {
    let coder = fleet_of(Era::V2_22).await;
    let exporter = coder.exporter().await;
    assert_eq!(exporter.scrape().await.value("coder_agents", &[]), 3.0);
    coder.sql(Era::V2_24.migration()).await;
    coder
        .sql("UPDATE workspace_agents SET deleted = true WHERE name = 'old'")
        .await;

    // The new column has not been granted yet: the page says so instead of guessing.
    let page = exporter.scrape().await;
    assert!(!page.has("coder_agents"));
    let kind = [("kind", "permission")];
    // The agents need it, and all but the chats build on them.
    assert_eq!(page.value("coder_exporter_errors_total", &kind), 1.0);

    coder
        .sql(&format!(
            "GRANT SELECT (deleted) ON workspace_agents TO {}",
            coder.role
        ))
        .await;
    assert_eq!(exporter.scrape().await.value("coder_agents", &[]), 2.0);
}
