//! What an answer is written to and in which format: a terminal, a pipe, a program.

use super::*;
use crate::harness::terminal::interrupted_on_terminal;

/// Two workspaces whose long names differ at the end, and one of another template.
async fn fleet() -> (Coder, [String; 2]) {
    let coder = Coder::new().await;
    let owner = "a-team-with-a-long-name";
    let names = ["one", "two"].map(|it| format!("{}-{it}", "workspace".repeat(5)));
    for name in &names {
        let lost = agent("main").closed_ago(90.0);
        coder.add(workspace(name).owner(owner).agent(lost)).await;
    }
    let build = start(1)
        .agent(agent("main"))
        .agent(agent("dev").closed_ago(7000.0));
    coder
        .add(workspace("lab").owner("bob").template("gpu").build(build))
        .await;
    (coder, names.map(|it| format!("{owner}/{it}.main")))
}

/// The lines of this list's names.
async fn names(coder: &Coder, arguments: &[&str]) -> Vec<String> {
    let listed = printed(coder, &[arguments, &["-o", "name"]].concat()).await;
    listed.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn names_are_whole_in_a_pipe_and_fit_on_a_terminal() {
    let (coder, names) = fleet().await;
    for arguments in [&["status", "--problems"][..], &["agents"]] {
        let piped = printed(&coder, arguments).await;
        for name in &names {
            assert_eq!(piped.matches(name.as_str()).count(), 1, "{piped}");
            printed(&coder, &["explain", name]).await;
        }
        for columns in [60, 80, 95] {
            let fitting = shown(&coder, arguments, columns).await;
            let is_cut = |it: &&str| it.contains('…') && it.contains(".main");
            let rows: Vec<_> = fitting.lines().filter(is_cut).collect();
            assert_eq!(rows.len(), 2, "{fitting}");
            assert_ne!(rows[0], rows[1]);
            assert_says(&fitting, &["-o wide"]);
        }
        let wide = shown(&coder, arguments, 200).await;
        assert!(!wide.contains('…'), "{wide}");
    }
    // Sentences are not broken either: a fact is a line.
    let explained = printed(&coder, &["explain", &names[0]]).await;
    let advice = explained.lines().find(|it| it.contains("  advice"));
    assert_says(advice.unwrap(), &["Check the machines", "changed there."]);
}

#[tokio::test]
async fn each_format_has_the_same_rows() {
    let (coder, [one, two]) = fleet().await;
    let lab = ["bob/lab.dev", "bob/lab.main"];
    assert_eq!(
        names(&coder, &["agents"]).await,
        [lab[0], &one, &two, lab[1]]
    );
    assert_eq!(
        names(&coder, &["status", "--problems"]).await,
        [lab[0], &one, &two]
    );
    assert_eq!(
        names(&coder, &["status"]).await,
        ["acme/docker", "acme/gpu"]
    );

    let json = told_json(&coder, &["agents"]).await;
    assert_eq!(
        (
            json["total"].as_u64(),
            json["agents"].as_array().unwrap().len()
        ),
        (Some(4), 4)
    );
    let csv = printed(&coder, &["agents", "-o", "csv", "--sort", "agent"]).await;
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines[0].starts_with("age_seconds,health,agent,"), "{csv}");
    assert_eq!(lines.len(), 5, "{csv}");
    assert!(
        lines[1].contains(&format!(",disconnected,{one},docker,acme,root,")),
        "{csv}"
    );
    assert!(lines[4].starts_with(",healthy,bob/lab.main,gpu,"), "{csv}");
    for agent in json["agents"].as_array().unwrap() {
        let id = agent["agent_id"].as_str().unwrap();
        assert_eq!(csv.matches(id).count(), 1, "{id}: {csv}");
    }
    let bare = printed(&coder, &["agents", "-o", "csv", "--no-headers"]).await;
    assert_eq!(bare.lines().count(), 4, "{bare}");
    let wide = printed(&coder, &["status", "-o", "wide"]).await;
    assert_says(&wide, &["ORGANIZATION", "  STUCK_CREATED"]);
    let yaml = printed(&coder, &["status", "-o", "yaml"]).await;
    assert_says(
        &yaml,
        &[
            "agents: 4\ncoder_down: ",
            "\n  - health:\n      connect_timeout: 0\n",
        ],
    );
    let yaml = printed(&coder, &["explain", &one, "-o", "yaml"]).await;
    assert_says(&yaml, &["workspace_owner: \"a-team-with-a-long-name\"\n"]);
}

