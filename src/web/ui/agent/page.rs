//! The page of an agent, and the page of a workspace without a single agent.

use maud::{Markup, html};

use crate::details::{AgentDetails, WorkspaceDetails};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::report::timeline::Change;
use crate::fleet::rules::explain::Reason;
use crate::fleet::select::facet::Facet;
use crate::fleet::select::selection::Selection;
use crate::incident::commands::for_agent;
use crate::incident::report::IncidentSummary;
use crate::web::state::App;

use super::super::documents::{health_rule, status_rule};
use super::super::fleet;
use super::super::moments::{exact, since};
use super::super::parts::{badge, commands_to_copy, counted, name};
use super::facts::{activity, agent_facts, workspace_facts};
use super::probing::Probing;
use super::{agent_tree, builds, parts, timeline};

/// The page of the requested agent, with its title.
pub(super) fn agent(
    app: &App,
    details: &WorkspaceDetails,
    incident: Option<&IncidentSummary>,
    probing: &Probing<'_>,
) -> (String, Markup) {
    let latest = &details.latest;
    let full_name = |agent: &str| format!("{}/{}.{agent}", latest.owner, latest.workspace);
    let Some(it) = details.agents.first() else {
        return workspace(app, details, probing);
    };
    let title = sanitize(&full_name(&it.agent.name));
    let main = html! {
        (header(app, details, it, incident))
        (why(it))
        (agent_facts(details, it))
        (activity(details))
        (timeline::section(it, &changes(app, it), latest.now))
        (commands(it))
        (parts::section(it, details.parts.as_ref(), latest.now))
        (agent_tree::section(app, details, Some(it.agent.id)))
        (builds::section(app, details, Some(it)))
        (probing.section())
    };
    (title, main)
}

/// The page of a workspace, with its title.
pub(super) fn workspace(
    app: &App,
    details: &WorkspaceDetails,
    probing: &Probing<'_>,
) -> (String, Markup) {
    let latest = &details.latest;
    let title = sanitize(&format!("{}/{}", latest.owner, latest.workspace));
    let main = html! {
        h1 { (name(&latest.owner)) "/" (name(&latest.workspace)) }
        @if let Some(advice) = details.readiness.advice() { p class="advice" { (advice) } }
        (links(app, details))
        (workspace_facts(details))
        (activity(details))
        (agent_tree::section(app, details, None))
        (builds::section(app, details, None))
        (probing.section())
    };
    (title, main)
}

fn header(
    app: &App,
    details: &WorkspaceDetails,
    it: &AgentDetails,
    incident: Option<&IncidentSummary>,
) -> Markup {
    let latest = &details.latest;
    let assessment = it.explanation.assessment;
    html! {
        h1 {
            (name(&latest.owner)) "/" (name(&latest.workspace)) "." (name(&it.agent.name)) " "
            (badge(assessment.health))
        }
        div class="summary" data-key="summary" data-swap {
            @if !it.is_of_latest_build { (of_an_earlier_build(app, details)) }
            @if latest.deleted { p class="warning" { "The workspace is deleted. Its agents are not counted." } }
            @if let Some(at) = assessment.since {
                p { "For " strong { (since(at, latest.now)) } @if let Some(cause) = it.cause { ": " (spoken(cause)) } }
            }
            @if let Some(incident) = incident {
                (in_an_incident(app, incident))
            } @else if let Some(advice) = assessment.health.advice(it.agent.kind, it.cause) {
                p class="advice" { (advice) }
            }
            p class="faint" { "As of " (exact(latest.now)) ", by the database's clock." }
        }
        (links(app, details))
    }
}

/// The advice of the incident instead of the agent's own.
fn in_an_incident(app: &App, incident: &IncidentSummary) -> Markup {
    let address = fleet::incident_address(&app.settings.links, &incident.incident_id);
    html! {
        p class="warning" {
            "It is one of " (counted(incident.agents, "agent")) " in an incident: "
            a href=(address) { (name(&incident.title)) } "."
        }
        p class="advice" { (incident.advice) }
        p class="advice" { strong { (incident.not_to_do) } }
    }
}

