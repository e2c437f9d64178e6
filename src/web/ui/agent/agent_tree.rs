//! The section with the agents of the latest build, each sub-agent below its parent.

use maud::{Markup, html};
use uuid::Uuid;

use crate::details::WorkspaceDetails;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::agent_tree::agent_tree;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::explain::explain;
use crate::web::state::App;

use super::super::moments::{full_moment, since};
use super::super::parts::{badge, kind_note, name};

/// Maximum number of agents on the page; a workspace usually has a handful.
const SHOWN: usize = 200;

/// Renders the section. `own` is the agent of the page.
pub(super) fn section(app: &App, details: &WorkspaceDetails, own: Option<Uuid>) -> Markup {
    let placed = agent_tree(&details.latest.agents);
    let more = placed.len().saturating_sub(SHOWN);
    html! {
        section class="card" aria-labelledby="kin" data-key="kin" {
            h2 id="kin" { "Agents of the latest build" }
            @if placed.is_empty() { p class="faint" { "The latest build has no agent." } } @else {
                table class="data cards" {
                    caption class="hidden" { "Agents of the latest build, sub-agents under their parent" }
                    thead {
                        tr {
                            th scope="col" { "Agent" } th scope="col" { "Status" }
                            th scope="col" { "Health" } th scope="col" { "For" }
                            th scope="col" { "Lifecycle" } th scope="col" { "Last heartbeat" }
                        }
                    }
                    tbody {
                        @for (depth, candidate) in placed.iter().take(SHOWN) {
                            (row(app, details, &candidate.agent, *depth, own))
                        }
                    }
                }
                @if more > 0 { p class="note" { (more) " more are not shown." } }
            }
        }
    }
}

fn row(
    app: &App,
    details: &WorkspaceDetails,
    agent: &Agent,
    depth: usize,
    own: Option<Uuid>,
) -> Markup {
    let now = details.latest.now;
    let assessment = explain(agent, &details.limits, now).assessment;
    let is_own = own == Some(agent.id);
    let link = app.settings.links.here(&format!("/agents/{}", agent.id));
    html! {
        tr data-key=(agent.id) class=[is_own.then_some("current")] {
            th scope="row" class={ "depth-" (depth.min(3)) } {
                @if depth > 0 { span aria-hidden="true" { "↳ " } }
                @if is_own { strong aria-current="true" { (name(&agent.name)) } }
                @else { a href=(link) { (name(&agent.name)) } }
                @if let Some(kind) = kind_note(agent.kind) { span class="faint" { " " (kind) } }
            }
            td data-label="Status" { (assessment.status.as_str()) }
            td { (badge(assessment.health)) }
            td data-label="For" { @if let Some(at) = assessment.since { (since(at, now)) } }
            td data-label="Lifecycle" { (sanitize(agent.lifecycle.as_str())) }
            td data-label="Last heartbeat" { (full_moment(agent.last_connected_at, now)) }
        }
    }
}
