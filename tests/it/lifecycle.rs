//! Paths under `/-/`, reload and the signals (`docs/spec/http.md`).

use coder_agent_exporter::demo::cluster::Options;
use futures_util::future::join_all;

use crate::harness::exposition::{Format, Page};
use crate::harness::*;

const NOWHERE: &str = "--postgres.url=postgres://u:hunter2@/d?host=/nowhere";

async fn method(program: &Program, method: &str, path: &str) -> Curled {
    let url = format!("http://{}{path}", program.address);
    curl(&["-X", method, &url]).await
}

async fn up(program: &Program) -> f64 {
    let response = http::get(program.address, "/metrics", &[]).await.unwrap();
    let page = Page::read(Format::Text, &response.body).unwrap();
    page.value("coder_exporter_up", &[])
}

#[tokio::test]
async fn reload_is_a_post_and_nothing_else() {
    let program = Program::serve(&[NOWHERE]).await;
    let refused = method(&program, "GET", "/-/reload").await;
    assert_eq!(refused.status, 405);
    assert!(refused.text.contains("allow: POST"), "{}", refused.text);
    let done = method(&program, "POST", "/-/reload").await;
    assert_eq!(done.status, 200, "{}", done.text);
}

/// A client that may reload can ask for it again and again.
#[tokio::test]
async fn reloads_are_made_once_a_second_and_shared_by_those_who_wait() {
    let folder = Folder::new();
    let path = folder.write("url", "postgres://u@/d?host=/nowhere");
    let program = Program::serve(&[&format!("--postgres.url-file={path}")]).await;
    let reload = || http::post(program.address, "/-/reload", &[]);
    let started = std::time::Instant::now();
    for number in 0..3 {
        // Each of them brings something new, and so has a line in the log.
        folder.write("url", &format!("postgres://u@/d{number}?host=/nowhere"));
        let all = join_all((0..50).map(|_| reload())).await;
        assert!(all.into_iter().all(|it| it.unwrap().status == 200));
    }
    let took = started.elapsed();
    program.terminate().await;
    let log = program.ended().await.stderr;
    let reloads = log.matches("connection settings were reloaded").count();
    assert!(reloads >= 3, "the last one asked for is made: {log}");
    let most = took.as_secs() as usize + 2;
    assert!(reloads <= most, "{reloads} in {took:?}");
}

#[tokio::test]
async fn database_of_the_url_file_is_exchanged_on_reload_and_on_sighup() {
    let coder = Coder::new().await;
    let folder = Folder::new();
    let path = folder.write("url", "postgres://u@/d?host=/nowhere");
    let program = Program::serve(&[&format!("--postgres.url-file={path}")]).await;
    assert_eq!(up(&program).await, 0.0);
    folder.write("url", &coder.url());
    assert_eq!(up(&program).await, 0.0, "nobody asked for a reload");
    assert_eq!(method(&program, "POST", "/-/reload").await.status, 200);
    assert_eq!(up(&program).await, 1.0);

    folder.write("url", "nonsense");
    let refused = method(&program, "POST", "/-/reload").await;
    assert_eq!(refused.status, 500);
    assert!(
        refused.text.contains("--postgres.url-file"),
        "{}",
        refused.text
    );
    let answer = http::get(program.address, "/metrics", &[]).await.unwrap();
    let page = Page::read(Format::Text, &answer.body).unwrap();
    assert_eq!(
        page.value("coder_exporter_up", &[]),
        1.0,
        "the old one stays"
    );
    let reloaded = "coder_exporter_config_last_reload_successful";
    assert_eq!(page.value(reloaded, &[]), 0.0);

    folder.write("url", "postgres://u@/d?host=/nowhere");
    program.signal("-HUP").await;
    eventually("SIGHUP is a reload", async || up(&program).await == 0.0).await;
}

#[tokio::test]
async fn settings_in_effect_are_shown_without_secrets() {
    let folder = Folder::new();
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = format!("basic_auth_users: {{alice: {hash}}}\n");
    let path = folder.write("web.yml", &users);
    let config = format!("--web.config.file={path}");
    let arguments = [
        NOWHERE,
        &config,
        "--no-collector.apps",
        "--probe.dialer=coderd",
    ];
    let variables = [
        ("CODER_URL", "https://coder.example/"),
        ("CODER_SESSION_TOKEN", "hunter2hunter2"),
    ];
    let program = Program::serve_with(&arguments, &variables).await;
    let url = format!("http://{}/-/config", program.address);
    let shown = curl(&["-u", "alice:secret", &url]).await;
    assert_eq!(shown.status, 200);
    for line in [
        "database: \"u@/nowhere:5432/d\"",
        "web_config: \"no TLS; 1 user\"",
        "probe: \"agents are dialed by Coder at https://coder.example\"",
        "collector.apps: false # command line",
        "collect.timeout: \"10s\" # default",
        "postgres.url: <secret> # command line",
    ] {
        assert!(
            shown.text.lines().any(|it| it == line),
            "{line}: {}",
            shown.text
        );
    }
    assert!(!shown.text.contains("hunter2") && !shown.text.contains(&hash));
}

#[tokio::test]
async fn head_of_the_metrics_makes_no_collection() {
    let coder = Coder::new().await;
    coder.slow("workspace_agents", 60.0).await;
    let program = Program::serve(&[&format!("--postgres.url={}", coder.url())]).await;
    let head = curl(&["--head", &format!("http://{}/metrics", program.address)]).await;
    assert_eq!((head.exit, head.status), (0, 200));
    assert!(
        head.text.contains("content-type: text/plain"),
        "{}",
        head.text
    );
    assert!(!coder.is_waited_for().await);
}

#[tokio::test]
async fn methods_that_mean_nothing_here_are_405() {
    let program = Program::serve(&[NOWHERE]).await;
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/-/config"] {
        for it in [
            "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW",
        ] {
            assert_eq!(method(&program, it, path).await.status, 405, "{it} {path}");
        }
    }
}

#[tokio::test]
async fn readiness_is_one_look_for_all_who_ask_at_once() {
    let settings = ["log_statement = all", "log_line_prefix = '[%a] '"];
    let coder = Coder::on(Options {
        settings: settings.map(String::from).to_vec(),
        ..prepared()
    })
    .await;
    let exporter = coder.exporter().await;
    let answers = join_all((0..100).map(|_| exporter.get("/-/ready"))).await;
    let ready = answers.iter().filter(|it| it.status == 200).count();
    assert!(ready >= 32, "{ready} of 100");
    assert!(answers.iter().all(|it| matches!(it.status, 200 | 503)));
    let log = std::fs::read_to_string(coder.cluster().folder().join("log")).unwrap();
    let begun = "[coder-agent-exporter] LOG:  statement: BEGIN";
    let looks = log.matches(begun).count();
    assert!((1..=2).contains(&looks), "{looks} looks for 100 who asked");
}
