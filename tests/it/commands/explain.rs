//! `explain`: the row, the rule that decided, what follows from it, and what to do.

use super::*;

/// What `explain` says of the only agent of `ada/box`, in one line.
async fn explained(agent: Agent) -> String {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent)).await;
    let shown = printed(&coder, &["explain", "ada/box"]).await;
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn disconnected_agent_is_told_with_the_numbers_that_decided() {
    let coder = Coder::new().await;
    coder.stop_clock("timestamptz '2026-03-01 12:00:00Z'").await;
    let lost = agent("main")
        .set("last_connected_at", "timestamptz '2026-03-01 11:59:12.8Z'")
        .set("first_connected_at", "timestamptz '2026-03-01 09:00:00Z'");
    coder.add(workspace("box").agent(lost)).await;
    let shown = squeezed(&printed(&coder, &["explain", "ada/box"]).await);
    assert_says(
        &shown,
        &[
            "\ntemplate acme, docker\n",
            "\nas of 2026-03-01T12:00:00Z\n",
            "\nfirst_connected_at 2026-03-01T09:00:00Z 3h 0m ago\n",
            "\ndisconnected_at never\n",
            "\nconnection_timeout 120 s\nlifecycle_state ready\n",
            "\nstatus last heartbeat 47.2 s before now, limit 30 s\n→ disconnected (rule silent)\n",
            "\nhealth status is disconnected, and no shutdown was requested\n→ disconnected (rule disconnected)\n",
            "\nsince 2026-03-01T11:59:12Z (47s)\n",
            "\nadvice Check the agent's machine and network first",
        ],
    );
}

#[tokio::test]
async fn agent_of_an_earlier_build_is_told_to_be_one() {
    let coder = Coder::new().await;
    let old = agent("main").closed_ago(3600.0);
    let it = workspace("box")
        .build(start(1).agent(old.clone()))
        .build(start(2).agent(agent("main")));
    coder.add(it).await;
    let shown = printed(&coder, &["explain", &old.id.to_string()]).await;
    let of_today = "verdict             ready: agent main is connected";
    assert_says(&shown, &["of an earlier build", "(rule closed)", of_today]);
    let shown = printed(&coder, &["explain", "ada/box.main"]).await;
    assert!(!shown.contains("of an earlier build"), "{shown}");
}

#[tokio::test]
async fn agent_stuck_in_created_is_told_with_its_cause() {
    let stuck = || {
        agent("main")
            .lifecycle("created")
            .null("started_at")
            .null("ready_at")
            .ago("first_connected_at", 600.0)
    };
    let shown = explained(stuck()).await;
    assert_says(
        &shown,
        &[
            "health lifecycle is created, first connected 600",
            "limit 120 s → stuck_created (rule stuck_created)",
            "cause never_reported",
            "advice Check the agent's log",
        ],
    );

    let coder = Coder::new().await;
    let it = workspace("box")
        .build(start(1).agent(agent("main")))
        .build(stop(2))
        .build(start(3).agent(stuck()));
    coder.add(it).await;
    let shown = printed(&coder, &["explain", "ada/box"]).await;
    assert_says(&shown, &["survived_build", "Restart the agent process"]);
}

#[tokio::test]
async fn every_other_problem_is_told_with_its_limit_and_advice() {
    let advice_for_new = "advice Check the template and the agent's log";
    for (agent, expected) in [
        (
            waiting_agent("main", 700.0),
            [
                "limit 600 s → stuck_connecting (rule stuck_connecting)",
                advice_for_new,
            ],
        ),
        (
            waiting_agent("main", 700.0).set("connection_timeout_seconds", 60),
            [
                "connection timeout 60 s → timeout (rule never_connected)",
                advice_for_new,
            ],
        ),
        (
            agent("main").lifecycle("start_error"),
            [
                "→ start_error (rule start_error)",
                "advice Read the startup script's log",
            ],
        ),
        (
            agent("main")
                .lifecycle("starting")
                .ago("started_at", 1900.0),
            [
                "limit 1800 s → stuck_starting (rule stuck_starting)",
                "it has not finished",
            ],
        ),
    ] {
        assert_says(&explained(agent).await, &expected);
    }
}

