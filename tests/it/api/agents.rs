//! `/api/v1/agents`, and one of them.

use crate::harness::json::keys;

use super::*;

#[tokio::test]
async fn agent_is_told_with_the_rules_that_decided() {
    let coder = Coder::new().await;
    let lost = agent("main").silent_for(90.0);
    let id = lost.id;
    let it = workspace("build-box").agent(lost);
    coder.add(it.clone()).await;
    coder.add(workspace("other").agent(agent("main"))).await;
    let exporter = coder.exporter().await;
    let page = read(&exporter, "/api/v1/agents?health=problem").await;
    assert_eq!((&page["total"], &page["next"]), (&1.into(), &Value::Null));
    let told = &page["agents"][0];
    for (field, expected) in [
        ("agent_id", &*id.to_string()),
        ("agent_name", "main"),
        ("workspace_id", &it.id.to_string()),
        ("workspace_name", "build-box"),
        ("workspace_owner", "ada"),
        ("organization_name", "acme"),
        ("template_name", "docker"),
        ("kind", "root"),
        ("status", "disconnected"),
        ("health", "disconnected"),
        ("lifecycle_state", "ready"),
        ("page_url", &format!("/agents/{id}")),
    ] {
        assert_eq!(told[field], expected, "{field}");
    }
    assert_eq!(
        (&told["status_rule"], &told["health_rule"]),
        (&"silent".into(), &"disconnected".into())
    );
    let saw = told["status_reason"].as_str().unwrap();
    assert!(saw.contains("limit 30 s"), "{saw}");
    let advice = told["advice"].as_str().unwrap();
    assert!(advice.starts_with("Check the agent's machine"), "{advice}");
    assert_eq!(told["since"], told["last_connected_at"]);
    let age = told["age_seconds"].as_f64().unwrap();
    assert!((90.0..150.0).contains(&age), "{age}");
    assert_eq!(told["disconnected_at"], Value::Null);
    assert_eq!(told["workspace_url"], Value::Null, "no --coder.url");

    let one = read(&exporter, &format!("/api/v1/agents/{id}")).await;
    assert_eq!(one["now"], page["now"], "one pass for both");
    for (field, value) in told.as_object().unwrap() {
        assert_eq!(one[field], *value, "{field}");
    }
    insta::assert_snapshot!(keys(&page).join("\n"));
}

#[tokio::test]
async fn stuck_agent_is_told_with_its_cause() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    let page = read(&exporter, "/api/v1/agents?health=stuck_created").await;
    assert_eq!(workspaces(&page), ["stuck"]);
    assert_eq!(page["agents"][0]["cause"], "never_reported");
    let page = read(&exporter, "/api/v1/agents?health=healthy").await;
    let first = &page["agents"][0];
    for field in ["cause", "since", "age_seconds", "advice"] {
        assert_eq!(first[field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn agents_are_picked_by_everything_that_is_asked() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    for (query, expected) in [
        ("health=problem", &["lost", "silent", "stuck"][..]),
        ("health=shutdown,stuck_created", &["stopped", "stuck"]),
        (
            "health=shutdown&health=stuck_created",
            &["stopped", "stuck"],
        ),
        ("status=disconnected&health=problem", &["lost", "silent"]),
        ("template=gpu", &["silent", "stopped", "stuck"]),
        ("template=gpu&owner=ada", &[]),
        (
            "owner=grace&organization=acme&health=shutdown",
            &["stopped"],
        ),
        ("organization=nobody", &[]),
        ("workspace=lost&workspace=stuck", &["lost", "stuck"]),
        ("kind=sub", &["healthy"]),
        ("q=ADA%2Fl", &["later", "lost"]),
        ("q=inner", &["healthy"]),
        (
            "template_version=acme%2Fgpu%2Fv1&health=problem",
            &["silent", "stuck"],
        ),
        ("template_version=gpu", &[]),
        ("agent_version=v0.0.0", &[]),
        ("coderd_replica=&workspace=lost", &["lost"]),
        ("resource_type=no_such_machine", &[]),
    ] {
        let page = read(&exporter, &format!("/api/v1/agents?{query}")).await;
        let mut found = workspaces(&page);
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    }
}

#[tokio::test]
async fn agent_of_an_earlier_build_is_not_there() {
    let coder = Coder::new().await;
    let old = agent("main");
    let id = old.id;
    let it = workspace("box").build(start(1).agent(old));
    let it = it.build(start(2).agent(agent("main")));
    coder.add(it).await;
    let exporter = coder.exporter().await;
    let response = exporter.get(&format!("/api/v1/agents/{id}")).await;
    problem(&response, 404, "no-such-agent");
    let page = read(&exporter, "/api/v1/agents").await;
    assert_eq!(page["total"], 1);
}

#[tokio::test]
async fn links_lead_to_coder_and_through_the_proxy() {
    let coder = lively().await;
    let links = |it: &mut Settings| {
        it.web.links.coder = "https://coder.example".parse().ok();
        it.web.links.external = "https://ops.example/fleet/".parse().ok();
    };
    let exporter = coder.exporter_with(links).await;
    // A proxy may take the prefix off or leave it.
    for prefix in ["", "/fleet"] {
        let path = format!("{prefix}/api/v1/agents?workspace=lost&limit=1");
        let page = read(&exporter, &path).await;
        let told = &page["agents"][0];
        assert_eq!(told["workspace_url"], "https://coder.example/@ada/lost");
        let id = told["agent_id"].as_str().unwrap();
        assert_eq!(
            told["page_url"],
            format!("https://ops.example/fleet/agents/{id}")
        );
        let path = format!("{prefix}/api/v1/openapi.json");
        let document = read(&exporter, &path).await;
        assert_eq!(document["servers"][0]["url"], "https://ops.example/fleet");
        let path = format!("{prefix}/api/v1/nothing");
        problem(&exporter.get(&path).await, 404, "no-such-path");
    }
    let response = exporter.get("/api/v1/agents?limit=1&health=problem").await;
    let link = response.header("link").unwrap();
    let (path, _) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert!(path.starts_with("/fleet/api/v1/agents?"), "{link}");
    let next = read(&exporter, path).await;
    assert_eq!(next["total"], 3, "the filter is in the link");
}

#[tokio::test]
async fn without_pages_there_is_an_api_and_no_link_to_them() {
    let coder = lively().await;
    let exporter = coder.exporter_with(|it| it.web.ui = false).await;
    let page = read(&exporter, "/api/v1/agents?workspace=lost").await;
    assert_eq!(page["agents"][0]["page_url"], Value::Null);
}
