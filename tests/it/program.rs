//! The program as it is started and stopped (`docs/spec/command-line.md` and `docs/spec/http.md`).

use std::time::Duration;

use crate::harness::exposition::{Format, Page};
use crate::harness::*;

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
}

fn url_flag(coder: &Coder) -> String {
    format!("--postgres.url={}", coder.url())
}

async fn scrape(program: &Program) -> Page {
    let response = http::get(program.address, "/metrics", &[]).await.unwrap();
    Page::read(Format::Text, &response.body).unwrap()
}

#[tokio::test]
async fn program_serves_and_ends_cleanly_on_sigterm() {
    let coder = one_agent().await;
    let program = Program::serve(&[&url_flag(&coder)]).await;
    assert_eq!(scrape(&program).await.value("coder_agents", &[]), 1.0);
    program.terminate().await;
    let ended = program.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("SIGTERM"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn scrape_under_way_is_answered_after_sigterm() {
    let coder = one_agent().await;
    coder.slow("workspace_apps", 1.0).await;
    let program = Program::serve(&[&url_flag(&coder)]).await;
    let under_way = http::send(program.address, "/metrics", &[]).await.unwrap();
    eventually("it reads the apps", async || coder.is_waited_for().await).await;
    program.terminate().await;
    eventually("it takes no new ones", async || {
        http::send(program.address, "/metrics", &[]).await.is_err()
    })
    .await;
    let response = http::receive(under_way).await.unwrap();
    let page = Page::read(Format::Text, &response.body).unwrap();
    assert_eq!(page.value("coder_apps", &[]), 1.0);
    assert_eq!(program.ended().await.code, Some(0));
}

#[tokio::test]
async fn connection_that_says_nothing_does_not_keep_it_from_ending() {
    let coder = one_agent().await;
    let program = Program::serve(&[&url_flag(&coder)]).await;
    let idle = tokio::net::TcpStream::connect(program.address)
        .await
        .unwrap();
    scrape(&program).await;
    program.terminate().await;
    let ended = tokio::time::timeout(Duration::from_secs(15), program.ended()).await;
    assert_eq!(ended.expect("it drains within 10 s").code, Some(0));
    drop(idle);
}

#[tokio::test]
async fn settings_come_from_the_environment_too() {
    let coder = one_agent().await;
    coder
        .add(workspace("other").agent(agent("main").silent_for(40.0)))
        .await;
    let (url, timeout) = (coder.url(), "1m");
    let variables = [
        ("CODER_PG_CONNECTION_URL", url.as_str()),
        ("CODER_EXPORTER_AGENT_INACTIVE_TIMEOUT", timeout),
    ];
    let program = Program::serve_with(&[], &variables).await;
    let connected = [("status", "connected")];
    assert_eq!(
        scrape(&program).await.value("coder_agents", &connected),
        2.0
    );
}

#[tokio::test]
async fn flags_reach_what_they_are_for() {
    let coder = one_agent().await;
    let build = start(1)
        .agent(agent("old").closed_ago(600.0))
        .agent(agent("new").closed_ago(60.0));
    coder.add(workspace("lost").build(build)).await;
    let url = url_flag(&coder);
    let problem = "coder_agent_problem_timestamp_seconds";

    let one = Program::serve(&[&url, "--metrics.max-agent-series=1"]).await;
    let page = scrape(&one).await;
    assert_eq!(page.samples(problem, &[]).count(), 1);
    assert_eq!(page.samples(problem, &[("agent_name", "old")]).count(), 1);
    assert_eq!(page.value("coder_exporter_series_dropped", &[]), 1.0);

    let none = [
        "--metrics.agent-series=none",
        "--no-collector.apps",
        "--web.disable-ui",
    ];
    let none = Program::serve(&[&[url.as_str()], &none[..]].concat()).await;
    let page = scrape(&none).await;
    assert!(!page.has(problem) && !page.has("coder_apps"));
    assert_eq!(page.value("coder_agents", &[]), 3.0);
    assert_eq!(http::get(none.address, "/", &[]).await.unwrap().status, 404);
}

#[tokio::test]
async fn program_without_a_database_serves_and_waits_for_one() {
    let program = Program::serve(&["--postgres.url=postgres://u@/d?host=/nowhere"]).await;
    assert_eq!(scrape(&program).await.value("coder_exporter_up", &[]), 0.0);
    program.terminate().await;
    let ended = program.ended().await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("kind=connect"), "{}", ended.stderr);
}

#[tokio::test]
async fn options_of_the_url_that_mean_nothing_are_logged() {
    let database = "--postgres.url=postgres://u@/d?host=/nowhere&pool_max_conns=9";
    let program = Program::serve(&[database]).await;
    program.terminate().await;
    let ended = program.ended().await;
    assert!(ended.stderr.contains("pool_max_conns"), "{}", ended.stderr);
}

#[tokio::test]
async fn json_logs_are_one_object_a_line() {
    let database = "--postgres.url=postgres://u@/d?host=/nowhere";
    let program = Program::serve(&[database, "--log.format=json"]).await;
    scrape(&program).await;
    program.terminate().await;
    let ended = program.ended().await;
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(lines.len() >= 3, "{}", ended.stderr);
    for line in lines {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
}

#[tokio::test]
async fn address_in_use_ends_it_with_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let ended = run(&["--postgres.url=postgres://u@h/d", &address]).await;
    assert_eq!(ended.code, Some(1));
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", ended.stderr);
    for part in [
        "cannot listen on 127.0.0.1:",
        "--web.listen-address",
        "in use",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
}

#[tokio::test]
async fn address_of_no_interface_ends_it_with_one_sentence() {
    let address = "--web.listen-address=203.0.113.1:9";
    let ended = run(&["--postgres.url=postgres://u@h/d", address]).await;
    assert_eq!(
        (ended.code, ended.stderr.lines().count()),
        (Some(1), 1),
        "{}",
        ended.stderr
    );
}