#[tokio::test]
async fn workspace_without_a_running_agent_is_told_by_its_build() {
    let coder = Coder::new().await;
    let add = async |it| coder.add(it).await;
    add(workspace("empty").build(start(1))).await;
    add(workspace("stopped")
        .build(start(1).agent(agent("main")))
        .build(stop(2)))
    .await;
    add(workspace("failed").build(start(1).job(Job::Failed))).await;
    add(workspace("never")).await;
    add(workspace("new").build(start(1).job(Job::Pending))).await;
    let advice = "advice Start the workspace: its latest build has no agent";
    for (name, expected, advice) in [
        ("empty", "no_agent: the latest build has no agent", advice),
        ("stopped", "stopped: build 2 (stop) succeeded", advice),
        ("failed", "gone: build 1 (start) failed: no space left", ""),
        ("never", "gone: it was never built", ""),
        ("new", "building: build 1 (start) pending", ""),
    ] {
        let shown = printed(&coder, &["explain", &format!("ada/{name}")]).await;
        let shown = squeezed(&shown);
        assert_says(&shown, &[&format!("\nverdict {expected}\n"), advice]);
        assert_eq!(shown.contains("\nadvice "), !advice.is_empty(), "{shown}");
        assert!(!shown.contains("\nagent "), "{shown}");
    }
}

#[tokio::test]
async fn error_of_many_lines_fits_a_terminal() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").build(start(1).job(Job::Failed)))
        .await;
    coder
        .sql(
            "UPDATE provisioner_jobs SET error = E'terraform apply:\\n\\n  Error: \\x1b[31m'
                 || repeat('x', 200) || E'\\r\\n  on main.tf line 7'",
        )
        .await;
    let shown = squeezed(&shown(&coder, &["explain", "ada/box"], 80).await);
    assert_says(
        &shown,
        &[
            "failed: terraform apply: Error:\n\u{fffd}[31mxxx",
            "xxx on main.tf line 7\n",
        ],
    );
}

#[tokio::test]
async fn json_has_the_fields_it_always_had() {
    let coder = Coder::new().await;
    let lost = agent("main").closed_ago(61.0).sub(agent("dev"));
    coder.add(workspace("box").agent(lost)).await;
    let all = told_json(&coder, &["explain", "ada/box"]).await;
    insta::assert_snapshot!(keys(&all).join("\n"));
    assert_eq!(all["agents"].as_array().unwrap().len(), 2);
    let one = told_json(&coder, &["explain", "ada/box.main"]).await;
    let agent = &one["agents"][0];
    assert_eq!(one["agents"].as_array().unwrap().len(), 1);
    assert_eq!(agent["status_rule"], "closed");
    assert_eq!(agent["health"], "disconnected");
    assert_eq!(
        agent["ready_at"].as_str().unwrap().len(),
        "2026-01-01T00:00:00Z".len()
    );
    assert_eq!(agent["cause"], Value::Null);
}

#[tokio::test]
async fn explain_is_in_colour_on_a_terminal_and_not_elsewhere() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let url = format!("--postgres.url={}", coder.url());
    let arguments = ["explain", "ada/box", &url];
    let coloured = run_on_terminal(&arguments, &[]).await;
    assert_says(
        &coloured.stdout,
        &["\x1b[1mada/box\x1b[0m", "\x1b[32mhealthy"],
    );
    let plain = run_on_terminal(&arguments, &[("NO_COLOR", "1")]).await;
    assert_fits(&plain.stdout.replace("\r\n", "\n"), 80);
    assert_says(&plain.stdout, &["→ healthy (rule healthy)"]);
}
