//! What a bad night looks like to those who are woken.

use std::collections::BTreeSet;

use crate::harness::fleet::Workspace;
use crate::harness::*;

use super::deployment::Deployment;
use super::{believed, minutes, settles, told};

#[tokio::test]
async fn bad_night_wakes_those_it_should_and_ends() {
    let docker = fleet_of("docker", 12);
    let machines = fleet_of("vm", 8);
    let laptops = fleet_of("laptop", 10);
    let all = [docker, machines.clone(), laptops.clone()].concat();
    let mut night = Deployment::of(&all).await;
    settles("all is well", &night.pager, minutes(3), &[]).await;

    // A third of one template is lost, two machines are suspended and resumed, and everybody of
    // another template goes home.
    lose(&night, "docker", 4).await;
    for machine in &machines[..2] {
        resume(&night, machine).await;
    }
    send_home(&night, &laptops).await;
    let lost = told("ops-chat", "CoderAgentsDisconnected", "warning", "docker");
    let stuck = told("ops-chat", "CoderAgentsStuckCreated", "warning", "vm");
    let both = [lost.clone(), stuck.clone()];
    settles("both are told", &night.pager, minutes(15), &both).await;
    each_message_is_about_one_template(&night);

    // It gets worse: what was a warning is now told to whoever has to get up, and to nobody
    // twice.
    lose(&night, "docker", 9).await;
    let _ = night.stop_exporter();
}

/// Workspaces of one template, each with an agent that is well.
fn fleet_of(template: &str, count: usize) -> Vec<Workspace> {
    let numbers = 0..count;
    numbers
        .map(|number| {
            workspace(&format!("{template}-{number}"))
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

/// A build of a machine that was suspended and resumed: its agent connects to the new row and
/// has nothing new to report.
async fn resume(night: &Deployment, machine: &Workspace) {
    let agent = agent("main")
        .ago("created_at", 0.0)
        .ago("first_connected_at", 0.0)
        .silent_for(0.0)
        .null("started_at")
        .null("ready_at")
        .lifecycle("created");
    night.coder.build(machine, start(2).agent(agent)).await;
}

/// Stopped and started, as the runbook says: a new process reports everything.
async fn restart(night: &Deployment, machine: &Workspace) {
    night.coder.build(machine, stop(3)).await;
    night
        .coder
        .build(machine, start(4).agent(agent("main")))
        .await;
}

/// Stopped on purpose: agents are told to go, go, and the build has none any more.
async fn send_home(night: &Deployment, workspaces: &[Workspace]) {
    close(night, "laptop", workspaces.len(), "'off'").await;
    tokio::time::sleep(minutes(2)).await;
    for workspace in workspaces {
        night.coder.build(workspace, stop(2)).await;
    }
}

fn each_message_is_about_one_template(night: &Deployment) {
    for notification in night.pager.notifications() {
        let of = |it: &(_, _)| {
            let (labels, _): &(crate::harness::alertmanager::Labels, bool) = it;
            labels.get("template_name").cloned()
        };
        let templates: BTreeSet<_> = notification.alerts.iter().map(of).collect();
        assert_eq!(templates.len(), 1, "{notification:?}");
        assert_eq!(
            notification.group.get("deployment").map(String::as_str),
            Some("coder.example")
        );
    }
    assert!(!believed(&night.pager).is_empty());
}
