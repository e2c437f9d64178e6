//! Why agents are stuck in `created`, and why they never connect (`docs/spec/causes.md`).

mod lost;
mod scripts;

use crate::harness::fleet::{Agent, Build};
use crate::harness::statements::{logging_coder, statements_of_a_scrape};
use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";

/// Connected to its row ten minutes ago, and has reported nothing to it.
fn stuck(name: &str) -> Agent {
    agent(name)
        .lifecycle("created")
        .ago("created_at", 610.0)
        .ago("first_connected_at", 600.0)
        .null("started_at")
        .null("ready_at")
}

/// Was told to stop after it had been ready.
fn was_ready(name: &str) -> Agent {
    agent(name).closed_ago(700.0).lifecycle("off")
}

/// The cause that is given for the only agent stuck in `created`.
async fn cause_in(coder: &Coder) -> String {
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    let labels = [("health", "stuck_created")];
    let found: Vec<_> = page.samples(PROBLEM, &labels).collect();
    assert_eq!(found.len(), 1, "{}", page.show(PROBLEM));
    found[0].label("cause").unwrap().to_owned()
}

/// The cause for an agent `main` stuck in build 3 of a workspace that has this build before.
async fn cause_after(earlier: Build) -> String {
    let coder = Coder::new().await;
    let latest = start(3).agent(stuck("main"));
    coder
        .add(workspace("box").build(earlier).build(latest))
        .await;
    cause_in(&coder).await
}

/// The true story, step by step under one exporter: a VM that is suspended on stop and resumed
/// on start, so that one process sees two rows.
#[tokio::test]
async fn process_that_survives_a_stop_and_a_start_is_found_out() {
    let coder = Coder::new().await;
    let exporter = coder.exporter().await;
    let story = workspace("box").build(start(1).agent(agent("main")));
    coder.add(story.clone()).await;
    let page = exporter.scrape().await;
    let healthy = [("health", "healthy")];
    assert_eq!(page.value("coder_agents_health", &healthy), 1.0);

    coder
        .sql("UPDATE workspace_agents SET lifecycle_state = 'off', disconnected_at = now()")
        .await;
    coder.build(&story, stop(2)).await;
    assert!(!exporter.scrape().await.has(PROBLEM));

    let new_row = stuck("main");
    let id = new_row.id.to_string();
    coder.build(&story, start(3).agent(new_row)).await;
    let page = exporter.scrape().await;
    let labels = [
        ("agent_id", id.as_str()),
        ("agent_name", "main"),
        ("workspace_name", "box"),
        ("health", "stuck_created"),
        ("cause", "survived_build"),
    ];
    assert!(
        page.get(PROBLEM, &labels).is_some(),
        "{}",
        page.show(PROBLEM)
    );
    assert_eq!(page.samples(PROBLEM, &[]).count(), 1);
    // Coder calls it connected, and so do we.
    assert_eq!(page.value("coder_agents", &[("status", "connected")]), 1.0);
}

#[tokio::test]
async fn agent_whose_row_still_says_ready_in_an_earlier_build_survived_it() {
    assert_eq!(
        cause_after(start(2).agent(agent("main"))).await,
        "survived_build"
    );
}

#[tokio::test]
async fn agent_that_never_reported_anything_has_no_past_to_survive() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(stuck("main"))).await;
    assert_eq!(cause_in(&coder).await, "never_reported");
    let earlier = start(1).agent(waiting_agent("main", 7000.0));
    assert_eq!(cause_after(earlier).await, "never_reported");
}

#[tokio::test]
async fn earlier_agent_of_another_name_proves_nothing() {
    for name in ["other", "Main", "main2"] {
        let earlier = start(1).agent(was_ready(name));
        assert_eq!(cause_after(earlier).await, "never_reported", "{name}");
    }
}

#[tokio::test]
async fn earlier_agent_whose_start_ended_badly_did_not_reach_ready() {
    for state in ["start_error", "start_timeout"] {
        // Coder writes ready_at at the end of the startup script, however it ends.
        let earlier = start(1).agent(was_ready("main").lifecycle(state));
        assert_eq!(cause_after(earlier).await, "never_reported", "{state}");
    }
    let interrupted = was_ready("main").null("ready_at");
    assert_eq!(
        cause_after(start(1).agent(interrupted)).await,
        "never_reported"
    );
}

#[tokio::test]
async fn earlier_agent_that_was_deleted_softly_counts_all_the_same() {
    let earlier = start(2).agent(was_ready("main").soft_deleted());
    assert_eq!(cause_after(earlier).await, "survived_build");
}

#[tokio::test]
async fn agent_of_the_same_build_proves_nothing() {
    let coder = Coder::new().await;
    let build = start(3).agent(stuck("main")).agent(agent("main"));
    coder.add(workspace("box").build(build)).await;
    assert_eq!(cause_in(&coder).await, "never_reported");
}

