//! What a demo tells, and how fast.

use std::time::Duration;

use crate::harness::terminal::interrupted_on_terminal;
use crate::harness::*;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::rules::health::Health;

use super::page;

#[tokio::test]
async fn story_is_told_on_a_terminal_in_plain_lines() {
    let arguments = [
        "demo",
        "--demo.agents=60",
        "--demo.scenario=outage",
        "--demo.speed=50",
        "--demo.seed=7",
        "--web.listen-address=127.0.0.1:0",
    ];
    let ended = interrupted_on_terminal(&arguments, "The incident to find: lost, template").await;
    let shown = &ended.stdout;
    assert_eq!(ended.code, Some(0), "{shown}");
    for part in [
        "60 workspaces, scenario outage, seed 7, speed 50",
        "page      ",
        "http://localhost:",
        "/metrics",
        "psql 'postgres://coder_exporter@/coder_demo?host=",
        "Press Ctrl-C to stop",
        "The incident to find: lost, template",
        "Everything was removed.",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("level="), "{shown}");
}

#[tokio::test]
async fn story_is_logged_where_nobody_watches() {
    let arguments = [
        "--demo.agents=60",
        "--demo.scenario=outage",
        "--demo.speed=50",
    ];
    let demo = Program::demo(&[&arguments, ["--log.format=json"].as_slice()].concat()).await;
    eventually("an outage is logged", async || {
        demo.log().contains("The incident to find: lost")
    })
    .await;
    demo.terminate().await;
    let ended = demo.ended().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    for line in ended.stderr.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
    assert!(
        ended.stderr.contains(r#""scenario":"outage""#),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn calm_fleet_at_a_high_speed_has_no_problem_and_no_row_of_the_future() {
    let demo = Program::demo(&["--demo.scenario=calm", "--demo.speed=20"]).await;
    for _ in 0..10 {
        let page = page(&demo).await;
        let health = |it: &&Health| it.is_problem();
        for class in Health::ALL.iter().filter(health) {
            let labels = [("health", class.as_str())];
            let broken = page.value("coder_agents_health", &labels);
            // After five minutes of the story one may break, and now and then another.
            assert!(broken <= 2.0, "{broken} are {}", class.as_str());
        }
        let lead = page.value("coder_exporter_heartbeat_lead_seconds", &[]);
        assert!(lead <= 0.0, "heartbeats of the future: {lead}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let log = demo.log();
    assert!(log.lines().count() > 5, "nothing happened: {log}");
}

#[tokio::test]
async fn large_fleet_says_how_far_it_has_come() {
    let demo = Program::demo(&["--demo.agents=2000"]).await;
    let said = demo.said();
    assert!(said.contains("creating 2,000 workspaces"), "{said}");
    // Some of the way, however fast the machine is.
    let percents = said.split("percent=").skip(1);
    let percents: Vec<u32> = percents
        .filter_map(|it| it.lines().next()?.parse().ok())
        .collect();
    assert!(percents.len() >= 2, "{said}");
    assert!(
        percents.is_sorted() && percents.iter().all(|it| *it < 100),
        "{said}"
    );
}

#[tokio::test]
async fn settings_of_the_demo_that_cannot_be_used_are_named() {
    for (setting, remedy) in [
        ("--demo.speed=0", "write a number from 0.5 to 100"),
        ("--demo.speed=fast", "write a number from 0.5 to 100"),
        ("--demo.scenario=doom", "outage"),
    ] {
        let ended = run(&["demo", setting]).await;
        assert_eq!(ended.code, Some(64), "{setting}");
        assert!(ended.stderr.contains(remedy), "{}", ended.stderr);
    }
}
