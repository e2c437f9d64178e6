//! `coder_chat_bindings` (`docs/spec/metrics.md`): whether the agent that a chat remembers could
//! answer it.

use coder_agent_exporter::demo::schema::Era;
use uuid::Uuid;

use crate::harness::exposition::Page;
use crate::harness::*;

const STATES: &[&str] = &["unbound", "no_agent", "current", "stale", "idle"];

/// Adds a chat about this workspace that remembers this agent.
async fn chat(coder: &Coder, workspace: Uuid, agent: Uuid) {
    coder
        .add_chat(workspace, &[("agent_id", format!("'{agent}'"))])
        .await;
}

async fn scrape(coder: &Coder) -> Page {
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    page
}

/// Unbound, without an agent, current, stale and idle chats.
#[track_caller]
fn assert_counts(page: &Page, expected: [f64; 5]) {
    let count = |state: &&str| page.value("coder_chat_bindings", &[("state", state)]);
    let found: Vec<_> = STATES.iter().map(count).collect();
    assert_eq!(found, expected, "{}", page.show("coder_chat_bindings"));
}

#[tokio::test]
async fn chat_that_remembers_nobody_is_unbound_even_when_nobody_is_there() {
    let coder = Coder::new().await;
    let running = workspace("running").agent(agent("main"));
    let stopped = workspace("stopped").build(stop(1));
    for workspace in [running, stopped] {
        let id = workspace.id;
        coder.add(workspace).await;
        coder.add_chat(id, &[]).await;
    }
    assert_counts(&scrape(&coder).await, [2.0, 0.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
async fn chat_that_remembers_an_agent_of_the_latest_build_is_current() {
    let coder = Coder::new().await;
    let sub = agent("devcontainer");
    let main = agent("main").closed_ago(600.0).sub(sub.clone());
    let other = agent("other");
    let ids = [main.id, sub.id, other.id];
    let latest = start(2).agent(main).resource().agent(other);
    let story = workspace("box").build(latest).build(start(1));
    let workspace = story.id;
    coder.add(story).await;
    // Whether it answers is another question, and so is which one would be chosen.
    for id in ids {
        chat(&coder, workspace, id).await;
    }
    assert_counts(&scrape(&coder).await, [0.0, 0.0, 3.0, 0.0, 0.0]);
}

#[tokio::test]
async fn chat_that_remembers_an_agent_of_an_old_build_is_stale() {
    let coder = Coder::new().await;
    let old = agent("main");
    let id = old.id;
    // Build 10 is later than build 9, and was inserted first.
    let story = workspace("box")
        .build(start(10).agent(agent("main")))
        .build(start(9).agent(old));
    let workspace = story.id;
    coder.add(story).await;
    chat(&coder, workspace, id).await;
    assert_counts(&scrape(&coder).await, [0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[tokio::test]
async fn chat_that_remembers_a_deleted_agent_or_one_of_another_workspace_is_stale() {
    let coder = Coder::new().await;
    let (deleted, foreign) = (agent("old").soft_deleted(), agent("main"));
    let ids = [deleted.id, foreign.id];
    let build = start(1).agent(deleted).agent(agent("main"));
    let story = workspace("box").build(build);
    let workspace_id = story.id;
    coder.add(story).await;
    coder.add(workspace("other").agent(foreign)).await;
    for id in ids {
        chat(&coder, workspace_id, id).await;
    }
    assert_counts(&scrape(&coder).await, [0.0, 0.0, 0.0, 2.0, 0.0]);
}

/// The first match wins: bound to an old build's agent it would be stale, and bound to the
/// latest build's sub-agent current.
#[tokio::test]
async fn chat_of_a_workspace_without_a_root_agent_has_no_agent() {
    let coder = Coder::new().await;
    let old = agent("main");
    let sub = agent("sub");
    let orphan = agent("main").soft_deleted().sub(sub.clone());
    let (old_id, orphan_id, sub_id) = (old.id, orphan.id, sub.id);
    let stopped = workspace("stopped")
        .build(start(1).agent(old))
        .build(stop(2));
    let emptied = workspace("emptied").agent(orphan);
    let (stopped_id, emptied_id) = (stopped.id, emptied.id);
    coder.add(stopped).await;
    coder.add(emptied).await;
    chat(&coder, stopped_id, old_id).await;
    chat(&coder, emptied_id, orphan_id).await;
    chat(&coder, emptied_id, sub_id).await;
    // Nor has one that was never built.
    let unbuilt = workspace("unbuilt");
    let unbuilt_id = unbuilt.id;
    coder.add(unbuilt).await;
    chat(&coder, unbuilt_id, old_id).await;
    assert_counts(&scrape(&coder).await, [0.0, 4.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
async fn chats_that_are_archived_or_without_a_living_workspace_do_not_count() {
    let coder = Coder::new().await;
    let main = agent("main");
    let id = main.id;
    let here = workspace("here").agent(main);
    let gone = workspace("gone").deleted().agent(agent("main"));
    let (here_id, gone_id) = (here.id, gone.id);
    coder.add(here).await;
    coder.add(gone).await;
    chat(&coder, here_id, id).await;
    coder
        .add_chat(
            here_id,
            &[("agent_id", format!("'{id}'")), ("archived", "true".into())],
        )
        .await;
    coder
        .add_chat(here_id, &[("archived", "true".into())])
        .await;
    coder.add_chat(gone_id, &[]).await;
    coder
        .sql(
            "INSERT INTO chats (id, owner_id, agent_id)
             SELECT gen_random_uuid(), owner_id, agent_id FROM chats",
        )
        .await;
    assert_counts(&scrape(&coder).await, [0.0, 0.0, 1.0, 0.0, 0.0]);
}

#[tokio::test]
async fn old_binding_is_stale_only_once_the_chat_was_used_since_the_latest_build() {
    let coder = Coder::new().await;
    let old = agent("main");
    let id = old.id;
    let moment = |time: &str| format!("'2026-11-28 05:00:00.{time}+00'");
    let latest = start(2).agent(agent("main"));
    let story = workspace("box").build(start(1).agent(old)).build(latest);
    let workspace = story.id;
    coder.add(story).await;
    let built = moment("000001");
    coder
        .sql(&format!(
            "UPDATE workspace_builds SET created_at = {built} WHERE build_number = 2"
        ))
        .await;
    for used in ["000000", "000001", "000002"] {
        let columns = [
            ("agent_id", format!("'{id}'")),
            ("updated_at", moment(used)),
        ];
        coder.add_chat(workspace, &columns).await;
    }
    let exporter = coder.exporter().await;
    assert_counts(&exporter.scrape().await, [0.0, 0.0, 0.0, 1.0, 2.0]);
    // A role of last year sees no use: each of them may have been used.
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE SELECT (updated_at) ON chats FROM {role}"))
        .await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    assert_counts(&page, [0.0, 0.0, 0.0, 3.0, 0.0]);
}

#[tokio::test]
async fn rebuild_makes_a_current_binding_stale_with_the_next_scrape() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    let main = agent("main");
    let id = main.id;
    let story = workspace("box").agent(main);
    coder.add(story.clone()).await;
    chat(&coder, story.id, id).await;
    assert_counts(&exporter.scrape().await, [0.0, 0.0, 1.0, 0.0, 0.0]);
    coder.build(&story, stop(2)).await;
    assert_counts(&exporter.scrape().await, [0.0, 1.0, 0.0, 0.0, 0.0]);
    coder.build(&story, start(3).agent(agent("main"))).await;
    assert_counts(&exporter.scrape().await, [0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[tokio::test]
async fn every_state_is_there_for_each_template_with_an_agent_or_a_chat() {
    let coder = Coder::new().await;
    coder.add(workspace("a").agent(agent("main"))).await;
    let stopped = workspace("b").template("podman").build(stop(1));
    let id = stopped.id;
    coder.add(stopped).await;
    coder.add_chat(id, &[]).await;
    let page = scrape(&coder).await;
    for template in ["docker", "podman"] {
        for state in STATES {
            let labels = [("template_name", template), ("state", state)];
            let expected = f64::from(u8::from((template, *state) == ("podman", "unbound")));
            let found = page.value("coder_chat_bindings", &labels);
            assert_eq!(found, expected, "{labels:?}");
        }
    }
    assert_eq!(page.samples("coder_chat_bindings", &[]).count(), 10);
}

#[tokio::test]
async fn coder_whose_chats_know_no_agent_has_no_bindings_and_that_is_no_error() {
    for (era, has_chat_agent_id) in [
        (Era::V2_3, "false"),
        (Era::V2_9, "false"),
        (Era::V2_22, "false"),
        (Era::V2_24, "false"),
        (Era::V2_32, "true"),
    ] {
        let coder = Coder::of(era).await;
        coder.add(workspace("box").agent(agent("main"))).await;
        let page = scrape(&coder).await;
        let is_on = has_chat_agent_id == "true";
        assert_eq!(page.has("coder_chat_bindings"), is_on, "{era:?}");
        for family in ["success", "duration_seconds", "rows"] {
            let name = format!("coder_exporter_collector_{family}");
            let found = page.get(&name, &[("collector", "bindings")]);
            assert_eq!(found.is_some(), is_on, "{era:?} {name}");
        }
        assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
        let labels = [("has_chat_agent_id", has_chat_agent_id)];
        assert_eq!(page.get("coder_exporter_schema_info", &labels), Some(1.0));

        let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
        assert_eq!(ended.code, Some(0), "{era:?}: {}", ended.stdout);
        let bindings = ended
            .stdout
            .lines()
            .find(|it| it.contains("collector bindings"));
        let says_off = bindings
            .expect("a line")
            .contains("off: this Coder version has no chats.agent_id");
        assert_eq!(says_off, !is_on, "{era:?}: {}", ended.stdout);
    }
}