#[tokio::test]
async fn agent_of_another_workspace_proves_nothing() {
    let coder = Coder::new().await;
    let other = start(1).agent(was_ready("main"));
    coder
        .add(workspace("other").build(other).build(stop(2)))
        .await;
    let latest = workspace("box").build(start(3).agent(stuck("main")));
    coder.add(latest).await;
    assert_eq!(cause_in(&coder).await, "never_reported");
}

#[tokio::test]
async fn row_that_has_reported_a_start_is_not_taken_for_a_survivor() {
    let coder = Coder::new().await;
    let odd = stuck("main").ago("started_at", 500.0);
    let story = workspace("box").build(start(1).agent(was_ready("main")));
    coder.add(story.build(start(2).agent(odd))).await;
    assert_eq!(cause_in(&coder).await, "never_reported");
}

#[tokio::test]
async fn agents_of_other_problems_have_no_cause_without_its_sign() {
    let coder = Coder::new().await;
    let past = start(1)
        .agent(was_ready("lost"))
        .agent(was_ready("waiting"));
    let latest = start(2)
        .agent(stuck("lost").silent_for(60.0))
        .agent(waiting_agent("waiting", 650.0));
    coder.add(workspace("box").build(past).build(latest)).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(page.samples(PROBLEM, &[]).count(), 2);
    assert_eq!(page.samples(PROBLEM, &[("cause", "")]).count(), 2);
    let rows = [("collector", "causes")];
    assert_eq!(page.value("coder_exporter_collector_rows", &rows), 0.0);
}

/// Something that is no agent holds the connection: it names no version. That is told apart first.
#[tokio::test]
async fn connection_without_a_version_is_no_agent() {
    let coder = Coder::new().await;
    let streamer = stuck("main").set("version", literal(""));
    let story = workspace("box").build(start(1).agent(was_ready("main")));
    coder.add(story.build(start(2).agent(streamer))).await;
    assert_eq!(cause_in(&coder).await, "token_elsewhere");
}

#[tokio::test]
async fn process_of_an_earlier_build_is_found_by_a_heartbeat_after_the_new_row() {
    const CREATED: &str = "timestamptz '2026-03-01 11:00:00Z'";
    const LATER: &str = "timestamptz '2026-03-01 11:00:00.000001Z'";
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        coder.stop_clock("timestamptz '2026-03-01 12:00:00Z'").await;
        let waiting = |name| waiting_agent(name, 0.0).set("created_at", CREATED);
        let heard = |name, at| agent(name).set("last_connected_at", at);
        let late = waiting("late").set("connection_timeout_seconds", 60);
        let earlier = start(1)
            .agent(heard("stuck", LATER))
            .agent(heard("late", LATER))
            .agent(heard("same-moment", CREATED))
            .agent(heard("Other-name", LATER))
            .agent(heard("soft-deleted", LATER).soft_deleted());
        let latest = start(2)
            .agent(waiting("stuck"))
            .agent(late)
            .agent(waiting("same-moment"))
            .agent(waiting("other-name"))
            .agent(waiting("soft-deleted"));
        let story = workspace("box").build(earlier).build(latest);
        // Another workspace says nothing.
        let other = start(1).agent(heard("same-moment", LATER));
        coder.add(story).await;
        coder.add(workspace("other").build(other)).await;
        let page = coder.exporter().await.scrape().await;
        page.assert_every_collector_loaded();
        let mut found: Vec<_> = page
            .samples(PROBLEM, &[("workspace_name", "box")])
            .map(|it| (it.label("agent_name").unwrap(), it.label("cause").unwrap()))
            .collect();
        found.sort_unstable();
        let expected = [
            ("late", "old_process"),
            ("other-name", ""),
            ("same-moment", ""),
            ("soft-deleted", "old_process"),
            ("stuck", "old_process"),
        ];
        assert_eq!(found, expected, "{era:?}");
    }
}

#[tokio::test]
async fn causes_cost_one_statement_for_any_number_stuck_and_none_when_nobody_is() {
    let coder = logging_coder().await;
    coder.add(workspace("fine").agent(agent("main"))).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    let asked = async || {
        let said = statements_of_a_scrape(&coder, &exporter).await;
        let causes = said.iter().filter(|it| it.contains("AS stuck"));
        (causes.count(), said.len())
    };
    let (none, fewest) = asked().await;
    let add = async |from: i32, to: i32| {
        for number in from..to {
            let name = format!("w{number}");
            let past = start(1).agent(was_ready("main"));
            let latest = start(2).agent(stuck("main"));
            coder.add(workspace(&name).build(past).build(latest)).await;
        }
    };
    add(0, 1).await;
    let (one, with_one) = asked().await;
    add(1, 30).await;
    let (many, with_many) = asked().await;
    assert_eq!((none, one, many), (0, 1, 1));
    assert_eq!((with_one, with_many), (fewest + 1, fewest + 1));
    let page = exporter.scrape().await;
    let found = page.samples(PROBLEM, &[("cause", "survived_build")]);
    assert_eq!(found.count(), 30);
}
