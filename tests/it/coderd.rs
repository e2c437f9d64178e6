//! `--metrics.coderd-compat`: Coder's own names, labels and meaning (`docs/spec/metrics.md`).

use crate::harness::exposition::Page;
use crate::harness::fleet::literal;
use crate::harness::*;

const UP: &str = "coderd_agents_up";
const CONNECTIONS: &str = "coderd_agents_connections";
const APPS: &str = "coderd_agents_apps";
const FAMILIES: [&str; 3] = [UP, CONNECTIONS, APPS];

async fn exporter(coder: &Coder) -> Exporter {
    coder
        .exporter_with(|it| {
            it.collect.named_apps = true;
            it.web.detail.coderd_compat = true;
        })
        .await
}

async fn scrape(coder: &Coder) -> Page {
    let page = exporter(coder).await.scrape().await;
    page.assert_every_collector_loaded();
    page
}

/// Two agents of one name in two resources, one of them lost, and apps of one name.
async fn twins() -> Coder {
    let coder = Coder::new().await;
    let apps = agent("main")
        .named_app("Code Server", "healthy")
        .named_app("Code Server", "healthy")
        .named_app("Code Server", "unhealthy")
        .named_app("Docs", "disabled");
    let twin = agent("main").named_app("Code Server", "healthy");
    let build = start(1).agent(apps).resource().agent(twin);
    coder.add(workspace("box").build(build)).await;
    coder
}

#[tokio::test]
async fn without_the_flag_nothing_has_coders_own_names() {
    let coder = twins().await;
    let response = coder.exporter().await.get("/metrics").await;
    assert_eq!(response.status, 200);
    assert!(!response.body.contains("coderd_"), "{}", response.body);
}

