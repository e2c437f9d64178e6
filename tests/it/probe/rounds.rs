//! Rounds: who is probed, what is counted, and what it costs.

use std::time::{Duration, Instant};

use coder_agent_exporter::fleet::pass::Collector;
use tokio::net::TcpListener;

use super::*;
use crate::harness::exposition::Page;
use crate::harness::statements::{logging_coder, statements};

const OUTCOMES: &str = "coder_agent_probe_outcomes_total";
const DISAGREEMENTS: &str = "coder_agent_probe_disagreements";

async fn round(exporter: &Exporter) -> Page {
    exporter.probe.as_ref().unwrap().round().await;
    exporter.scrape().await
}

/// How often each outcome was counted that was counted at all.
fn outcomes(page: &Page) -> Vec<(String, f64)> {
    let counted = page.samples(OUTCOMES, &[]).filter(|it| it.value > 0.0);
    let named = counted.map(|it| (it.label("outcome").unwrap().to_owned(), it.value));
    named.collect()
}

fn only(outcome: &str, count: f64) -> Vec<(String, f64)> {
    vec![(outcome.to_owned(), count)]
}

#[tokio::test]
async fn answering_agents_are_ok_and_cover_the_fleet() {
    let deployment = Deployment::new().await;
    for name in ["one", "two", "three"] {
        deployment.add(name, agent("main"), Answer::ports()).await;
    }
    let stopped = workspace("off").build(stop(1).agent(agent("main")));
    deployment.coder.add(stopped).await;
    let exporter = deployment.exporter(|_| {}).await;
    let before = exporter.scrape().await;
    assert_eq!(outcomes(&before), []);
    assert_eq!(before.samples(OUTCOMES, &[]).count(), 9);
    assert!(!before.has("coder_agent_probe_coverage_ratio"));
    assert!(!before.has(DISAGREEMENTS));
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), only("ok", 3.0));
    assert_eq!(page.value("coder_agent_probe_coverage_ratio", &[]), 1.0);
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
    assert!(page.value("coder_agent_probe_last_timestamp_seconds", &[]) > 1.7e9);
    let took = "coder_agent_probe_duration_seconds_count";
    assert_eq!(page.value(took, &[("outcome", "ok")]), 3.0);
}

#[tokio::test]
async fn connected_agent_that_does_not_answer_disagrees_with_the_database() {
    let deployment = Deployment::new().await;
    let failing = Answer::error(500, "Internal error dialing workspace agent.");
    deployment.add("box", agent("main"), failing).await;
    let page = round(&deployment.exporter(|_| {}).await).await;
    assert_eq!(outcomes(&page), only("dial_error", 1.0));
    let pair = [("status", "connected"), ("outcome", "dial_error")];
    assert_eq!(page.value(DISAGREEMENTS, &pair), 1.0);
    assert_eq!(page.value(DISAGREEMENTS, &[]), 1.0);
}

#[tokio::test]
async fn disconnected_agent_that_answers_disagrees_and_one_that_does_not_agrees() {
    let deployment = Deployment::new().await;
    let lost = || agent("main").silent_for(600.0);
    deployment.add("one", lost(), Answer::ports()).await;
    let gone = Answer::in_state("disconnected");
    deployment.add("two", lost(), gone).await;
    let page = round(&deployment.exporter(|_| {}).await).await;
    let expected = [("ok".to_owned(), 1.0), ("disconnected".to_owned(), 1.0)];
    assert_eq!(outcomes(&page), expected);
    let pair = [("status", "disconnected"), ("outcome", "ok")];
    assert_eq!(page.value(DISAGREEMENTS, &pair), 1.0);
    assert_eq!(page.value(DISAGREEMENTS, &[]), 1.0);
}

#[tokio::test]
async fn rebuilt_workspace_is_switched_to_once_and_ok_from_then_on() {
    let deployment = Deployment::new().await;
    let first = agent("main");
    deployment.coderd.answer(first.id, Answer::ports());
    let rebuilt = workspace("box").agent(first.clone());
    deployment.coder.add(rebuilt.clone()).await;
    let exporter = deployment.exporter(|_| {}).await;
    assert_eq!(outcomes(&round(&exporter).await), only("ok", 1.0));
    let second = agent("main");
    deployment
        .coderd
        .answer(first.id, Answer::error(404, "Resource not found"));
    deployment.coderd.answer(second.id, Answer::ports());
    deployment
        .coder
        .build(&rebuilt, start(2).agent(second))
        .await;
    let expected = [("ok".to_owned(), 1.0), ("switched".to_owned(), 1.0)];
    assert_eq!(outcomes(&round(&exporter).await), expected);
    let expected = [("ok".to_owned(), 2.0), ("switched".to_owned(), 1.0)];
    assert_eq!(outcomes(&round(&exporter).await), expected);
}

