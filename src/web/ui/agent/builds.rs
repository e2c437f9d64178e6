//! The section with the last builds of the workspace, and the progress of the agent in each. It
//! shows whether a process has survived a build.

use maud::{Markup, html};

use crate::details::{AgentDetails, WorkspaceDetails};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::latest::{PastAgent, PastBuild};
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::sanitize::sanitize;
use crate::web::state::App;

use super::super::moments::full_moment;
use super::super::parts::{long_text, name};

/// Renders the section, for agents with the name of `own` or for all agents.
pub(super) fn section(app: &App, details: &WorkspaceDetails, own: Option<&AgentDetails>) -> Markup {
    let is_shown = |it: &&PastAgent| own.is_none_or(|own| own.agent.name == it.name);
    let agents = details.builds.iter().flat_map(|build| {
        let shown = build.agents.iter().filter(is_shown);
        shown.map(move |agent| (build, agent))
    });
    let rows: Vec<_> = agents.collect();
    let survived = own.is_some_and(|it| it.cause == Some(Cause::SurvivedBuild));
    html! {
        section class="card" aria-labelledby="builds" data-key="builds" {
            h2 id="builds" { "The last builds with agents" }
            @if survived {
                p class="note" {
                    "An agent of this name was ready in an earlier build. Its process is still running "
                    "and does not report its state again for this build."
                }
            }
            @if rows.is_empty() {
                p class="faint" { "There are no builds with agents." }
            } @else {
                table class="data cards" {
                    caption class="hidden" { "The last builds with agents, the newest first" }
                    thead {
                        tr {
                            th scope="col" { "Build" } th scope="col" { "Transition" }
                            th scope="col" { "Job" } th scope="col" { "Agent" }
                            th scope="col" { "Lifecycle" } th scope="col" { "Created" }
                            th scope="col" { "First connected" } th scope="col" { "Ready" }
                        }
                    }
                    tbody {
                        @for (build, agent) in rows { (row(app, details.latest.now, build, agent, own)) }
                    }
                }
            }
        }
    }
}

fn row(
    app: &App,
    now: Timestamp,
    PastBuild { build, .. }: &PastBuild,
    agent: &PastAgent,
    own: Option<&AgentDetails>,
) -> Markup {
    let is_own = own.is_some_and(|own| own.agent.id == agent.id);
    let link = app.settings.links.here(&format!("/agents/{}", agent.id));
    html! {
        tr data-key=(agent.id) class=[is_own.then_some("current")] {
            th scope="row" { "Build " (build.number) }
            td { (sanitize(build.transition.as_str())) }
            td {
                (sanitize(build.job.as_str()))
                @if let Some(error) = &build.error { (long_text(error)) }
            }
            td {
                @if is_own { strong aria-current="true" { (name(&agent.name)) } }
                @else { a href=(link) { (name(&agent.name)) } }
            }
            td data-label="Lifecycle" { (sanitize(agent.lifecycle.as_str())) }
            td data-label="Created" { (full_moment(agent.created_at, now)) }
            td data-label="First connected" { (full_moment(agent.first_connected_at, now)) }
            td data-label="Ready" { (full_moment(agent.ready_at, now)) }
        }
    }
}
