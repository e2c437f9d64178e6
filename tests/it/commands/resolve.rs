//! `resolve`: from a workspace to an agent that answers, with the whole story.

use std::time::Duration;

use super::*;

/// Resolves `ada/box`, which must end like this; what it printed.
async fn resolved(deployment: &Deployment, outcome: &str, code: i32) -> String {
    let ended = deployment.run(&["resolve", "ada/box"]).await;
    let Ended { stdout, stderr, .. } = &ended;
    assert_eq!(ended.code, Some(code), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    assert_moves_no_cursor(stdout);
    assert_says(stdout, &["ada/box", &format!("\n{outcome} after ")]);
    ended.stdout
}

#[tokio::test]
async fn agent_that_answers_is_ok() {
    let deployment = Deployment::new().await;
    let id = deployment.add("box", agent("main"), Answer::ports()).await;
    let shown = resolved(&deployment, "ok", 0).await;
    let id = id.to_string();
    assert_says(&shown, &["lookup", "dial", &id, "agent main answered"]);
    assert_says(&shown, &["Nothing to do", "Coder counts this as use"]);
}

#[tokio::test]
async fn stale_binding_of_a_chat_is_repaired() {
    let deployment = Deployment::new().await;
    let (old, new) = (agent("main"), agent("main"));
    deployment.coderd.answer(new.id, Answer::ports());
    let it = workspace("box")
        .build(start(1).agent(old.clone()))
        .build(start(2).agent(new.clone()));
    deployment.coder.add(it.clone()).await;
    let bound = [("agent_id", literal(&old.id.to_string()))];
    deployment.coder.add_chat(it.id, &bound).await;
    let shown = resolved(&deployment, "switched", 0).await;
    let (old, new) = (old.id.to_string(), new.id.to_string());
    assert_says(&shown, &[&old, &new, "validate", "redial"]);

    let ended = deployment.run(&["resolve", "ada/box", "--json"]).await;
    let told = json(&ended.stdout);
    insta::assert_snapshot!(keys(&told).join("\n"));
    assert_eq!(told["outcome"], "switched");
    assert_eq!(told["binding_switched"], true);
    assert_eq!(told["counted_as_use"], true);
    assert_eq!(told["agent_id"], new.as_str());
    assert_eq!(told["error"], Value::Null);
}

#[tokio::test]
async fn workspace_without_an_agent_is_no_agent_and_nobody_is_dialed() {
    let deployment = Deployment::new().await;
    deployment.coder.add(workspace("box").build(stop(1))).await;
    let shown = resolved(&deployment, "no_agent", 2).await;
    assert_says(&shown, &["Start the workspace"]);
    assert!(!shown.contains("counts this as use"), "{shown}");
    assert_eq!(deployment.coderd.requests().len(), 0);
}

#[tokio::test]
async fn two_agents_for_chats_are_ambiguous_and_named() {
    let deployment = Deployment::new().await;
    let build = start(1)
        .agent(agent("a-coderd-chat"))
        .agent(agent("b-Coderd-Chat"));
    deployment.coder.add(workspace("box").build(build)).await;
    let shown = resolved(&deployment, "ambiguous", 2).await;
    assert_says(&shown, &["a-coderd-chat, b-Coderd-Chat", "Rename agents"]);
}

#[tokio::test]
async fn agent_that_coder_does_not_dial_is_told_by_its_state() {
    let waiting = || waiting_agent("main", 700.0);
    for (state, row, outcome, advice) in [
        (
            "disconnected",
            agent("main"),
            "disconnected",
            "Check the agent's machine",
        ),
        (
            "timeout",
            waiting(),
            "never_connected",
            "Check the template",
        ),
        (
            "connecting",
            waiting(),
            "never_connected",
            "Check the template",
        ),
    ] {
        let deployment = Deployment::new().await;
        let answer = Answer::in_state(state);
        deployment.add("box", row, answer).await;
        let shown = resolved(&deployment, outcome, 2).await;
        assert_says(&shown, &[advice, &format!("the agent is {state}")]);
    }
}

#[tokio::test]
async fn failed_dial_is_told_in_coders_words() {
    let deployment = Deployment::new().await;
    let words = "Internal error dialing workspace agent: \x07 no route to a host that has a \
                 long name and is far away from here";
    let answer = Answer::error(500, words.replace('\x07', "\\u0007").as_str());
    deployment.add("box", agent("main"), answer).await;
    let shown = resolved(&deployment, "dial_error", 2).await;
    assert_says(&shown, &["Internal error dialing", "Check coderd's log"]);
}

#[tokio::test]
async fn wrong_token_blames_no_agent_and_is_not_shown() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    deployment.coderd.expect_token("another");
    let shown = resolved(&deployment, "exporter_error", 1).await;
    assert_says(&shown, &["401", "--coder.token-file"]);
    let ended = deployment.run(&["resolve", "ada/box", "--json"]).await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(json(&ended.stdout)["outcome"], "exporter_error");
}

