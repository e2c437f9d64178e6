//! Prometheus' own judge of text 0.0.4.

use std::io::Write;
use std::process::{Command, Stdio};

use coder_agent_exporter::metrics::exposition::Format;
use proptest::prelude::*;

use super::lively::{lively_fleet, talkative};
use super::pages::page;
use crate::harness::*;

/// What it has to say of a page.
fn promtool_check(page: &str) -> String {
    let judge = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut judge = judge.unwrap_or_else(|error| {
        panic!("promtool cannot be run ({error}): run scripts/test, which unpacks it into target/tools, or put one on the PATH")
    });
    judge
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let verdict = judge.wait_with_output().unwrap();
    let said = [verdict.stdout, verdict.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    match verdict.status.code() {
        Some(0) => said,
        code => format!("exit code {code:?}: {said}"),
    }
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_text_page() {
    let coder = lively_fleet().await;
    let page = coder.exporter().await.metrics(&[]).await.body;
    assert_eq!(promtool_check(&page), "");
    // So that silence means something.
    let twice = format!("{page}# TYPE coder_exporter_up gauge\n");
    assert_ne!(promtool_check(&twice), "");
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_a_page_with_everything() {
    let coder = lively_fleet().await;
    let page = talkative(&coder).await.metrics(&[]).await.body;
    for family in [
        "coder_agent_info",
        "coderd_agents_up",
        "coderd_agents_connections",
        "coderd_agents_apps",
    ] {
        assert!(page.contains(&format!("# TYPE {family} ")), "{family}");
    }
    assert_eq!(promtool_check(&page), "");
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_page_of_an_outage() {
    let exporter = Exporter::start("postgres://u@/d?host=/nowhere", |_| {}).await;
    assert_eq!(promtool_check(&exporter.metrics(&[]).await.body), "");
}

proptest! {
    // Each case starts a program.
    #![proptest_config(ProptestConfig::with_cases(times(20)))]

    #[test]
    fn promtool_has_nothing_to_say_about_any_fleet(page in page()) {
        let text = Format::Text.write(&page).unwrap();
        prop_assert_eq!(promtool_check(str::from_utf8(&text).unwrap()), "");
    }
}