#[tokio::test]
async fn workspace_with_a_stale_chat_comes_first_and_its_binding_is_tried() {
    let deployment = Deployment::new().await;
    for name in ["a", "b", "c"] {
        deployment.add(name, agent("main"), Answer::ports()).await;
    }
    let (old, new) = (agent("main"), agent("main"));
    deployment.coderd.answer(new.id, Answer::ports());
    let bound = workspace("d")
        .build(start(1).agent(old.clone()))
        .build(start(2).agent(new.clone()));
    deployment.coder.add(bound.clone()).await;
    let binding = ("agent_id", format!("'{}'", old.id));
    deployment.coder.add_chat(bound.id, &[binding]).await;
    let exporter = deployment.exporter(|it| it.probe.sample = 1).await;
    assert_eq!(outcomes(&round(&exporter).await), only("switched", 1.0));
    let asked = deployment.coderd.requests();
    assert!(asked[0].contains(&old.id.to_string()), "{asked:#?}");
    assert!(asked.last().unwrap().contains(&new.id.to_string()));
}

#[tokio::test]
async fn everybody_is_reached_in_workspaces_by_sample_rounds_whatever_the_problems() {
    let deployment = Deployment::new().await;
    let mut agents = Vec::new();
    for number in 0..7 {
        // Problems that stay, which come first every time they may.
        let agent = match number % 2 {
            0 => agent("main").silent_for(600.0),
            _ => agent("main"),
        };
        let failing = Answer::error(500, "no route");
        agents.push(deployment.add(&format!("w{number}"), agent, failing).await);
    }
    let exporter = deployment.exporter(|it| it.probe.sample = 3).await;
    for _ in 0..3 {
        round(&exporter).await;
    }
    let asked = deployment.coderd.requests().concat();
    for agent in agents {
        assert!(asked.contains(&agent.to_string()), "{agent} was not asked");
    }
    let coverage = exporter
        .scrape()
        .await
        .value("coder_agent_probe_coverage_ratio", &[]);
    assert_eq!(coverage, 1.0);
}

#[tokio::test]
async fn token_that_expired_blames_nobody_and_is_said_once_a_round() {
    let deployment = Deployment::new().await;
    for number in 0..6 {
        deployment
            .add(&format!("w{number}"), agent("main"), Answer::ports())
            .await;
    }
    deployment
        .coderd
        .expect_token("another-one-that-nobody-was-told-of");
    let exporter = deployment.exporter(|_| {}).await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), only("exporter_error", 1.0));
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
    assert_eq!(
        outcomes(&round(&exporter).await),
        only("exporter_error", 2.0)
    );
    deployment.coderd.expect_token(TOKEN);
    let page = round(&exporter).await;
    assert_eq!(page.value(OUTCOMES, &[("outcome", "ok")]), 6.0);
}

#[tokio::test]
async fn coderd_that_is_down_blames_nobody() {
    let deployment = Deployment::new().await;
    deployment.add("box", agent("main"), Answer::ports()).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let exporter = deployment
        .exporter(|it| it.dialing = Some(dialing(&url)))
        .await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), only("exporter_error", 1.0));
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
}

#[tokio::test]
async fn questions_of_a_round_do_not_grow_with_its_workspaces() {
    let coder = logging_coder().await;
    let coderd = StandIn::start().await;
    let url = coderd.url("127.0.0.1");
    let change = |it: &mut Settings| {
        it.dialing = Some(dialing(&url));
        it.probe.sample = 1000;
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
    // The pass, the stale bindings, those chosen, those at odds; and once a second of doubt.
    assert!(counts.iter().all(|it| (4..=9).contains(it)), "{counts:?}");
    assert!(
        coderd.requests().len() >= 400,
        "{}",
        coderd.requests().len()
    );
}

#[tokio::test]
async fn connections_to_coderd_never_exceed_the_concurrency() {
    let deployment = Deployment::new().await;
    for number in 0..30 {
        let agent = agent("main");
        let delay = Duration::from_millis(40);
        deployment
            .coderd
            .answer_after(agent.id, Answer::ports(), delay);
        deployment
            .coder
            .add(workspace(&format!("w{number}")).agent(agent))
            .await;
    }
    let exporter = deployment
        .exporter(|it| {
            it.probe.sample = 30;
            it.probe.concurrency = 3;
        })
        .await;
    assert_eq!(outcomes(&round(&exporter).await), only("ok", 30.0));
    let (_, peak) = deployment.coderd.connections();
    assert!((2..=3).contains(&peak), "{peak} at once");
}

#[tokio::test]
async fn rounds_that_overrun_their_interval_never_overlap() {
    let deployment = Deployment::new().await;
    for number in 0..4 {
        let agent = agent("main");
        let delay = Duration::from_millis(150);
        deployment
            .coderd
            .answer_after(agent.id, Answer::ports(), delay);
        deployment
            .coder
            .add(workspace(&format!("w{number}")).agent(agent))
            .await;
    }
    let exporter = deployment
        .exporter(|it| {
            it.probe.interval = Duration::from_millis(50);
            it.probe.sample = 2;
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
    let started = Instant::now();
    let page = exporter.scrape().await;
    assert!(started.elapsed() < LATE_ON_A_BUSY_MACHINE);
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    assert!(deployment.coder.is_waited_for().await, "it hangs still");
    round.abort();
}