#[tokio::test]
async fn token_that_comes_back_in_an_answer_is_not_shown() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::Echo).await;
    let shown = resolved(&deployment, "exporter_error", 1).await;
    assert_says(&shown, &["[token]"]);
}

#[tokio::test]
async fn coders_own_variables_say_where_coder_is_and_with_which_token() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let (database, coderd) = (deployment.coder.url(), deployment.coderd.url("127.0.0.1"));
    let variables = [
        ("CODER_PG_CONNECTION_URL", database.as_str()),
        ("CODER_URL", &coderd),
        ("CODER_SESSION_TOKEN", TOKEN),
    ];
    for command in ["resolve", "wait"] {
        let arguments = [command, "ada/box", "--probe.dialer=coderd"];
        let ended = run_with(&arguments, &variables).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        assert_no_secret(&ended);
    }
}

#[tokio::test]
async fn without_a_dialer_the_setting_is_named() {
    let coder = Coder::new().await;
    for command in ["resolve", "wait"] {
        let said = complaint(&coder, &[command, "ada/box"], 64).await;
        assert_says(&said, &["--probe.dialer"]);
        let with_dialer = [command, "ada/box", "--probe.dialer=coderd"];
        let said = complaint(&coder, &with_dialer, 64).await;
        assert_says(&said, &["--coder.url", "CODER_URL"]);
        let said = complaint(&coder, &[command, "nonsense"], 64).await;
        assert_says(&said, &["nonsense"]);
    }
}

#[tokio::test]
async fn unknown_workspace_is_told_with_what_comes_near() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    for command in ["resolve", "wait"] {
        let ended = deployment.run(&[command, "ada/bax"]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert_says(&ended.stderr, &["there are:\n  ada/box"]);
    }
}

#[tokio::test]
async fn ctrl_c_ends_it_at_once_while_it_dials() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::Never).await;
    let running = deployment.start(&["resolve", "ada/box"]);
    eventually("it dials", async || deployment.coderd.connections().0 == 1).await;
    let (ended, took) = running.interrupted().await;
    assert_eq!((ended.code, &*ended.stdout), (Some(130), ""));
    assert!(took < Duration::from_secs(2), "{took:?}");
    // The dial is given up too.
    let gone = async || deployment.coderd.connections().0 == 0;
    eventually("nobody is dialed any more", gone).await;
}

#[tokio::test]
async fn ctrl_c_ends_it_at_once_while_the_database_thinks() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    deployment.coder.slow("workspaces", 20.0).await;
    for command in ["resolve", "wait"] {
        let running = deployment.start(&[command, "ada/box"]);
        let asks = async || deployment.coder.is_waited_for().await;
        eventually("it asks", asks).await;
        let (ended, took) = running.interrupted().await;
        assert_eq!((ended.code, &*ended.stdout), (Some(130), ""));
        assert!(took < Duration::from_secs(2), "{took:?}");
        let role = &deployment.coder.role;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
        );
        deployment.coder.sql(&end).await;
    }
}
