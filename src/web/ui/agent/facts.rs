//! The sections with the columns of the agent, its workspace and its latest build.

use maud::{Markup, html};

use crate::details::{AgentDetails, WorkspaceDetails};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::latest::Build;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::report::usage_summary::usage_lines;

use super::super::moments::full_moment;
use super::super::parts::{long_text, name};

/// The columns of the agent and of its workspace, side by side if there is room.
pub(super) fn agent_facts(details: &WorkspaceDetails, it: &AgentDetails) -> Markup {
    html! {
        section class="card half tall" aria-labelledby="facts" data-key="facts" {
            h2 id="facts" { "Agent" }
            (row(details.latest.now, it))
        }
        (workspace_facts(details))
    }
}

fn row(now: Timestamp, it: &AgentDetails) -> Markup {
    let agent = &it.agent;
    let moments = [
        ("Created", agent.created_at),
        ("First connected", agent.first_connected_at),
        ("Last heartbeat", agent.last_connected_at),
        ("Connection closed", agent.disconnected_at),
        ("Startup script began", agent.started_at),
        ("Startup script ended", agent.ready_at),
    ];
    let timeout = match agent.connection_timeout().as_secs() {
        0 => "none".to_owned(),
        seconds => format!("{seconds} s"),
    };
    html! {
        dl class="facts" {
            dt { "Id" } dd { code { (agent.id) } }
            dt { "Kind" } dd { (agent.kind.as_str()) }
            dt { "Lifecycle" } dd { (sanitize(agent.lifecycle.as_str())) }
            @for (what, at) in moments { dt { (what) } dd { (full_moment(at, now)) } }
            dt { "Connection timeout" } dd { (timeout) }
            dt { "Version" } dd { (name(&agent.version)) }
        }
    }
}

/// The columns of the workspace and of its latest build.
pub(super) fn workspace_facts(details: &WorkspaceDetails) -> Markup {
    let latest = &details.latest;
    let version = details
        .latest
        .agents
        .first()
        .map(|it| &it.agent.template_version);
    html! {
        section class="card half" aria-labelledby="workspace" data-key="workspace" {
        h2 id="workspace" { "Workspace" }
        dl class="facts" {
            dt { "Id" } dd { code { (latest.workspace_id) } }
            dt { "Owner" } dd { (name(&latest.owner)) }
            dt { "Organization" } dd { (name(&latest.scope.organization)) }
            dt { "Template" }
            dd {
                (name(&latest.scope.template))
                @if let Some(version) = version { ", version " (name(version)) }
            }
            dt { "Latest build" } dd { (build(latest.build.as_ref())) }
            dt { "Verdict" }
            dd { strong { (details.readiness.verdict.as_str()) } ": " (long_text(&details.readiness.detail)) }
        }
        }
    }
}

/// How the workspace is used, where that can be read.
pub(super) fn activity(details: &WorkspaceDetails) -> Markup {
    let now = details.latest.now;
    let is_connected = details.is_connected();
    html! {
        @if let Some(usage) = &details.usage {
            section class="card" aria-labelledby="activity" data-key="activity" {
                h2 id="activity" { "Activity" }
                dl class="facts" {
                    @for (what, text) in usage_lines(usage, is_connected, now) {
                        dt { (what) } dd { (sanitize(&text)) }
                    }
                }
            }
        }
    }
}

fn build(build: Option<&Build>) -> Markup {
    let Some(build) = build else {
        return html! { "never built" };
    };
    html! {
        (build.number) ", " (sanitize(build.transition.as_str())) ": "
        strong { (sanitize(build.job.as_str())) }
        @if let Some(error) = &build.error { (long_text(error)) }
    }
}
