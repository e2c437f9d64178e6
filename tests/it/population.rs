//! Who counts (`docs/spec/population-and-kind.md`).

use crate::harness::*;

const ALL: &[(&str, &str)] = &[];

async fn agents(coder: &Coder) -> f64 {
    let page = coder.exporter().await.scrape().await;
    page.get("coder_agents", ALL).unwrap_or(0.0)
}

#[tokio::test]
async fn connected_agent_of_a_running_workspace_counts() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let page = coder.exporter().await.scrape().await;
    let labels = [
        ("organization_name", "acme"),
        ("template_name", "docker"),
        ("kind", "root"),
        ("status", "connected"),
    ];
    assert_eq!(page.value("coder_agents", &labels), 1.0);
    assert_eq!(page.value("coder_agents", ALL), 1.0);
}

#[tokio::test]
async fn latest_build_is_the_one_of_the_greatest_number_not_the_last_inserted() {
    let coder = Coder::new().await;
    let latest = start(3).agent(agent("main").lifecycle("ready"));
    let earlier = |number| start(number).agent(agent("main").lifecycle("off"));
    coder
        .add(
            workspace("box")
                .build(earlier(2))
                .build(latest)
                .build(earlier(1)),
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    let lifecycle = |state| page.value("coder_agents_lifecycle", &[("lifecycle_state", state)]);
    assert_eq!((lifecycle("ready"), lifecycle("off")), (1.0, 0.0));
}

#[tokio::test]
async fn latest_build_is_the_one_of_the_greatest_number_not_of_the_latest_time() {
    let coder = Coder::new().await;
    let latest = start(3)
        .created_ago(9000.0)
        .agent(agent("main").lifecycle("ready"));
    let earlier = start(2)
        .created_ago(10.0)
        .agent(agent("main").lifecycle("off"));
    coder
        .add(workspace("box").build(latest).build(earlier))
        .await;
    let page = coder.exporter().await.scrape().await;
    let lifecycle = |state| page.value("coder_agents_lifecycle", &[("lifecycle_state", state)]);
    assert_eq!((lifecycle("ready"), lifecycle("off")), (1.0, 0.0));
}

#[tokio::test]
async fn build_number_is_compared_as_a_number() {
    let coder = Coder::new().await;
    let latest = start(10).agent(agent("main").lifecycle("ready"));
    let earlier = start(9).agent(agent("main").lifecycle("off"));
    coder
        .add(workspace("box").build(earlier).build(latest))
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(
        page.value("coder_agents_lifecycle", &[("lifecycle_state", "ready")]),
        1.0
    );
}

#[tokio::test]
async fn agents_of_old_builds_never_count_even_when_the_latest_has_none() {
    let coder = Coder::new().await;
    let old = start(1).agent(agent("main").app("healthy"));
    coder.add(workspace("box").build(old).build(stop(2))).await;
    let page = coder.exporter().await.scrape().await;
    assert!(!page.has("coder_agents"), "{}", page.show("coder_agents"));
    assert!(!page.has("coder_apps"), "{}", page.show("coder_apps"));
    assert_eq!(page.value("coder_exporter_up", ALL), 1.0);
}

#[tokio::test]
async fn agents_of_deleted_workspaces_never_count() {
    let coder = Coder::new().await;
    coder
        .add(workspace("gone").deleted().agent(agent("main")))
        .await;
    coder.add(workspace("gone").agent(agent("main"))).await;
    assert_eq!(agents(&coder).await, 1.0);
}

#[tokio::test]
async fn soft_deleted_agents_never_count_nor_do_their_apps() {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("old").soft_deleted().app("healthy"))
        .agent(agent("new").app("unhealthy"));
    coder.add(workspace("box").build(build)).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value("coder_agents", ALL), 1.0);
    assert_eq!(page.value("coder_apps", ALL), 1.0);
    assert_eq!(page.value("coder_apps", &[("health", "unhealthy")]), 1.0);
}

#[tokio::test]
async fn stopped_workspace_that_still_has_an_agent_counts_as_shut_down() {
    let coder = Coder::new().await;
    let lost = agent("main").silent_for(3600.0);
    coder
        .add(workspace("box").build(start(1)).build(stop(2).agent(lost)))
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(
        page.value("coder_agents", &[("status", "disconnected")]),
        1.0
    );
    assert_eq!(
        page.value("coder_agents_health", &[("health", "shutdown")]),
        1.0
    );
    assert_eq!(page.value("coder_agents_health", ALL), 1.0);
    assert!(!page.has("coder_agent_problem_timestamp_seconds"));
}

