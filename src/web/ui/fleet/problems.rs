//! The section with the selected agents and what to do.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::select::selection::{Direction, Selected, SortKey};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::membership::sub_agents;
use crate::incident::model::Incident;
use crate::incident::report;
use crate::web::ui::moments::since;
use crate::web::ui::parts::{badge, counted, kind_note, name, number};

use super::View;
use super::filters::filters;
use super::glance::{has_several_organizations, scope_name};
use super::query::{MOST, Query, STEP};

/// Sub-agents that are shown below an agent of an incident.
const MOST_BELOW: usize = 20;

/// The columns of the table, with their sort keys.
const COLUMNS: [(&str, Option<SortKey>); 6] = [
    ("Health", Some(SortKey::Health)),
    ("Since", Some(SortKey::Since)),
    ("Workspace", Some(SortKey::Owner)),
    ("Agent", None),
    ("Template", Some(SortKey::Template)),
    ("Cause and advice", None),
];

/// Renders form, count and table, or a message if agents are unknown.
pub(super) fn problems(view: &View<'_>, fleet: Option<&FleetStats>, notes: &[String]) -> Markup {
    html! {
        section id="problems" aria-labelledby="problems-title" {
            h2 id="problems-title" tabindex="-1" { (title(view)) }
            (filters(view, fleet))
            @for note in notes { p class="note" { "Ignored: " (note) "." } }
            @match fleet {
                Some(fleet) => (found(view, fleet)),
                None => p class="empty" { "No data: see the reason above." },
            }
        }
    }
}

fn found(view: &View<'_>, fleet: &FleetStats) -> Markup {
    let selected = view.query.selection.of(fleet);
    let shown = &selected[..selected.len().min(view.query.show)];
    html! {
        @if shown.is_empty() {
            (nothing(view, fleet))
        } @else {
            p class="count" data-count { (count(view, shown.len(), selected.len())) }
            (table(view, fleet, shown))
            (more(view, shown.len(), selected.len()))
        }
    }
}

fn title(view: &View<'_>) -> &'static str {
    let health = &view.query.selection.health;
    match health.iter().all(|it| it.is_problem()) {
        true => "Problems",
        false => "Agents",
    }
}

fn count(view: &View<'_>, shown: usize, all: usize) -> String {
    let kind = match title(view) {
        "Problems" => "problem",
        _ => "agent",
    };
    match shown == all {
        true => format!("Showing {}", counted(all as u64, kind)),
        false => format!(
            "Showing {} of {}",
            number(shown as u64),
            counted(all as u64, kind)
        ),
    }
}

fn nothing(view: &View<'_>, fleet: &FleetStats) -> Markup {
    let problems = fleet.problems().len() as u64;
    html! {
        @if view.query.selection.is_narrowed() {
            p class="empty" {
                "No agent matches. "
                @if problems > 0 {
                    a href=(view.links.here("/")) data-swap { "Show every problem" } " (" (number(problems)) ")"
                }
            }
        } @else {
            p class="empty good" { "No agent has a problem." }
        }
    }
}

fn table(view: &View<'_>, fleet: &FleetStats, shown: &[Selected<'_>]) -> Markup {
    let workspaces = shown.iter().map(|it| it.agent.workspace_id);
    let below = match view.query.selection.incident {
        Some(_) => sub_agents(fleet, workspaces),
        None => HashMap::new(),
    };
    let has_organizations = has_several_organizations(fleet.snapshot.scopes.iter());
    html! {
        table class="data cards" {
            caption class="hidden" { "Agents with their health, since when, and what to do" }
            thead { tr {
                @for (name, key) in COLUMNS { (column(view, name, key)) }
            } }
            tbody {
                @for one in shown {
                    (row(view, one, has_organizations))
                    @for (agent, assessment) in below.get(&one.agent.workspace_id).into_iter().flatten().take(MOST_BELOW) {
                        (row(view, &Selected::of(fleet, agent, *assessment), has_organizations))
                    }
                }
            }
        }
    }
}

fn column(view: &View<'_>, name: &str, key: Option<SortKey>) -> Markup {
    let Some(key) = key else {
        return html! { th scope="col" { (name) } };
    };
    let selection = &view.query.selection;
    let sorted = (selection.sort == key).then_some(match selection.direction {
        // The oldest is the one with the most age, but the first in time.
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    });
    html! {
        th scope="col" aria-sort=[sorted] {
            a href=(view.href(&view.query.sorted_by(key))) data-swap { (name) }
        }
    }
}

fn row(view: &View<'_>, one: &Selected<'_>, has_organizations: bool) -> Markup {
    let agent = one.agent;
    html! {
        tr data-key=(agent.id) {
            td { (badge(one.health)) }
            td class="since" {
                @match one.since {
                    Some(at) => (since(at, view.now)),
                    None => span class="faint" { "–" },
                }
            }
            th scope="row" { (workspace(view, one)) }
            td data-label="Agent" {
                @if agent.kind == Kind::Sub { span aria-hidden="true" { "↳ " } }
                a href=(view.links.here(&format!("/agents/{}", agent.id))) { (name(&agent.name)) }
                @if let Some(kind) = kind_note(agent.kind) { span class="faint" { " " (kind) } }
            }
            td data-label="Template" {
                @if let Some(scope) = one.scope { (scope_name(scope, has_organizations)) }
            }
            td class="what" {
                @if let Some(cause) = one.cause {
                    b { (cause.as_str().replace('_', " ")) ". " }
                }
                @match view.membership.get(agent.id) {
                    Some(incident) => (of_incident(view, incident)),
                    None => (one.health.advice(agent.kind, one.cause).unwrap_or_default()),
                }
            }
        }
    }
}

/// The advice of the incident that an agent is in, instead of its own.
fn of_incident(view: &View<'_>, incident: &Incident) -> Markup {
    html! {
        "In the incident "
        a href=(view.agents_of(incident)) data-swap { (name(&report::title_of(incident.kind, incident.family, &incident.common))) }
        ". " (incident.advice())
    }
}

/// `owner/workspace`, as a link to Coder if `--coder.url` is set.
fn workspace(view: &View<'_>, one: &Selected<'_>) -> Markup {
    let agent = one.agent;
    let names = html! { (name(&agent.owner)) "/" (name(&agent.workspace)) };
    match view.links.workspace(&agent.owner, &agent.workspace) {
        Some(link) => html! {
            a href=(link) rel="noopener noreferrer" { (names) span class="hidden" { " on Coder" } }
        },
        None => names,
    }
}

fn more(view: &View<'_>, shown: usize, all: usize) -> Markup {
    let link = |show: usize| {
        let selection = view.query.selection.clone();
        view.href(&Query { selection, show })
    };
    let step = match shown {
        ..500 => STEP,
        _ => 500,
    };
    let next = (shown + step).min(all).min(MOST);
    html! {
        @if next > shown {
            p class="more" {
                a class="button" href=(link(next)) data-swap="stay" { "Show " (number((next - shown) as u64)) " more" }
                @if all > next && all <= MOST {
                    " " a href=(link(all)) data-swap="stay" { "Show all " (number(all as u64)) }
                }
            }
        } @else if all > shown {
            p class="note" { "At most " (number(MOST as u64)) " rows are shown. Use the filters to show fewer agents." }
        }
    }
}
