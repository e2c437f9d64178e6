//! The log of the program as an operator reads it (`docs/spec/command-line.md`): a line for what is
//! new.

use std::time::Duration;

use crate::harness::coderd::{StandIn, TOKEN};
use crate::harness::*;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::collection::Collector;

const NOWHERE: &str = "--postgres.url=postgres://u@/d?host=/nowhere";

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
}

async fn scrape(program: &Program, times: u32) {
    for _ in 0..times {
        http::get(program.address, "/metrics", &[]).await.unwrap();
    }
}

/// The lines with this text, once the program has ended.
async fn lines_with(program: Program, text: &str) -> Vec<String> {
    program.terminate().await;
    let log = program.ended().await.stderr;
    let lines = log.lines().filter(|it| it.contains(text));
    lines.map(String::from).collect()
}

#[tokio::test]
async fn failure_that_goes_on_is_one_line() {
    let program = Program::serve(&[NOWHERE]).await;
    scrape(&program, 20).await;
    let lines = lines_with(program, "kind=connect").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in ["level=warn", "collection failed", "/nowhere"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
}

#[tokio::test]
async fn at_debug_every_failure_is_a_line() {
    let program = Program::serve(&[NOWHERE, "--log.level=debug"]).await;
    scrape(&program, 5).await;
    let lines = lines_with(program, "kind=connect").await;
    assert_eq!(lines.len(), 5, "{lines:#?}");
    let repeated = lines.iter().filter(|it| it.contains("failed again"));
    assert_eq!(repeated.count(), 4, "{lines:#?}");
}

#[tokio::test]
async fn token_that_coder_refuses_is_a_matter_of_authentication() {
    let coder = one_agent().await;
    let coderd = StandIn::start().await;
    coderd.expect_token("the-one-that-came-after");
    let folder = Folder::new();
    let arguments = [
        format!("--postgres.url={}", coder.url()),
        format!("--coder.url={}", coderd.url("127.0.0.1")),
        format!("--coder.token-file={}", folder.write("token", TOKEN)),
        "--probe.dialer=coderd".into(),
        "--probe.scope=all".into(),
        "--probe.interval=50ms".into(),
    ];
    let arguments = arguments.each_ref().map(String::as_str);
    let program = Program::serve(&arguments).await;
    eventually("it is said", async || {
        program.log().contains("ended with an exporter error")
    })
    .await;
    let mut lines = lines_with(program, "--coder.token-file").await;
    // The health report is asked for by a task of its own.
    lines.retain(|it| !it.contains("health report"));
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("kind=authentication"), "{}", lines[0]);
}

#[tokio::test]
async fn end_of_a_failure_is_said_once_for_each_that_failed() {
    let coder = one_agent().await;
    let role = &coder.role;
    let url = format!("--postgres.url={}", coder.url());
    let program = Program::serve(&[&url]).await;
    scrape(&program, 2).await;
    coder
        .sql(&format!("REVOKE SELECT ON workspace_apps FROM {role}"))
        .await;
    scrape(&program, 3).await;
    coder
        .sql(&format!(
            "GRANT SELECT (agent_id, health, display_name) ON workspace_apps TO {role}"
        ))
        .await;
    scrape(&program, 2).await;
    coder.sql(&format!("ALTER ROLE {role} NOLOGIN")).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename";
    coder.number(&format!("{end} = '{role}'")).await;
    eventually("the sessions are gone", async || {
        coder.sessions("%").await == 0
    })
    .await;
    scrape(&program, 4).await;
    coder.sql(&format!("ALTER ROLE {role} LOGIN")).await;
    scrape(&program, 3).await;
    program.terminate().await;
    let log = program.ended().await.stderr;
    let lines = |text: &str| -> Vec<&str> { log.lines().filter(|it| it.contains(text)).collect() };
    let failed = lines("collection failed");
    assert_eq!(failed.len(), 2, "{log}");
    assert!(failed[0].contains("kind=permission") && failed[0].contains("collector=apps"));
    assert!(failed[1].contains("kind=authentication"), "{log}");
    let works = lines("works again");
    assert_eq!(works.len(), 2, "{log}");
    assert!(
        works
            .iter()
            .all(|it| it.contains("level=info") && it.contains("after="))
    );
    assert!(works[0].contains("collector=apps") && works[0].contains("failures=3"));
    assert!(works[1].contains("failures=4"), "{log}");
}

