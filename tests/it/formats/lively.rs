//! A fleet with something of everything, and an exporter that says all it can about it.

use std::time::Duration;

use coder_agent_exporter::metrics::page::AgentSeries;

use crate::harness::*;

/// A name that every format has to escape, and that is too long for comfort.
pub(super) const ODD: &str = "line\nquote\"back\\slash \u{1f600}{le=\"1\"} \r\t\u{1}\u{2028}\u{feff} # 64 characters: αβγδεζηθι";

/// Agents of every sort, in two organizations, with apps; a workspace in every state.
pub(super) async fn lively_fleet() -> Coder {
    let coder = Coder::new().await;
    let main = agent("main")
        .silent_for(0.0005)
        .app("healthy")
        .app("unhealthy")
        .sub(agent("dev container").silent_for(25.0))
        .sub(agent(ODD).closed_ago(3000.0).app("initializing"));
    let survivor = agent("main")
        .lifecycle("created")
        .null("started_at")
        .null("ready_at");
    for workspace in [
        workspace("box").agent(main),
        workspace(ODD)
            .owner(ODD)
            .agent(agent(ODD).silent_for(290.0)),
        workspace("survivor")
            .build(start(1).agent(agent("main")))
            .build(start(2).agent(survivor)),
        workspace("waiting")
            .organization("labs")
            .agent(waiting_agent("main", 5.0)),
        workspace("stuck")
            .organization("labs")
            .agent(waiting_agent("main", 5000.0)),
        workspace("slow")
            .template(ODD)
            .agent(agent("main").silent_for(12.5).lifecycle("starting")),
        workspace("ahead").agent(agent("main").silent_for(-3.0)),
        workspace("ancient").agent(agent("main").set("last_connected_at", "'-infinity'")),
        workspace("eternal").agent(agent("main").set("disconnected_at", "'infinity'")),
        workspace("off").build(stop(1).agent(agent("main").lifecycle("off"))),
        workspace("broken").build(start(1).job(Job::Failed)),
        workspace("building").build(start(1).job(Job::Running)),
    ] {
        coder.add(workspace).await;
    }
    coder
}

/// An exporter that tells everything, and whose every page is of one collection.
pub(super) async fn talkative(coder: &Coder) -> Exporter {
    let change = |it: &mut Settings| {
        it.collect.min_interval = Duration::from_secs(3600);
        it.collect.named_apps = true;
        it.web.detail.coderd_compat = true;
        it.web.detail.agent_series = AgentSeries::All;
    };
    let exporter = coder.exporter_with(change).await;
    exporter.scrape().await.assert_every_collector_loaded();
    exporter
}
