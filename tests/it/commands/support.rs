//! `support`: one file for a bug report, which names no user and no secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const SECTIONS: [&str; 7] = [
    "version", "settings", "check", "catalog", "timings", "plans", "metrics",
];

#[tokio::test]
async fn file_says_what_is_in_it_and_names_no_user_and_no_secret() {
    let coder = Coder::new().await;
    for number in 0..6 {
        let lost = agent("main").closed_ago(90.0);
        let name = format!("secret-box-{number}");
        coder
            .add(workspace(&name).owner("secret-ada").agent(lost))
            .await;
    }
    for number in 0..12 {
        let owner = format!("secret-bob-{number}");
        let it = workspace("secret-lab").owner(&owner);
        coder.add(it.agent(agent("main"))).await;
    }
    let folder = Folder::new();
    let file = folder.file("support.txt");
    let to = format!("--file={file}");
    let variables = [("CODER_SESSION_TOKEN", "hunter2")];
    let url = format!("--postgres.url={}", coder.url());
    let ended = run_with(&["support", &to, &url], &variables).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_says(
        &ended.stdout,
        &[&file, "  plans: ", "Read it before you send it."],
    );
    let text = fs::read_to_string(&file).unwrap();
    for (number, section) in (1..).zip(SECTIONS) {
        assert_eq!(
            text.matches(&format!("==== {number}. {section} ===="))
                .count(),
            1
        );
        assert_says(&text, &[&format!("\n{number}. {section}: ")]);
    }
    for secret in ["hunter2", "secret-"] {
        let line = text.lines().find(|it| it.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert_says(
        &text,
        &[
            "postgres.url: <secret> # command line",
            "ok    grants",
            "\nworkspace_agents: ",
            "collection 2: ",
            "-- agents\n",
            "factor=\"owner\",value=\"…\"",
            "coder_agent_problem_timestamp_seconds{",
        ],
    );
    // Every statement has a plan.
    let (_, plans) = text.split_once("plans ====\n").unwrap();
    let (plans, _) = plans.split_once("\n==== 7").unwrap();
    let statements: Vec<_> = plans.split("\n-- ").skip(1).collect();
    assert!(statements.len() > 5, "{plans}");
    for plan in statements {
        assert_says(plan, &["(cost="]);
    }
    assert!(!plans.contains("explaining a statement"), "{plans}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is there is not written over.
    let again = run(&["support", &to, &url]).await;
    assert_eq!(again.code, Some(1));
    assert_says(&again.stderr, &[&file, "--file"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn without_a_database_the_file_says_why() {
    let down = "--postgres.url=postgres://u:hunter2@127.0.0.1:1/coder";
    let ended = run(&["support", "--file=-", down]).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(
        ended.stdout.matches("refused").count() >= 4,
        "{}",
        ended.stdout
    );
    assert_says(&ended.stdout, &["FAIL  connection", "coder_exporter_up 0"]);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
}
