//! With `--probe.scope=in-use` the probe keeps no workspace alive.

use crate::harness::exposition::Format;
use crate::harness::http::Response;
use crate::harness::reports::{Report, report};
use coder_agent_exporter::fleet::probe::scope::{ProbeScope, WARM_UP};

use super::*;

const SKIPPED: &str = "probe_skipped";

const NONE: [Uuid; 0] = [];

/// A session with traffic, a moment ago.
fn in_use() -> Report {
    report().connections(2).session("ssh", 1).ago(1.0)
}

impl Deployment {
    /// An exporter with the default scope that has run for long enough to dial, and has read the
    /// session reports.
    async fn exporter_in_use(&self) -> Exporter {
        let exporter = self.exporter(|it| it.probe.scope = ProbeScope::InUse).await;
        later(WARM_UP).await;
        read_reports(&exporter).await;
        exporter
    }

    /// The program, which probes through this coderd.
    async fn serve(&self, more: &[&str]) -> Program {
        let url = format!("--postgres.url={}", self.coder.url());
        let coderd = format!("--coder.url={}", self.coderd.url("127.0.0.1"));
        let flags = [&[&*url, &*coderd, "--probe.dialer=coderd"], more].concat();
        Program::serve_with(&flags, &[("CODER_SESSION_TOKEN", TOKEN)]).await
    }

    /// The agents that coderd was asked to dial.
    fn dialed(&self) -> Vec<Uuid> {
        let requests = self.coderd.requests();
        let paths = requests
            .iter()
            .filter_map(|it| it.split('/').nth(4)?.parse().ok());
        paths.collect()
    }
}

async fn read_reports(exporter: &Exporter) {
    exporter.probe.as_ref().unwrap().activity().read().await;
}

fn page(response: &Response) -> Page {
    assert_eq!(response.status, 200, "{}", response.body);
    Page::read(Format::Text, &response.body).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn only_an_agent_in_use_is_dialed_and_not_again_by_our_own_connection() {
    let deployment = Deployment::new().await;
    deployment.add("idle", agent("main"), Answer::ports()).await;
    let used = deployment.add("used", agent("main"), Answer::ports()).await;
    deployment.coder.report(used, in_use()).await;
    let exporter = deployment.exporter_in_use().await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), [("ok".to_owned(), 1.0)]);
    assert_eq!(deployment.dialed(), [used]);
    // The agent reports our own connection beside its idle session.
    deployment.coder.report(used, in_use()).await;
    read_reports(&exporter).await;
    let page = round(&exporter).await;
    assert_eq!(outcomes(&page), [("ok".to_owned(), 1.0)]);
    assert_eq!(deployment.dialed(), [used]);
}

#[tokio::test]
async fn agent_that_is_not_connected_has_its_outcome_from_its_row() {
    let deployment = Deployment::new().await;
    let lost = agent("main").silent_for(600.0);
    let lost = deployment.add("lost", lost, Answer::ports()).await;
    let never = waiting_agent("main", 600.0).set("connection_timeout_seconds", 120);
    deployment.add("never", never, Answer::ports()).await;
    let exporter = deployment.exporter_in_use().await;
    let counted = outcomes(&round(&exporter).await);
    let expected = [
        ("disconnected".to_owned(), 1.0),
        ("never_connected".to_owned(), 1.0),
    ];
    assert_eq!(counted, expected);
    let response = exporter.get("/probe?workspace=ada/lost&debug=true").await;
    assert!(
        response
            .body
            .contains("not dialed: the agent is disconnected"),
        "{}",
        response.body
    );
    let single = page(&exporter.get("/probe?workspace=ada/lost").await);
    assert_eq!(
        single.value("probe_outcome", &[("outcome", "disconnected")]),
        1.0
    );
    assert_eq!(single.value("probe_success", &[]), 0.0);
    assert_eq!(single.value(SKIPPED, &[]), 0.0);
    assert_eq!(
        single.value("probe_agent_info", &[("agent_id", &*lost.to_string())]),
        1.0
    );
    assert_eq!(deployment.dialed(), NONE);
}

#[tokio::test]
async fn probe_of_an_idle_workspace_is_skipped_unless_it_is_forced() {
    let deployment = Deployment::new().await;
    let idle = deployment.add("idle", agent("main"), Answer::ports()).await;
    deployment.coder.report(idle, report().ago(1.0)).await;
    let exporter = deployment.exporter_in_use().await;
    let skipped = page(&exporter.get("/probe?workspace=ada/idle").await);
    assert_eq!(skipped.value(SKIPPED, &[("reason", "not_in_use")]), 1.0);
    assert_eq!(skipped.value(SKIPPED, &[]), 1.0);
    assert!(!skipped.has("probe_success") && !skipped.has("probe_outcome"));
    assert_eq!(skipped.value("probe_timeout_seconds", &[]), 10.0);
    let text = exporter
        .get("/probe?workspace=ada/idle&debug=true")
        .await
        .body;
    assert!(
        text.contains("not_in_use: the workspace is not in use now"),
        "{text}"
    );
    assert_eq!(deployment.dialed(), NONE);
    let forced = page(&exporter.get("/probe?workspace=ada/idle&force=true").await);
    assert_eq!(forced.value("probe_success", &[]), 1.0);
    assert_eq!(forced.value(SKIPPED, &[]), 0.0);
    assert_eq!(deployment.dialed(), [idle]);
}