#[tokio::test]
async fn failure_is_a_json_object_with_the_same_fields() {
    let program = Program::serve(&[NOWHERE, "--log.format=json"]).await;
    scrape(&program, 3).await;
    let lines = lines_with(program, "collection failed").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["kind"], "connect");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("/nowhere"), "{error}");
}

#[tokio::test]
async fn at_debug_each_collection_says_where_its_time_went() {
    let coder = one_agent().await;
    coder.slow("workspace_apps", 0.2).await;
    let url = format!("--postgres.url={}", coder.url());
    let program = Program::serve(&[&url, "--log.level=debug", "--log.format=json"]).await;
    scrape(&program, 2).await;
    let lines = lines_with(program, "\"level\":\"DEBUG\"").await;
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    let collections = lines.iter().filter(|line| line["message"] == "collection");
    assert_eq!(collections.clone().count(), 2, "{lines:#?}");
    for line in collections {
        for phase in ["connect", "begin", "commit", "judge"] {
            let took = line[phase].as_str().unwrap_or_default();
            assert!(took.ends_with('s'), "{phase}: {line}");
        }
    }
    for collector in Collector::DEFAULT {
        let name = collector.as_str();
        let its = lines.iter().filter(|line| line["message"] == "collector");
        let its: Vec<_> = its.filter(|line| line["collector"] == name).collect();
        assert_eq!(its.len(), 2, "{name}: {lines:#?}");
        for line in its {
            let took = line["duration"].as_str().unwrap_or_default();
            assert!(took.ends_with('s'), "{line}");
            // Milliseconds, and more than 200 of them: the only collector that was slowed.
            let is_slow = took.starts_with(['2', '3', '4', '5']) || !took.ends_with("ms");
            assert!(is_slow || *collector != Collector::Apps, "{line}");
        }
    }
}

#[tokio::test]
async fn at_info_a_fleet_that_is_well_is_silent() {
    let coder = one_agent().await;
    let url = format!("--postgres.url={}", coder.url());
    let program = Program::serve(&[&url]).await;
    // A Coder without session reports is named once, and this one has none.
    let lines = |text: &str| {
        let lines = text.lines();
        lines
            .filter(|it| !it.contains("no session reports"))
            .count()
    };
    let before = lines(program.said());
    scrape(&program, 10).await;
    assert_eq!(lines(&program.log()), before, "{}", program.log());
}

#[tokio::test]
async fn probe_that_cannot_ask_is_one_line_however_many_rounds_and_keeps_its_token() {
    let coder = one_agent().await;
    let token = std::env::temp_dir().join(format!("token-{}", uuid::Uuid::new_v4()));
    std::fs::write(&token, "hunter2hunter2hunter2").unwrap();
    let url = format!("--postgres.url={}", coder.url());
    let token_file = format!("--coder.token-file={}", token.display());
    let program = Program::serve(&[
        &url,
        &token_file,
        "--coder.url=http://127.0.0.1:9",
        "--probe.dialer=coderd",
        "--probe.scope=all",
        "--probe.interval=50ms",
    ])
    .await;
    // Coder is asked before each round whether it answers, and no round begins while it does not.
    let page = async || {
        let page = http::get(program.address, "/metrics", &[]).await;
        page.unwrap().body
    };
    eventually("Coder is found to be away", async || {
        page().await.contains("\ncoder_up 0")
    })
    .await;
    // Time for twenty rounds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let exporter_errors = "coder_agent_probe_outcomes_total{outcome=\"exporter_error\"} 0\n";
    assert!(page().await.contains(exporter_errors));
    program.terminate().await;
    let log = program.ended().await.stderr;
    std::fs::remove_file(&token).unwrap();
    let warnings: Vec<_> = log.lines().filter(|it| it.contains("level=warn")).collect();
    let about_coder = warnings.iter().filter(|it| it.contains("127.0.0.1:9"));
    // One of the check whether Coder answers, one of the probe.
    assert_eq!(about_coder.count(), 2, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
