//! What rounds cost, and what they keep to.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::harness::http;
use crate::harness::statements::{logging_coder, statements};
use coder_agent_exporter::fleet::stats::collection::Collector;

use super::*;

#[tokio::test]
async fn questions_of_a_round_do_not_grow_with_its_workspaces() {
    let coder = logging_coder().await;
    let coderd = StandIn::start().await;
    let url = coderd.url("127.0.0.1");
    let change = |it: &mut Settings| {
        it.dialing = Some(dialing(&url));
        it.probe.sample = Some(1000);
    };
    let exporter = coder.exporter_with(change).await;
    // Nobody is known to coderd: every dial fails at once, and every binding is doubted.
    let mut counts = Vec::new();
    for (first, last) in [(1, 3), (4, 200)] {
        coder.add_many(first, last, 0).await;
        round(&exporter).await;
        let before = statements(&coder).len();
        exporter.probe.as_ref().unwrap().round().await;
        let asked = statements(&coder).split_off(before);
        counts.push(asked.iter().filter(|it| it.contains("BEGIN")).count());
    }
    // The collection, the stale bindings, those chosen; and once a second of doubt.
    assert!(counts.iter().all(|it| (3..=9).contains(it)), "{counts:?}");
    assert!(
        coderd.requests().len() >= 400,
        "{}",
        coderd.requests().len()
    );
}

#[tokio::test]
async fn connections_to_coderd_never_exceed_the_concurrency() {
    let deployment = Deployment::new().await;
    deployment.add_slow(30, Duration::from_millis(40)).await;
    let exporter = deployment
        .exporter(|it| {
            it.probe.sample = Some(30);
            it.probe.concurrency = 3;
        })
        .await;
    assert_eq!(outcomes(&round(&exporter).await), [("ok".to_owned(), 30.0)]);
    let (_, peak) = deployment.coderd.connections();
    assert!((2..=3).contains(&peak), "{peak} at once");
}

#[tokio::test]
async fn rounds_that_overrun_their_interval_never_overlap() {
    let deployment = Deployment::new().await;
    deployment.add_slow(4, Duration::from_millis(150)).await;
    let exporter = deployment
        .exporter(|it| {
            it.probe.interval = Duration::from_millis(50);
            it.probe.sample = Some(2);
            it.probe.concurrency = 100;
        })
        .await;
    let probe = exporter.probe.clone().unwrap();
    let rounds = tokio::spawn(async move { probe.run().await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    rounds.abort();
    let (_, peak) = deployment.coderd.connections();
    assert_eq!(
        peak, 2,
        "two rounds at once would be more than their sample"
    );
    assert!(deployment.coderd.requests().len() >= 6);
}

#[tokio::test]
async fn scrape_does_not_wait_for_a_round() {
    let deployment = Deployment::new().await;
    for number in 0..4 {
        deployment
            .add(&format!("w{number}"), agent("main"), Answer::Never)
            .await;
    }
    let exporter = deployment.exporter(|_| {}).await;
    let probe = exporter.probe.clone().unwrap();
    let round = tokio::spawn(async move { probe.round().await });
    eventually("all places taken", async || {
        deployment.coderd.connections().0 == 4
    })
    .await;
    let started = Instant::now();
    let page = exporter.scrape().await;
    assert!(started.elapsed() < LATE_ON_A_BUSY_MACHINE);
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    assert_eq!(outcomes(&page), []);
    assert!(!round.is_finished());
    round.abort();
}

#[tokio::test]
async fn scrape_has_a_connection_of_its_own_while_a_question_of_the_probe_hangs() {
    let (deployment, exporter, round) = round_that_waits_for_the_chats().await;
    let started = Instant::now();
    let page = exporter.scrape().await;
    assert!(started.elapsed() < LATE_ON_A_BUSY_MACHINE);
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    assert!(deployment.coder.is_waited_for().await, "it hangs still");
    round.abort();
}

#[tokio::test]
async fn scrapers_deadline_holds_while_a_question_of_the_round_hangs() {
    let (deployment, exporter, round) = round_that_waits_for_the_chats().await;
    let header = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    let response = http::get(exporter.address, "/probe?workspace=ada/box", &header).await;
    assert!(deployment.coder.is_waited_for().await, "it hangs still");
    let response = response.unwrap();
    assert_eq!(response.status, 503, "{}", response.body);
    assert!(response.body.contains("deadline"), "{}", response.body);
    round.abort();
}

/// A round under way that asks something which takes long.
async fn round_that_waits_for_the_chats() -> (Deployment, Exporter, JoinHandle<()>) {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let exporter = deployment
        .exporter(|it| {
            it.collect
                .collectors
                .retain(|it| *it != Collector::Bindings)
        })
        .await;
    // Asked by nothing but the probe, which wants to know of stale bindings.
    deployment.coder.slow("chats", 4.0).await;
    let probe = exporter.probe.clone().unwrap();
    let round = tokio::spawn(async move { probe.round().await });
    eventually("the round waits for the chats", async || {
        deployment.coder.is_waited_for().await
    })
    .await;
    (deployment, exporter, round)
}
