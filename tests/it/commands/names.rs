//! What a person may write to mean a workspace or an agent, and what is said to who errs.

use super::*;

#[tokio::test]
async fn workspace_and_agent_are_found_by_id_and_by_names_in_any_case() {
    let coder = Coder::new().await;
    let main = agent("main");
    let other = agent("other");
    let build = start(1).agent(main.clone()).agent(other);
    let it = workspace("Build-Box").build(build);
    coder.add(it.clone()).await;
    for name in [&it.id.to_string(), "ada/build-box", "ADA/BUILD-BOX"] {
        let shown = printed(&coder, &["explain", name]).await;
        assert_says(&shown, &["ada/Build-Box", "agent main", "agent other"]);
    }
    for name in [
        &main.id.to_string(),
        &main.id.to_string().to_uppercase(),
        "ada/build-box.main",
        "Ada/Build-box.MAIN",
    ] {
        let shown = printed(&coder, &["explain", name]).await;
        assert_says(
            &shown,
            &["ada/Build-Box", "agent main", "→ healthy (rule healthy)"],
        );
        assert!(!shown.contains("agent other"), "{shown}");
        assert!(!shown.contains("advice"), "{shown}");
    }
}

#[tokio::test]
async fn softly_deleted_agent_is_told_to_be_one() {
    let coder = Coder::new().await;
    let gone = agent("gone").soft_deleted();
    let build = start(1).agent(agent("main")).agent(gone.clone());
    coder.add(workspace("box").build(build)).await;
    let said = complaint(&coder, &["explain", &gone.id.to_string()], 1).await;
    assert_eq!(
        said,
        "the agent is soft-deleted, and Coder does not count it"
    );
}

#[tokio::test]
async fn deleted_workspace_is_found_by_its_id_alone() {
    let coder = Coder::new().await;
    let it = workspace("box").deleted().agent(agent("main"));
    coder.add(it.clone()).await;
    let shown = printed(&coder, &["explain", &it.id.to_string()]).await;
    assert_says(&shown, &["gone: it is deleted"]);
    complaint(&coder, &["explain", "ada/box"], 1).await;
    // A new one of the same name is the one that is meant.
    coder.add(workspace("box").agent(agent("main"))).await;
    let shown = printed(&coder, &["explain", "ada/box"]).await;
    assert_says(&shown, &["ready: agent main is connected"]);
}

#[tokio::test]
async fn unknown_name_is_told_with_what_comes_near() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder.add(workspace("lab")).await;
    coder.add(workspace("other").owner("bob")).await;
    coder.add(workspace("bax").owner("bob")).await;
    let said = complaint(&coder, &["explain", "ada/bax"], 1).await;
    let there_are = "there is no such workspace or agent; there are:\n  ";
    let near = "ada/box\n  ada/lab\n  bob/bax";
    assert_eq!(said, format!("{there_are}{near}"));

    let far = "there is no such workspace or agent, and no workspace with the same owner or name";
    for name in ["eve/home", &Uuid::new_v4().to_string()] {
        assert_eq!(complaint(&coder, &["explain", name], 1).await, far);
    }
}

#[tokio::test]
async fn unknown_agent_is_told_with_those_there_are() {
    let coder = Coder::new().await;
    let build = start(1).agent(agent("main").sub(agent("dev")));
    coder.add(workspace("box").build(build)).await;
    coder.add(workspace("empty").build(start(1))).await;
    let said = complaint(&coder, &["explain", "ada/box.mein"], 1).await;
    let (what, names) = said.split_once("; there are: ").expect(&said);
    assert_eq!(what, "no agent has this name");
    let mut names: Vec<_> = names.split(", ").collect();
    names.sort_unstable();
    assert_eq!(names, ["dev", "main"]);
    let said = complaint(&coder, &["explain", "ada/empty.main"], 1).await;
    assert_eq!(said, "the latest build of that workspace has no agent");
}

#[tokio::test]
async fn names_that_differ_in_case_alone_are_told_apart_by_their_ids() {
    let coder = Coder::new().await;
    let (lower, upper) = (workspace("box"), workspace("Box"));
    coder.sql("DROP INDEX workspaces_owner_name").await;
    coder.add(lower.clone()).await;
    coder.add(upper.clone()).await;
    let said = complaint(&coder, &["explain", "ada/box"], 1).await;
    assert_says(&said, &["several workspaces have this name"]);
    for it in [&lower, &upper] {
        let id = it.id.to_string();
        assert_says(&said, &[&id]);
        printed(&coder, &["explain", &id]).await;
    }

    let (one, two) = (agent("main"), agent("Main"));
    let build = start(1).agent(one.clone()).agent(two.clone());
    coder.add(workspace("lab").build(build)).await;
    let said = complaint(&coder, &["explain", "ada/lab.main"], 1).await;
    let (one, two) = (one.id.to_string(), two.id.to_string());
    assert_says(&said, &["several agents have this name", &one, &two]);
}

#[tokio::test]
async fn what_names_nothing_is_a_wrong_argument() {
    let coder = Coder::new().await;
    for nonsense in [
        "box", "", "ada/", "/box", "a/b/c", "ada/box.", "{1}", "a b/c\n",
    ] {
        let said = complaint(&coder, &["explain", nonsense], 64).await;
        assert_says(
            &said,
            &["use a UUID, owner/workspace or owner/workspace.agent"],
        );
    }
}
