//! `wait`: until a workspace can be used, or never will.

use std::time::Duration;

use super::*;
use crate::harness::terminal::interrupted_on_terminal;

/// Waits for `ada/box`, which must end like this; what it said in passing.
async fn waited(deployment: &Deployment, result: &str, code: i32) -> String {
    let ended = deployment.run(&["wait", "ada/box"]).await;
    let is_counted = ended.stdout.contains("Coder counts this as use");
    assert_eq!(is_counted, code == 0 || code == 22, "{}", ended.stdout);
    ended_so(ended, result, code)
}

#[track_caller]
fn ended_so(ended: Ended, result: &str, code: i32) -> String {
    let Ended { stdout, stderr, .. } = &ended;
    assert_eq!(ended.code, Some(code), "{stdout}{stderr}");
    assert_moves_no_cursor(stdout);
    assert_says(stdout, &[result]);
    assert!(!stderr.contains(['\r', '\x1b']), "{stderr:?}");
    ended.stderr
}

#[tokio::test]
async fn workspace_that_can_be_used_is_ready_at_once() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let result = "ready after 0s: agent main is connected, lifecycle ready\n";
    let said = waited(&deployment, result, 0).await;
    assert_says(&said, &["    0s  waiting for the agent to answer"]);
    assert_eq!(deployment.coderd.requests().len(), 1);
}

