//! However a demo ends, it says so and leaves nothing behind.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::{assert_all_gone, folder, page};
use crate::harness::*;

const SMALL: &[&str] = &["--demo.agents=10"];

#[tokio::test]
async fn demo_whose_terminal_is_gone_leaves_nothing_behind() {
    let demo = Program::demo(SMALL).await;
    let folder = folder(&demo);
    demo.signal("-HUP").await;
    let ended = demo.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_all_gone(folder).await;
}

#[tokio::test]
async fn second_interrupt_ends_it_at_once_and_says_what_may_be_left() {
    let demo = Program::demo(SMALL).await;
    let folder = folder(&demo);
    // Half a request, for which the server waits a little before it goes.
    let mut client = TcpStream::connect(demo.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    demo.signal("-INT").await;
    eventually("it is stopping", async || demo.log().contains("stopping")).await;
    demo.signal("-INT").await;
    let ended = demo.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.contains("stopped immediately"), "{last}");
    assert!(last.contains("coder-demo-"), "{last}");
    assert_all_gone(folder).await;
}

#[tokio::test]
async fn demo_given_up_while_it_is_made_up_leaves_the_server_as_it_was() {
    let coder = Coder::new().await;
    let superuser = coder_agent_exporter::demo::cluster::SUPERUSER;
    let url = coder.cluster().url(superuser, "postgres");
    let guests = "SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'coder_demo_%')
        + (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'coder_demo_%')";
    let large = "--demo.agents=20000";
    let mut command = program_on_any_port(&["demo", large, &format!("--demo.database-url={url}")]);
    let demo = command.spawn().unwrap();
    eventually("its database is there", async || {
        coder.number(guests).await == 2
    })
    .await;
    let id = demo.id().unwrap().to_string();
    Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .await
        .unwrap();
    let output = demo.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(coder.number(guests).await, 0);
}

#[tokio::test]
async fn postgres_that_is_killed_under_it_is_started_again() {
    let demo = Program::demo(SMALL).await;
    let folder = folder(&demo);
    let status = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let server = status.lines().next().unwrap();
    Command::new("kill")
        .args(["-KILL", server])
        .status()
        .await
        .unwrap();
    eventually("it says so", async || {
        demo.log().contains("Postgres stopped")
    })
    .await;
    assert_eq!(page(&demo).await.value("coder_exporter_up", &[]), 0.0);
    let patience = Instant::now() + Duration::from_secs(30);
    while !demo.log().contains("database is reachable again") {
        assert!(Instant::now() < patience, "{}", demo.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(page(&demo).await.value("coder_exporter_up", &[]), 1.0);
    demo.terminate().await;
    assert_eq!(demo.ended().await.code, Some(0));
    assert_all_gone(folder).await;
}
