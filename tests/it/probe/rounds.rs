//! Rounds: who is probed, and what is counted.

use tokio::net::TcpListener;

use super::*;

/// For so long a probe counts, by default.
const HORIZON: Duration = Duration::from_secs(15 * 60);

const DISAGREEMENTS: &str = "coder_agent_probe_disagreements";

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
    assert!(!page.has("coder_agent_probe_coverage_ratio"));
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
    assert!(page.value("coder_agent_probe_last_timestamp_seconds", &[]) > 1.7e9);
    let took = "coder_agent_probe_duration_seconds_count";
    assert_eq!(page.value(took, &[("outcome", "ok")]), 3.0);
    later(HORIZON).await;
    let page = round(&exporter).await;
    assert_eq!(page.value("coder_agent_probe_coverage_ratio", &[]), 1.0);
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
    let exporter = deployment.exporter(|it| it.probe.sample = Some(1)).await;
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
        let failing = Answer::error(500, "Internal error dialing workspace agent.");
        agents.push(deployment.add(&format!("w{number}"), agent, failing).await);
    }
    let exporter = deployment.exporter(|it| it.probe.sample = Some(3)).await;
    let page = round(&exporter).await;
    assert!(!page.has("coder_agent_probe_coverage_ratio"));
    later(HORIZON).await;
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
    assert_eq!(outcomes(&page), []);
    assert!(!page.has("coder_agent_probe_last_timestamp_seconds"));
}

#[tokio::test]
async fn token_without_the_right_blames_no_agent_and_names_the_role() {
    let deployment = Deployment::new().await;
    let refused = "Agent doesn't exist with that id, or you do not have access to it.";
    for number in 0..20 {
        let name = format!("w{number}");
        let answer = Answer::error(404, refused);
        deployment.add(&name, agent("main"), answer).await;
    }
    let exporter = deployment.exporter(|_| {}).await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), only("exporter_error", 20.0));
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
    assert_eq!(deployment.coderd.requests().len(), 20, "each is asked once");
    let failed = &exporter.probe.as_ref().unwrap().failures()[0];
    assert!(failed.message.contains("template admin"), "{failed:?}");
}

#[tokio::test]
async fn coder_whose_database_is_down_blames_no_agent() {
    for message in [
        "Internal error fetching workspace agent.",
        "Internal error fetching API key by id.",
    ] {
        let deployment = Deployment::new().await;
        for name in ["one", "two"] {
            deployment
                .add(name, agent("main"), Answer::error(500, message))
                .await;
        }
        // To one who could not read its row, a connected agent has never connected.
        let connected = Answer::in_state("timeout");
        deployment.add("three", agent("main"), connected).await;
        let exporter = deployment.exporter(|_| {}).await;
        for _ in 0..3 {
            round(&exporter).await;
        }
        let page = exporter.scrape().await;
        let counted: Vec<_> = outcomes(&page).into_iter().map(|it| it.0).collect();
        assert_eq!(counted, ["exporter_error"]);
        assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
    }
}

#[tokio::test]
async fn names_that_make_no_address_do_not_end_the_round_for_others() {
    let coder = Coder::new().await;
    for number in 0..10 {
        let it = workspace(&format!("odd_{number}")).agent(agent("main"));
        coder.add(it).await;
    }
    let address = "{workspace}.agents.invalid:22".parse().unwrap();
    let change = |it: &mut Settings| it.dialing = Some(Dialing::Tcp(address));
    let exporter = coder.exporter_with(change).await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), only("exporter_error", 10.0));
    assert_eq!(page.value(DISAGREEMENTS, &[]), 0.0);
}