#[tokio::test]
async fn build_that_ends_meanwhile_is_waited_for() {
    let deployment = Deployment::new().await;
    let main = agent("main");
    deployment.coderd.answer(main.id, Answer::ports());
    let build = start(1).job(Job::Running).agent(main);
    deployment.coder.add(workspace("box").build(build)).await;
    let running = deployment.start(&["wait", "ada/box"]);
    eventually("it has looked", async || {
        deployment.coder.sessions("%").await > 0
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let finish = "UPDATE provisioner_jobs SET completed_at = now(), error = ''";
    deployment.coder.sql(finish).await;
    let said = ended_so(running.ended().await, "ready after ", 0);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert_says(
        lines[0],
        &["waiting for the build: build 1 (start) running"],
    );
    assert_says(lines[1], &["waiting for the agent to answer"]);
}

#[tokio::test]
async fn what_no_waiting_changes_ends_it_at_once_by_its_exit_code() {
    let twice = start(1)
        .agent(agent("a-coderd-chat"))
        .agent(agent("b-coderd-chat"));
    let script = start(1).agent(agent("main").lifecycle("start_error"));
    let off = start(1).agent(agent("main").lifecycle("off"));
    for (build, result, code) in [
        (stop(1), "stopped after 0s: build 1 (stop) succeeded\n", 10),
        (
            start(1).job(Job::Failed),
            "gone after 0s: build 1 (start) failed: no space left\n",
            11,
        ),
        (start(1).job(Job::Canceled), "gone after ", 11),
        (build(1, "delete"), "gone after ", 11),
        (
            start(1),
            "no_agent after 0s: the latest build has no agent\n",
            12,
        ),
        (twice, "ambiguous after ", 13),
        (script, "start_failed after ", 14),
        (
            off,
            "shut_down after 0s: agent main is connected, lifecycle off\n",
            15,
        ),
    ] {
        let deployment = Deployment::new().await;
        deployment.coder.add(workspace("box").build(build)).await;
        assert_eq!(waited(&deployment, result, code).await, "");
        assert_eq!(deployment.coderd.requests().len(), 0);
    }
}

#[tokio::test]
async fn help_has_every_exit_code() {
    let help = run(&["wait", "--help"]).await.stdout;
    for code in [0, 1, 10, 11, 12, 13, 14, 15, 20, 21, 22, 64, 130] {
        assert_says(&help, &[&format!("\n  {code:<3}  ")]);
    }
    let help = run(&["resolve", "--help"]).await.stdout;
    for code in [0, 1, 2, 64, 130] {
        assert_says(&help, &[&format!("\n  {code:<3}  ")]);
    }
}

#[tokio::test]
async fn agent_that_answers_only_at_the_third_attempt_is_waited_for() {
    let deployment = Deployment::new().await;
    let refusing = Answer::error(500, "Internal error dialing workspace agent.");
    let id = deployment.add("box", agent("main"), refusing).await;
    let running = deployment.start(&["wait", "ada/box"]);
    // Each attempt dials twice: the second time to be sure.
    let twice = async || deployment.coderd.requests().len() == 4;
    eventually("two attempts have failed", twice).await;
    deployment.coderd.answer(id, Answer::ports());
    let said = ended_so(running.ended().await, "ready after ", 0);
    assert_eq!(deployment.coderd.requests().len(), 5);
    // A line for each change, not for each attempt.
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_says(
        &said,
        &["retrying the dial: coderd: Internal error dialing workspace agent."],
    );
}

#[tokio::test]
async fn startup_script_that_ends_meanwhile_is_waited_for() {
    let deployment = Deployment::new().await;
    let starting = agent("main").lifecycle("starting").ago("started_at", 5.0);
    let id = deployment.add("box", starting, Answer::ports()).await;
    let running = deployment.start(&["wait", "ada/box", "--json"]);
    let dialed = async || deployment.coderd.requests().len() == 1;
    eventually("it has answered", dialed).await;
    let ready = "UPDATE workspace_agents SET lifecycle_state = 'ready', ready_at = now()";
    deployment.coder.sql(ready).await;
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = json(&ended.stdout);
    insta::assert_snapshot!(keys(&told).join("\n"));
    assert_eq!(
        (&told["result"], &told["verdict"]),
        (&"ready".into(), &"ready".into())
    );
    assert_eq!(told["agent_id"], id.to_string());
    // It has answered once and is not dialed again.
    assert_eq!(deployment.coderd.requests().len(), 1);
}

#[tokio::test]
async fn startup_script_that_fails_meanwhile_ends_it() {
    let deployment = Deployment::new().await;
    let starting = agent("main").lifecycle("starting").ago("started_at", 5.0);
    deployment.add("box", starting, Answer::ports()).await;
    let running = deployment.start(&["wait", "ada/box"]);
    let dialed = async || deployment.coderd.requests().len() == 1;
    eventually("it has answered", dialed).await;
    let fail = "UPDATE workspace_agents SET lifecycle_state = 'start_error', ready_at = now()";
    deployment.coder.sql(fail).await;
    ended_so(running.ended().await, "start_failed after ", 14);
}

#[tokio::test]
async fn ctrl_c_ends_it_at_once_and_leaves_a_clean_line() {
    let deployment = Deployment::new().await;
    let building = start(1).job(Job::Running);
    deployment.coder.add(workspace("box").build(building)).await;
    let line = deployment.command_line(&["wait", "ada/box"]);
    let ended = interrupted_on_terminal(&borrowed(&line), "waiting for the build").await;
    assert_eq!(ended.code, Some(130), "{}", ended.stdout);
    // All in one line, each time over the last, blank in the end and the cursor at its start.
    let shown = &ended.stdout;
    assert!(!shown.contains('\n'), "{shown:?}");
    let states: Vec<_> = shown.split('\r').collect();
    let [.., blank, end] = *states else {
        panic!("{shown:?}")
    };
    assert_eq!((blank, end), (&*" ".repeat(79), ""), "{shown:?}");
    for state in &states[1..states.len() - 2] {
        assert!(state.replace("^C", "").width() <= 79, "{state:?}");
    }
}

#[tokio::test]
async fn on_a_terminal_one_line_changes_and_the_result_takes_its_place() {
    let deployment = Deployment::new().await;
    let hostile = agent("main\n\x1b[31m🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀");
    deployment.add("box", hostile, Answer::ports()).await;
    let line = deployment.command_line(&["wait", "ada/box"]);
    let ended = run_on_terminal(&borrowed(&line), &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\x1b'), "{:?}", ended.stdout);
    let (progress, result) = ended.stdout.split_once("\rready after").expect("a result");
    assert_says(progress, &["waiting for the agent to answer"]);
    assert!(!progress.contains('\n'), "{progress:?}");
    assert_fits(&result.replace("\r\n", "\n"), 80);
}

#[tokio::test]
async fn interrupted_in_a_pipe_it_ends_likewise() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::Never).await;
    let running = deployment.start(&["wait", "ada/box"]);
    eventually("it dials", async || deployment.coderd.connections().0 == 1).await;
    let (ended, took) = running.interrupted().await;
    assert_eq!((ended.code, &*ended.stdout), (Some(130), ""));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn limit_on_all_of_it_ends_it_with_the_last_dials_error() {
    let deployment = Deployment::new().await;
    let refusing = Answer::error(500, "Internal error dialing workspace agent.");
    deployment.add("box", agent("main"), refusing).await;
    let said = deployment.run(&["wait", "ada/box", "--timeout=3s"]).await;
    assert_eq!(said.code, Some(21), "{}", said.stderr);
    assert_says(
        &said.stdout,
        &[
            "dial_timeout after 3s: agent main is connected",
            "The last dial failed: coderd: Internal error dialing workspace agent.",
        ],
    );
}

#[tokio::test]
async fn restart_whose_start_is_queued_is_waited_for() {
    let deployment = Deployment::new().await;
    let main = agent("main");
    deployment.coderd.answer(main.id, Answer::ports());
    let stopped = workspace("box").build(stop(1));
    deployment.coder.add(stopped.clone()).await;
    // As Coder after v2.35 has it.
    let queue = format!(
        "CREATE TABLE IF NOT EXISTS workspace_build_orchestrations (workspace_id uuid, \
         status text, child_transition workspace_transition); \
         INSERT INTO workspace_build_orchestrations (workspace_id, status, child_transition) \
         VALUES ('{}', 'pending', 'start')",
        stopped.id
    );
    deployment.coder.sql(&queue).await;
    let ignored = deployment.run(&["wait", "ada/box"]).await;
    assert_eq!(ignored.code, Some(10), "the role may not read it");
    let role = &deployment.coder.role;
    let grant = format!("GRANT SELECT ON workspace_build_orchestrations TO {role}");
    deployment.coder.sql(&grant).await;
    let running = deployment.start(&["wait", "ada/box"]);
    eventually("it has looked", async || {
        deployment.coder.sessions("%").await > 0
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    deployment.coder.build(&stopped, start(2).agent(main)).await;
    let said = ended_so(running.ended().await, "ready after ", 0);
    assert_says(&said, &["build 1 (stop) succeeded; a start is queued"]);
}