#[tokio::test]
async fn exporter_that_has_just_started_dials_no_connected_agent() {
    let deployment = Deployment::new().await;
    let used = deployment.add("used", agent("main"), Answer::ports()).await;
    deployment.coder.report(used, in_use()).await;
    let exporter = deployment
        .exporter(|it| it.probe.scope = ProbeScope::InUse)
        .await;
    read_reports(&exporter).await;
    let skipped = page(&exporter.get("/probe?workspace=ada/used").await);
    assert_eq!(skipped.value(SKIPPED, &[("reason", "starting")]), 1.0);
    assert!(outcomes(&round(&exporter).await).is_empty());
    assert_eq!(deployment.dialed(), NONE);
}

#[tokio::test]
async fn where_reports_cannot_be_read_only_rows_give_outcomes() {
    let deployment = Deployment::new().await;
    deployment.add("one", agent("main"), Answer::ports()).await;
    let lost = agent("main").silent_for(600.0);
    deployment.add("lost", lost, Answer::ports()).await;
    let role = &deployment.coder.role;
    let revoke = format!("REVOKE SELECT ON workspace_agent_stats FROM {role}");
    deployment.coder.sql(&revoke).await;
    let exporter = deployment.exporter_in_use().await;
    let page_of_round = round(&exporter).await;
    assert_eq!(outcomes(&page_of_round), [("disconnected".to_owned(), 1.0)]);
    assert_eq!(page_of_round.value("coder_agents", &[]), 2.0);
    let skipped = page(&exporter.get("/probe?workspace=ada/one").await);
    assert_eq!(skipped.value(SKIPPED, &[("reason", "no_reports")]), 1.0);
    assert_eq!(exporter.get("/-/ready").await.status, 200);
    assert_eq!(deployment.dialed(), NONE);
}

#[tokio::test]
async fn clock_of_coderd_that_is_ahead_stops_dials_of_connected_agents() {
    let deployment = Deployment::new().await;
    let used = deployment.add("used", agent("main"), Answer::ports()).await;
    deployment.coder.report(used, in_use().ago(-30.0)).await;
    let exporter = deployment.exporter_in_use().await;
    let skipped = page(&exporter.get("/probe?workspace=ada/used").await);
    assert_eq!(skipped.value(SKIPPED, &[("reason", "clock_ahead")]), 1.0);
    assert!(outcomes(&round(&exporter).await).is_empty());
    assert_eq!(deployment.dialed(), NONE);
}

#[tokio::test]
async fn stale_binding_leads_to_the_new_agent_and_the_old_one_is_not_dialed() {
    let deployment = Deployment::new().await;
    let (old, new) = (agent("main"), agent("main"));
    deployment.coderd.answer(new.id, Answer::ports());
    let bound = workspace("bound")
        .build(start(1).agent(old.clone()))
        .build(start(2).agent(new.clone()));
    deployment.coder.add(bound.clone()).await;
    let binding = ("agent_id", format!("'{}'", old.id));
    deployment.coder.add_chat(bound.id, &[binding]).await;
    let exporter = deployment.exporter_in_use().await;
    assert!(outcomes(&round(&exporter).await).is_empty());
    deployment.coder.report(new.id, in_use()).await;
    read_reports(&exporter).await;
    let counted = outcomes(&round(&exporter).await);
    assert_eq!(counted, [("switched".to_owned(), 1.0)]);
    assert_eq!(deployment.dialed(), [new.id]);
}

#[tokio::test]
async fn of_several_agents_the_one_that_serves_the_workspace_decides() {
    let deployment = Deployment::new().await;
    let first_is_lost = start(1)
        .agent(agent("a").silent_for(600.0))
        .agent(agent("b"));
    deployment
        .coder
        .add(workspace("hurt").build(first_is_lost))
        .await;
    let second_is_lost = start(1)
        .agent(agent("a"))
        .agent(agent("b").silent_for(600.0));
    deployment
        .coder
        .add(workspace("fine").build(second_is_lost))
        .await;
    let exporter = deployment.exporter_in_use().await;
    let counted = outcomes(&round(&exporter).await);
    assert_eq!(counted, [("disconnected".to_owned(), 1.0)]);
    assert_eq!(deployment.dialed(), NONE);
}

#[tokio::test]
async fn probing_everything_through_coder_says_how_many_workspaces_it_keeps_alive() {
    let deployment = Deployment::new().await;
    for name in ["one", "two", "three"] {
        deployment.add(name, agent("main"), Answer::ports()).await;
    }
    let deadline = "UPDATE workspace_builds SET deadline = now() + interval '1 hour'
                    WHERE workspace_id IN (SELECT id FROM workspaces WHERE name <> 'three')";
    deployment.coder.sql(deadline).await;
    let program = deployment.serve(&["--probe.scope=all"]).await;
    eventually("it is said", async || {
        program.log().contains("workspaces=2")
    })
    .await;
    assert!(
        program.log().contains("counts each dial as use"),
        "{}",
        program.log()
    );
}

#[tokio::test]
async fn coder_that_stores_no_reports_is_said_once() {
    let deployment = Deployment::new().await;
    deployment.add("one", agent("main"), Answer::ports()).await;
    let program = deployment.serve(&[]).await;
    eventually("it is said", async || {
        program.log().contains("stores no session reports")
    })
    .await;
    assert_eq!(program.log().matches("session reports").count(), 1);
    assert!(program.log().contains("scope=in-use"), "{}", program.log());
}
