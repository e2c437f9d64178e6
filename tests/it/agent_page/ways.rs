//! Ways to the page, and ways to miss it.

use uuid::Uuid;

use super::*;

#[tokio::test]
async fn names_and_workspaces_lead_to_the_agent_that_is_meant() {
    let coder = Coder::new().await;
    let main = agent("main");
    let it = workspace("box").agent(main.clone());
    coder.add(it.clone()).await;
    let exporter = coder.exporter().await;
    for what in [
        "ada/box",
        "ADA/Box.MAIN",
        "ada/box.main",
        &it.id.to_string(),
    ] {
        let answer = exporter.get(&format!("/agents/{what}")).await;
        let to = answer.header("location");
        let expected = format!("/agents/{}", main.id);
        assert_eq!((answer.status, to), (303, Some(&*expected)), "{what}");
    }
    page(&exporter, &format!("/agents/{}", main.id)).await;
}

#[tokio::test]
async fn workspace_with_several_agents_or_none_has_a_page_that_lists_them() {
    let coder = Coder::new().await;
    let (one, two) = (agent("one"), agent("two"));
    let several = start(1).agent(one.clone()).agent(two.clone());
    coder.add(workspace("several").build(several)).await;
    let stopped = workspace("stopped")
        .build(start(1).agent(agent("main")))
        .build(stop(2));
    coder.add(stopped).await;
    let exporter = coder.exporter().await;
    let several = page(&exporter, "/agents/ada/several").await;
    for id in [one.id, two.id] {
        assert_says(&several, &[&format!("href=\"/agents/{id}\"")]);
    }
    let stopped = text(&page(&exporter, "/agents/ada/stopped").await);
    assert_says(
        &stopped,
        &[
            "The latest build has no agent.",
            "Verdict stopped: build 2 (stop) succeeded",
            "Start the workspace",
            "Build 1 start succeeded main ready",
        ],
    );
}

#[tokio::test]
async fn what_is_not_there_is_404_with_what_to_do() {
    let coder = Coder::new().await;
    let gone = agent("gone").soft_deleted();
    let it = workspace("box").build(start(1).agent(agent("main")).agent(gone.clone()));
    coder.add(it.clone()).await;
    let exporter = coder.exporter().await;
    let unknown = Uuid::new_v4().to_string();
    let gone = gone.id.to_string();
    for (what, said) in [
        (&*unknown, "There is no such workspace or agent."),
        ("nonsense", "/agents/owner/workspace"),
        ("ada/box/main", "/agents/owner/workspace"),
        ("..%2f..%2fetc%2fpasswd", "/agents/owner/workspace"),
        ("ada/bix", "These have the same owner or name: ada/box"),
        ("ada/box.other", "no agent has this name; there are: main"),
        (
            &*gone,
            "The agent is soft-deleted, and Coder does not count it.",
        ),
    ] {
        let answer = exporter.get(&format!("/agents/{what}")).await;
        assert_eq!(answer.status, 404, "{what}: {}", answer.body);
        assert_says(&text(&answer.body), &[said]);
        let policy = answer.header("content-security-policy");
        assert!(policy.is_some(), "{what}");
    }
    let near = exporter.get("/agents/ada/bix").await.body;
    assert_says(&near, &["href=\"/agents/ada/box\""]);
}

#[tokio::test]
async fn database_that_does_not_answer_is_503_with_the_reason() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    let answer = exporter.get(&format!("/agents/{}", Uuid::new_v4())).await;
    assert_eq!(answer.status, 503);
    assert_says(&text(&answer.body), &["The database did not answer"]);
}

#[tokio::test]
async fn grant_that_is_missing_is_named() {
    let coder = Coder::new().await;
    let main = agent("main");
    coder.add(workspace("box").agent(main.clone())).await;
    let role = &coder.role;
    let revoke = format!("REVOKE SELECT (display_order) ON workspace_agents FROM {role}");
    coder.sql(&revoke).await;
    let exporter = coder.exporter().await;
    let answer = exporter.get(&format!("/agents/{}", main.id)).await;
    assert_eq!(answer.status, 503);
    let grant = "GRANT SELECT (display_order) ON workspace_agents TO";
    assert_says(&text(&answer.body), &[grant]);
}