/// Commands that show more of the agent and change nothing.
fn commands(it: &AgentDetails) -> Markup {
    let commands = for_agent(&it.agent);
    html! {
        @if !commands.is_empty() {
            section class="card" aria-labelledby="commands" data-key="commands" {
                h2 id="commands" { "Look closer" }
                (commands_to_copy(&commands))
            }
        }
    }
}

fn of_an_earlier_build(app: &App, details: &WorkspaceDetails) -> Markup {
    let workspace = format!("/agents/{}", details.latest.workspace_id);
    html! {
        p class="warning" {
            "This agent belongs to an earlier build and is not counted. "
            @match &details.latest.build {
                Some(build) => { "The workspace's latest build is " (build.number) ": " },
                None => "",
            }
            a href=(app.settings.links.here(&workspace)) { "its agents" } "."
        }
    }
}

/// Links to the workspace in Coder and to the other agents of the template.
fn links(app: &App, details: &WorkspaceDetails) -> Markup {
    let latest = &details.latest;
    let links = &app.settings.links;
    let scope = &latest.scope;
    let same_template = Selection::default()
        .with(Facet::Organization, Some(&scope.organization))
        .with(Facet::Template, Some(&scope.template));
    html! {
        ul class="links" {
            @if let Some(coder) = links.workspace(&latest.owner, &latest.workspace) {
                li { a href=(coder) rel="noreferrer" { "Open in Coder" } }
            }
            li {
                a href=(fleet::address(links, same_template)) {
                    "Problems of template " (name(&scope.template))
                }
            }
        }
    }
}

/// The rules that decided status and health, with the values that they used.
fn why(it: &AgentDetails) -> Markup {
    let explanation = &it.explanation;
    let status = explanation.assessment.status.as_str();
    let health = explanation.assessment.health.as_str();
    let decision = |what: &str, reason: &Reason, so: &str, rule: Markup| {
        html! {
            dt { (what) }
            dd { (sanitize(&reason.saw)) " → " strong { (so) } " " (rule) }
        }
    };
    let by_status = status_rule(&explanation.status);
    let by_health = health_rule(&explanation.health);
    html! {
        section class="card" aria-labelledby="why" data-key="why" {
            h2 id="why" { "Why" }
            dl class="facts" {
                (decision("Status", &explanation.status, status, by_status))
                (decision("Health", &explanation.health, health, by_health))
                @if let Some(cause) = it.cause {
                    dt { "Cause" }
                    dd { strong { (cause.as_str()) } ": " (spoken(cause)) }
                }
                @for script in &it.scripts {
                    dt { "Script" }
                    dd { (sanitize(&script.to_string())) }
                }
            }
        }
    }
}

const fn spoken(cause: Cause) -> &'static str {
    match cause {
        Cause::TokenElsewhere => {
            "what holds the connection with the agent's token is no agent: it names no version"
        }
        Cause::OldProcess => {
            "an agent of this name in an earlier build was heard after this one was created: its process \
             is still running, with the old token"
        }
        Cause::CoderdGone => "the coderd that held the connection stopped or crashed",
        Cause::MemoryHigh => {
            "its memory was above the threshold of the template, which may or may not be why"
        }
        Cause::DiskHigh => {
            "a volume was above the threshold of the template, which may or may not be why"
        }
        Cause::ExitCode => "a startup script ended with an error",
        Cause::TimedOut => "a startup script took longer than the template allows",
        Cause::PipesLeftOpen => {
            "a startup script ended, but what it started in the background kept its output open"
        }
        Cause::ScriptRunning => "a startup script has not ended",
        Cause::SurvivedBuild => {
            "an agent of this name was ready in an earlier build, and its process is still running"
        }
        Cause::NeverReported => "the database has no report from the agent",
    }
}

/// Changes of the agent's health since the process started.
fn changes(app: &App, it: &AgentDetails) -> Vec<Change> {
    let health_history = app.collect.health_history();
    let changes = health_history.changes_of(it.agent.id);
    changes.map(|it| (it.at, it.from, it.to)).collect()
}