#[tokio::test]
async fn rows_are_sorted_by_any_column_and_by_no_other() {
    let (coder, [one, two]) = fleet().await;
    let lab = ["bob/lab.dev", "bob/lab.main"];
    let sorted = async |by: &str| names(&coder, &["agents", "--sort", by]).await;
    assert_eq!(sorted("-AGENT").await, [lab[1], lab[0], &two, &one]);
    assert_eq!(sorted("template_name").await, [&*one, &two, lab[0], lab[1]]);
    assert_eq!(sorted("-for").await, [lab[0], &one, &two, lab[1]]);
    let said = complaint(&coder, &["status", "--sort=age"], 64).await;
    assert_says(
        &said,
        &["--sort: ", "\"age\"", "template_name, agents, healthy"],
    );
}

#[tokio::test]
async fn filters_leave_out_agents_of_lists_sums_and_incidents() {
    let (coder, [one, two]) = fleet().await;
    let left = async |filter: &[&str]| names(&coder, &[&["agents"], filter].concat()).await;
    assert_eq!(
        left(&["--template=gpu"]).await,
        ["bob/lab.dev", "bob/lab.main"]
    );
    assert_eq!(
        left(&["--template=gpu", "--health=problem"]).await,
        ["bob/lab.dev"]
    );
    assert_eq!(
        left(&["--owner=bob", "--health=healthy,starting"]).await,
        ["bob/lab.main"]
    );
    assert_eq!(left(&["--kind=sub"]).await, [""; 0]);
    assert_eq!(
        left(&["--organization=acme", "--template=docker"]).await,
        [one, two]
    );
    let filtered = told_json(&coder, &["status", "--template=gpu"]).await;
    assert_eq!(
        (
            &filtered["agents"],
            filtered["problems"].as_array().unwrap().len()
        ),
        (&2.into(), 1)
    );
    let none = printed(&coder, &["agents", "--owner=eve"]).await;
    assert_eq!(none, "No agent fits.\n");
    let ended = ask(&coder, &["status", "--health=ill"]).await;
    assert_eq!(ended.code, Some(64));
    assert_says(&ended.stderr, &["problem", "stuck_created"]);
}

#[tokio::test]
async fn incidents_are_those_that_an_agent_of_the_filter_is_in() {
    let coder = Coder::new().await;
    for number in 0..18 {
        let template = if number < 6 { "gpu" } else { "docker" };
        let agent = match number {
            0..6 => agent("main").closed_ago(90.0),
            _ => agent("main"),
        };
        let owner = format!("user-{number}");
        let it = workspace("box").owner(&owner).template(template);
        coder.add(it.agent(agent)).await;
    }
    for (filter, code) in [
        ("--template=gpu", 3),
        ("--owner=user-3", 3),
        ("--template=docker", 0),
    ] {
        let ended = ask(&coder, &["incidents", filter]).await;
        assert_eq!((ended.code, &*ended.stderr), (Some(code), ""), "{filter}");
        // It is shown whole: what an owner's agent shares with others.
        let whole = ended.stdout.contains("6 of 6 that could have been hit");
        assert_eq!(whole, code == 3, "{}", ended.stdout);
    }
    let table = ask(&coder, &["incidents", "-o", "table", "--no-headers"]).await;
    let row = squeezed(&table.stdout);
    assert!(
        row.starts_with("root lost: template acme/gpu 6 6 6 1m 3"),
        "{row}"
    );
    let id = ask(&coder, &["incidents", "-o", "name"]).await.stdout;
    let json = ask(&coder, &["incidents", "--json"]).await.stdout;
    assert_eq!(json::json(&json)["incidents"][0]["incident_id"], id.trim());
}

#[tokio::test]
async fn watched_list_is_a_block_each_round_until_its_reader_goes() {
    let (coder, _) = fleet().await;
    let url = format!("--postgres.url={}", coder.url());
    let watch = r#""$0" status -o csv --no-headers --watch=1ms "$1" | head -n 8"#;
    let path = std::env::var("PATH").unwrap();
    let ended = run_program("sh", &["-c", watch, BINARY, &url], &[("PATH", &path)]).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 8, "{}", ended.stdout);
    for round in lines.chunks(3) {
        assert!(round[0].starts_with("acme,docker,2,"), "{}", ended.stdout);
        assert!(round[1].starts_with("acme,gpu,2,"), "{}", ended.stdout);
        assert!(
            round.get(2).is_none_or(|it| it.is_empty()),
            "{}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn watched_list_clears_a_terminal_until_it_is_interrupted() {
    const CLEAR: &str = "\x1b[H\x1b[2J";
    let (coder, _) = fleet().await;
    let url = format!("--postgres.url={}", coder.url());
    let ended = interrupted_on_terminal(&["agents", "--watch", &url], "bob/lab.main").await;
    assert_eq!(ended.code, Some(130), "{}", ended.stdout);
    assert!(ended.stdout.starts_with(CLEAR), "{:?}", ended.stdout);
    let down = "--postgres.url=postgres://u@127.0.0.1:1/coder";
    let ended = run(&["status", "--watch", down]).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""));
}
