//! What a bad night looks like to those who are woken.

use crate::harness::alertmanager::Pager;
use crate::harness::fleet::Workspace;
use crate::harness::*;

use super::deployment::Deployment;
use super::{minutes, settles, told};

#[tokio::test]
async fn bad_night_wakes_those_it_should_and_ends() {
    let templates = [("docker", 4), ("vm", 8), ("laptop", 18), ("gpu-lab", 16)];
    let [docker, machines, laptops, gpus] =
        templates.map(|(template, count)| fleet_of(template, count));
    let all = [&docker[..], &machines, &laptops, &gpus].concat();
    let mut night = Deployment::of(&all).await;
    settles("all is well", &night.pager, minutes(3), &[]).await;

    // All of a small template are lost, some machines are suspended and resumed, and everybody of
    // another template goes home.
    lose(&night, "docker", 4).await;
    resume(&night, &machines[..4]).await;
    send_home(&night, "laptop", &laptops).await;
    let lost = told("chat", "CoderAgentsLost", "warning", "");
    let stuck = told("chat", "CoderIncident", "warning", "stuck_created");
    let mut expected = vec![lost, stuck];
    settles("both are told", &night.pager, minutes(25), &expected).await;

    // It gets worse: most of a third template. One page for all that is lost now; what is the same
    // trouble seen from another side is muted.
    lose(&night, "gpu-lab", 9).await;
    expected.push(told("pager", "CoderUsersCutOff", "critical", ""));
    settles("a page", &night.pager, minutes(15), &expected).await;
    night.fires(r#"alertname="CoderAgentsLost""#).await;
    each_message_is_about_one_deployment(&night.pager);

    // Everybody comes back, and those who are stuck are stopped and started.
    come_back(&night, "docker").await;
    come_back(&night, "gpu-lab").await;
    restart(&night, &machines[..4]).await;
    settles("it is over", &night.pager, minutes(30), &[]).await;
    let pages = night.pager.notifications();
    let pages = pages.iter().filter(|it| it.receiver == "pager").count();
    assert_eq!(pages, 2, "it began, it ended");

    // The exporters are gone, with a template that is lost just then: the one thing that is known
    // is told.
    lose(&night, "docker", 4).await;
    night.stop_exporters();
    let gone = told("pager", "CoderNoData", "critical", "");
    settles("no data", &night.pager, minutes(15), &[gone]).await;
}

/// Workspaces of one template, each with an agent that is well.
fn fleet_of(template: &str, count: usize) -> Vec<Workspace> {
    let numbers = 0..count;
    numbers
        .map(|number| {
            workspace(&format!("{template}-{number}"))
                .owner(&format!("{template}-{number}"))
                .template(template)
                .agent(agent("main"))
        })
        .collect()
}

/// The connections of so many agents of a template close, and nobody asked for it.
async fn lose(night: &Deployment, template: &str, count: usize) {
    close(night, template, count, "lifecycle_state").await;
}

async fn close(night: &Deployment, template: &str, count: usize, lifecycle: &str) {
    let sql = format!(
        "UPDATE workspace_agents SET disconnected_at = now(), lifecycle_state = {lifecycle}
         WHERE id IN (SELECT agent.id {OF_TEMPLATE} '{template}' ORDER BY workspace.name LIMIT {count})"
    );
    night.coder.sql(&sql).await;
}

const OF_TEMPLATE: &str = "FROM workspace_agents AS agent
    JOIN workspace_resources AS resource ON resource.id = agent.resource_id
    JOIN workspace_builds AS build ON build.job_id = resource.job_id
    JOIN workspaces AS workspace ON workspace.id = build.workspace_id
    JOIN templates AS template ON template.id = workspace.template_id
    WHERE template.name =";

/// They are all back.
async fn come_back(night: &Deployment, template: &str) {
    let sql = format!(
        "UPDATE workspace_agents SET disconnected_at = NULL
         WHERE id IN (SELECT agent.id {OF_TEMPLATE} '{template}')"
    );
    night.coder.sql(&sql).await;
}

/// A build of each machine that was suspended and resumed: its agent connects to the new row and
/// has nothing new to report.
async fn resume(night: &Deployment, machines: &[Workspace]) {
    for machine in machines {
        let agent = agent("main")
            .ago("created_at", 0.0)
            .ago("first_connected_at", 0.0)
            .silent_for(0.0)
            .null("started_at")
            .null("ready_at")
            .lifecycle("created");
        night.coder.build(machine, start(2).agent(agent)).await;
    }
}

/// Stopped and started, as the runbook says: a new process reports everything.
async fn restart(night: &Deployment, machines: &[Workspace]) {
    for machine in machines {
        night.coder.build(machine, stop(3)).await;
        let again = start(4).agent(agent("main").silent_for(0.0));
        night.coder.build(machine, again).await;
    }
}

/// Stopped on purpose: agents are told to go, go, and the build has none any more.
async fn send_home(night: &Deployment, template: &str, workspaces: &[Workspace]) {
    close(night, template, workspaces.len(), "'off'").await;
    tokio::time::sleep(minutes(2)).await;
    for workspace in workspaces {
        night.coder.build(workspace, stop(2)).await;
    }
}

fn each_message_is_about_one_deployment(pager: &Pager) {
    for notification in pager.notifications() {
        let deployment = notification.group.get("deployment").map(String::as_str);
        assert_eq!(deployment, Some("coder.example"));
    }
}