#[tokio::test]
async fn every_agent_of_every_resource_counts() {
    let coder = Coder::new().await;
    let build = start(1)
        .agent(agent("a"))
        .agent(agent("b"))
        .resource()
        .agent(agent("a"))
        .resource();
    coder.add(workspace("box").build(build)).await;
    assert_eq!(agents(&coder).await, 3.0);
}

#[tokio::test]
async fn sub_agents_count_as_their_own_kind() {
    let coder = Coder::new().await;
    let main = agent("main")
        .sub(agent("devcontainer"))
        .sub(agent("other").closed_ago(1.0));
    coder.add(workspace("box").agent(main)).await;
    let page = coder.exporter().await.scrape().await;
    let count = |kind, status| page.value("coder_agents", &[("kind", kind), ("status", status)]);
    assert_eq!(count("root", "connected"), 1.0);
    assert_eq!(count("sub", "connected"), 1.0);
    assert_eq!(count("sub", "disconnected"), 1.0);
    assert_eq!(page.value("coder_agents", ALL), 3.0);
}

#[tokio::test]
async fn workspaces_of_one_name_under_two_owners_are_two() {
    let coder = Coder::new().await;
    for owner in ["ada", "grace"] {
        let lost = agent("main").closed_ago(60.0);
        coder.add(workspace("box").owner(owner).agent(lost)).await;
    }
    let page = coder.exporter().await.scrape().await;
    for owner in ["ada", "grace"] {
        let labels = [("workspace_name", "box"), ("workspace_owner", owner)];
        let found = page.samples("coder_agent_problem_timestamp_seconds", &labels);
        assert_eq!(found.count(), 1, "{owner}");
    }
    assert_eq!(page.value("coder_agents", ALL), 2.0);
}

#[tokio::test]
async fn latest_build_counts_whatever_became_of_its_job() {
    for job in [Job::Pending, Job::Running, Job::Failed, Job::Canceled] {
        let coder = Coder::new().await;
        let old = start(1).agent(agent("main").lifecycle("ready"));
        let latest = start(2).job(job).agent(waiting_agent("main", 5.0));
        coder.add(workspace("box").build(old).build(latest)).await;
        let page = coder.exporter().await.scrape().await;
        assert_eq!(page.value("coder_agents", ALL), 1.0, "{job:?}");
        let connecting = page.value("coder_agents", &[("status", "connecting")]);
        assert_eq!(connecting, 1.0, "{job:?}");
    }
}

#[tokio::test]
async fn two_templates_of_one_name_are_one_series() {
    let coder = Coder::new().await;
    coder
        .add(
            workspace("a")
                .template("docker")
                .agent(agent("main").app("healthy")),
        )
        .await;
    coder
        .sql("UPDATE templates SET deleted = true, name = 'podman'")
        .await;
    coder
        .add(
            workspace("b")
                .template("podman")
                .agent(agent("main").app("healthy")),
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(
        page.value("coder_agents", &[("template_name", "podman")]),
        2.0
    );
    assert_eq!(
        page.value("coder_apps", &[("template_name", "podman")]),
        2.0
    );
}

#[tokio::test]
async fn page_of_an_empty_deployment_is_a_whole_page() {
    let coder = Coder::new().await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.value("coder_exporter_up", ALL), 1.0);
    page.assert_every_collector_loaded();
    assert!(!page.has("coder_agents"));
}

/// Coder's ids are random, but nothing keeps two tables from having the same.
#[tokio::test]
async fn names_are_those_of_their_own_table_where_ids_are_the_same() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
        .sql(
            "INSERT INTO template_versions (id, template_id, organization_id, name)
                 SELECT id, id, organization_id, 'v9' FROM templates;
             UPDATE workspace_builds SET template_version_id = (SELECT id FROM templates LIMIT 1)",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    let labels = [("organization_name", "acme"), ("template_name", "docker")];
    assert_eq!(page.value("coder_agents", &labels), 1.0);
}
