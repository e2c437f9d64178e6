//! The demo as a newcomer runs it: something to look at within seconds, and nothing left behind.

mod endings;
mod refusals;
mod stories;

use std::path::PathBuf;
use std::process::Command;

use crate::harness::exposition::{Format, Page};
use crate::harness::*;
use coder_agent_exporter::demo::cluster::SUPERUSER;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::rules::health::Health;

async fn page(demo: &Program) -> Page {
    let response = http::get(demo.address, "/metrics", &[]).await.unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
    Page::read(Format::Text, &response.body).unwrap()
}

/// The folder of the demo's Postgres, from the line that says what is served.
fn folder(demo: &Program) -> PathBuf {
    let (_, path) = demo.said().split_once("database=coder_exporter@").unwrap();
    let (path, _) = path.split_once(':').unwrap();
    PathBuf::from(path)
}

/// Processes with the folder on their command line.
fn processes(folder: &std::path::Path) -> usize {
    let found = Command::new("pgrep")
        .arg("-f")
        .arg(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&found.stdout).lines().count()
}

async fn assert_all_gone(folder: PathBuf) {
    eventually("the folder is gone", async || !folder.exists()).await;
    eventually("its Postgres is gone", async || processes(&folder) == 0).await;
}

#[tokio::test]
async fn demo_shows_every_health_class_and_every_collector_at_once() {
    let demo = Program::demo(&[]).await;
    let page = page(&demo).await;
    page.assert_every_collector_loaded();
    for class in Health::ALL {
        let labels = [("health", class.as_str())];
        let count = page.value("coder_agents_health", &labels);
        assert!(count > 0.0, "nobody is {}", class.as_str());
    }
    let survived = [("cause", "survived_build")];
    assert!(page.get("coder_agent_problem_timestamp_seconds", &survived) > Some(0.0));
    for cause in ["exit_code", "script_running"] {
        let labels = [("cause", cause)];
        let found = page.get("coder_agent_problem_timestamp_seconds", &labels);
        assert!(found > Some(0.0), "no script is {cause}");
    }
    for kind in ["root", "sub", "external", "prebuild"] {
        assert!(
            page.value("coder_agents", &[("kind", kind)]) > 0.0,
            "{kind}"
        );
    }
    demo.terminate().await;
    assert_eq!(demo.ended().await.code, Some(0));
}

#[tokio::test]
async fn demo_that_is_interrupted_leaves_nothing_behind() {
    let demo = Program::demo(&["--demo.agents=10"]).await;
    let folder = folder(&demo);
    assert!(folder.exists() && processes(&folder) > 0);
    demo.signal("-INT").await;
    let ended = demo.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_all_gone(folder).await;
}

#[tokio::test]
async fn demo_that_is_killed_leaves_nothing_behind() {
    let demo = Program::demo(&["--demo.agents=10"]).await;
    let folder = folder(&demo);
    assert!(folder.exists() && processes(&folder) > 0);
    demo.signal("-KILL").await;
    demo.ended().await;
    assert_all_gone(folder).await;
}

#[tokio::test]
async fn demo_lives() {
    let demo = Program::demo(&["--demo.agents=50"]).await;
    let newest = async || {
        page(&demo)
            .await
            .value("coder_exporter_heartbeat_lead_seconds", &[])
    };
    // With a heartbeat every 15 s from each of 50 agents, the newest is never old.
    eventually("heartbeats arrive", async || newest().await > -1.0).await;
    let first = page(&demo).await;
    let connected = [("status", "connected")];
    assert!(first.value("coder_agents", &connected) > 30.0);
}

#[tokio::test]
async fn demo_in_a_given_server_takes_only_its_own_database_away_again() {
    let coder = Coder::new().await;
    let before = coder.number("SELECT count(*) FROM pg_database").await;
    let url = format!(
        "--demo.database-url={}",
        coder.cluster().url(SUPERUSER, "postgres")
    );
    let demo = Program::demo(&["--demo.agents=10", &url]).await;
    page(&demo).await.assert_every_collector_loaded();
    assert_eq!(
        coder.number("SELECT count(*) FROM pg_database").await,
        before + 1
    );
    demo.terminate().await;
    assert_eq!(demo.ended().await.code, Some(0));
    assert_eq!(
        coder.number("SELECT count(*) FROM pg_database").await,
        before
    );
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'coder_demo%'";
    assert_eq!(coder.number(roles).await, 0);
}