#[tokio::test]
async fn two_of_one_name_are_one_series_which_adds_them_except_connections() {
    let page = scrape(&twins().await).await;
    insta::assert_snapshot!(page.show(UP), @r#"coderd_agents_up{template_name="docker",template_version="v1",username="ada",workspace_name="box"} 2"#);
    insta::assert_snapshot!(page.show(CONNECTIONS), @r#"coderd_agents_connections{agent_name="main",lifecycle_state="ready",status="connected",tailnet_node="unknown",username="ada",workspace_name="box"} 1"#);
    insta::assert_snapshot!(page.show(APPS), @r#"
    coderd_agents_apps{agent_name="main",app_name="Code Server",health="healthy",username="ada",workspace_name="box"} 3
    coderd_agents_apps{agent_name="main",app_name="Code Server",health="unhealthy",username="ada",workspace_name="box"} 1
    coderd_agents_apps{agent_name="main",app_name="Docs",health="disabled",username="ada",workspace_name="box"} 1
    "#);
    let kinds = page
        .families
        .iter()
        .filter(|it| FAMILIES.contains(&it.name.as_str()));
    assert!(kinds.map(|it| it.kind.as_str()).eq(["gauge"; 3]));
}

#[tokio::test]
async fn agents_and_apps_of_one_name_under_two_owners_are_told_apart() {
    let coder = Coder::new().await;
    for (owner, name) in [("ada", "box"), ("grace", "box"), ("grace", "other")] {
        let main = agent("main").named_app("Docs", "healthy");
        coder.add(workspace(name).owner(owner).agent(main)).await;
    }
    let page = scrape(&coder).await;
    for family in FAMILIES {
        assert_eq!(
            page.samples(family, &[]).count(),
            3,
            "{}",
            page.show(family)
        );
        for (owner, name) in [("ada", "box"), ("grace", "box"), ("grace", "other")] {
            let labels = [("username", owner), ("workspace_name", name)];
            assert_eq!(page.get(family, &labels), Some(1.0), "{owner} {name}");
        }
    }
}

#[tokio::test]
async fn connections_say_status_and_lifecycle_of_each_agent() {
    let coder = Coder::new().await;
    let slow = waiting_agent("slow", 600.0).set("connection_timeout_seconds", 60);
    let build = start(1)
        .agent(agent("fine"))
        .agent(agent("lost").silent_for(60.0))
        .agent(agent("off").lifecycle("off").closed_ago(60.0))
        .agent(waiting_agent("waiting", 5.0))
        .agent(slow);
    coder.add(workspace("box").build(build)).await;
    let page = scrape(&coder).await;
    for (name, status, lifecycle) in [
        ("fine", "connected", "ready"),
        ("lost", "disconnected", "ready"),
        ("off", "disconnected", "off"),
        ("waiting", "connecting", "created"),
        ("slow", "timeout", "created"),
    ] {
        let labels = [
            ("agent_name", name),
            ("status", status),
            ("lifecycle_state", lifecycle),
        ];
        assert_eq!(page.get(CONNECTIONS, &labels), Some(1.0), "{name}");
    }
    assert_eq!(page.samples(CONNECTIONS, &[]).count(), 5);
    // As in Coder, an agent is up that exists; whether it answers is another metric.
    assert_eq!(page.value(UP, &[]), 5.0);
}

#[tokio::test]
async fn template_version_without_a_name_is_unknown() {
    let coder = twins().await;
    coder.sql("UPDATE template_versions SET name = ''").await;
    let page = scrape(&coder).await;
    let unknown = [("template_version", "unknown")];
    assert_eq!(page.get(UP, &unknown), Some(2.0), "{}", page.show(UP));
    coder
        .sql(
            "SET session_replication_role = replica; DELETE FROM template_versions;
             SET session_replication_role = origin;",
        )
        .await;
    let page = scrape(&coder).await;
    assert_eq!(page.get(UP, &unknown), Some(2.0), "{}", page.show(UP));
}

#[tokio::test]
async fn template_version_is_that_of_the_latest_build() {
    let coder = Coder::new().await;
    let story = workspace("box").agent(agent("main"));
    coder.add(story.clone()).await;
    coder.build(&story, start(2).agent(agent("main"))).await;
    coder
        .sql(
            "INSERT INTO template_versions (id, template_id, organization_id, name)
                 SELECT gen_random_uuid(), template_id, organization_id, 'v2'
                 FROM template_versions;
             UPDATE workspace_builds SET template_version_id =
                 (SELECT id FROM template_versions WHERE name = 'v2') WHERE build_number = 2",
        )
        .await;
    let page = scrape(&coder).await;
    assert_eq!(page.get(UP, &[("template_version", "v2")]), Some(1.0));
    assert_eq!(page.samples(UP, &[]).count(), 1, "{}", page.show(UP));
}

#[tokio::test]
async fn apps_by_name_change_nothing_about_the_counts_of_apps() {
    let coder = twins().await;
    coder
        .add(workspace("none").template("podman").agent(agent("main")))
        .await;
    let plain = coder.exporter().await.scrape().await;
    let compatible = scrape(&coder).await;
    assert_eq!(plain.show("coder_apps"), compatible.show("coder_apps"));
    assert_eq!(plain.value("coder_apps", &[]), 5.0);
}

#[tokio::test]
async fn apps_that_fail_take_only_their_own_family_along() {
    let coder = twins().await;
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE SELECT ON workspace_apps FROM {role}"))
        .await;
    let page = exporter(&coder).await.scrape().await;
    assert!(page.has(UP) && page.has(CONNECTIONS));
    assert!(!page.has(APPS), "{}", page.show(APPS));
}

#[tokio::test]
async fn names_of_apps_are_told_as_they_are() {
    let coder = Coder::new().await;
    let odd = "\"Code\" \\ Server\n👩‍💻";
    let main = agent("main").named_app(odd, "healthy").app("healthy");
    coder.add(workspace("box").agent(main)).await;
    let name = literal(odd);
    coder
        .sql(&format!(
            "SELECT 1 / count(*) FROM workspace_apps WHERE display_name = {name}"
        ))
        .await;
    let page = scrape(&coder).await;
    assert_eq!(page.get(APPS, &[("app_name", odd)]), Some(1.0));
    assert_eq!(page.get(APPS, &[("app_name", "")]), Some(1.0));
}
