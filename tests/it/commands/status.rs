//! `status`: the fleet as a table.

use super::*;

/// Two templates; three problems of different age.
async fn fleet() -> Coder {
    let coder = Coder::new().await;
    let docker = start(1)
        .agent(agent("main"))
        .agent(agent("sub").silent_for(3.0))
        .agent(agent("young").closed_ago(61.0))
        .agent(waiting_agent("new", 5.0));
    coder.add(workspace("box").build(docker)).await;
    let gpu = start(1).agent(agent("old").closed_ago(7000.0)).agent(
        agent("script")
            .lifecycle("start_error")
            .ago("ready_at", 300.0),
    );
    let lab = workspace("lab").owner("bob").template("gpu").build(gpu);
    coder.add(lab).await;
    let off = stop(1).agent(agent("main").lifecycle("off"));
    coder.add(workspace("off").template("gpu").build(off)).await;
    coder
}

#[tokio::test]
async fn totals_are_per_template_with_the_oldest_of_each_problem() {
    let coder = fleet().await;
    let shown = printed(&coder, &["status"]).await;
    let shown = squeezed(&shown);
    assert_says(
        &shown,
        &[
            "ORGANIZATION TEMPLATE AGENTS HEALTHY STARTING SHUTDOWN PROBLEMS\n\
             acme docker 4 2 1 0 1\n\
             acme gpu 3 0 0 1 2\n\
             all 7 2 1 1 3\n",
            "PROBLEM AGENTS OLDEST\ndisconnected 2 1h 56m bob/lab.old\n",
            "\nstart_error 1 5m 0s bob/lab.script\n",
        ],
    );
    // Whom it asked, and the moment it is true for.
    assert_says(shown.lines().next().unwrap(), &[&coder.role, " at 20", "Z"]);
}

#[tokio::test]
async fn problems_are_listed_oldest_first_each_with_advice() {
    let coder = fleet().await;
    let shown = squeezed(&printed(&coder, &["status", "--problems"]).await);
    assert_says(
        &shown,
        &[
            "FOR HEALTH AGENT TEMPLATE\n\
             1h 56m disconnected bob/lab.old gpu\n\
             5m 0s start_error bob/lab.script gpu\n\
             1m 1s disconnected ada/box.young docker\n",
            "\ndisconnected\nCheck the agent's machine and network first",
            "\nstart_error\nRead the startup script's log",
        ],
    );
    assert_eq!(
        shown.matches("Check the agent's machine").count(),
        1,
        "{shown}"
    );
}

#[tokio::test]
async fn fleet_without_agents_has_no_problem_and_zeros() {
    let coder = Coder::new().await;
    for arguments in [&["status"][..], &["status", "--problems"]] {
        let shown = squeezed(&printed(&coder, arguments).await);
        assert_says(&shown, &["\nall 0 0 0 0 0\n", "No agent has a problem."]);
    }
    let told = told_json(&coder, &["status"]).await;
    assert_eq!(told["agents"], 0);
    assert_eq!(told["health"]["disconnected"], 0);
    assert_eq!(told["problems"], serde_json::json!([]));
}

#[tokio::test]
async fn json_has_the_fields_it_always_had() {
    let coder = fleet().await;
    let told = told_json(&coder, &["status"]).await;
    insta::assert_snapshot!(keys(&told).join("\n"));
    assert_eq!(told["agents"], 7);
    let oldest = &told["problems"][0];
    assert_eq!(oldest["agent_name"], "old");
    let age = oldest["age_seconds"].as_f64().unwrap();
    assert!((6999.0..7060.0).contains(&age), "{age}");
}

#[tokio::test]
async fn colour_is_for_terminals_and_not_for_those_who_want_none() {
    let coder = fleet().await;
    let url = format!("--postgres.url={}", coder.url());
    let coloured = run_on_terminal(&["status", &url], &[]).await;
    assert_eq!(coloured.code, Some(0), "{}", coloured.stdout);
    assert_says(&coloured.stdout, &["\x1b[1m\x1b[31mdisconnected"]);
    assert_says(&coloured.stdout, &["\x1b[0m"]);
    let plain = run_on_terminal(&["status", &url], &[("NO_COLOR", "1")]).await;
    assert!(!plain.stdout.contains('\x1b'), "{}", plain.stdout);
    // The same but for the colours and the seconds that have passed.
    let piped = printed(&coder, &["status"]).await;
    assert_eq!(plain.stdout.lines().count(), piped.lines().count());
    assert_fits(&plain.stdout.replace("\r\n", "\n"), 80);
}

#[tokio::test]
async fn limits_are_settings_here_too() {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").silent_for(47.2)))
        .await;
    let shown = printed(&coder, &["status"]).await;
    assert_says(&shown, &["disconnected"]);
    let shown = printed(&coder, &["status", "--agent.inactive-timeout=5m"]).await;
    assert_says(&shown, &["No agent has a problem."]);
}

#[tokio::test]
async fn database_that_is_down_is_one_sentence_and_exit_code_1() {
    for arguments in [
        &["status"][..],
        &["status", "--problems"],
        &["status", "--json"],
        &["explain", "ada/box"],
    ] {
        let url = "--postgres.url=postgres://u:hunter2@127.0.0.1:1/coder";
        let ended = run(&[arguments, &[url]].concat()).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""));
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert_says(&ended.stderr, &["127.0.0.1", "refused"]);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn missing_grant_is_told_with_the_statement_that_gives_it() {
    let coder = fleet().await;
    let role = &coder.role;
    coder
        .sql(&format!("REVOKE SELECT ON templates FROM {role}"))
        .await;
    let said = complaint(&coder, &["status"], 1).await;
    let (_, grant) = said.split_once("run: ").expect(&said);
    coder.sql(grant).await;
    printed(&coder, &["status"]).await;
}
