//! The section with the selected agents and what to do.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::select::selection::{Direction, Selected, Selection, SortKey};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::membership::sub_agents;
use crate::incident::model::Incident;
use crate::incident::report;
use crate::web::ui::moments::since;
use crate::web::ui::parts::{badge, counted, kind_note, name, number};

use super::View;
use super::filters::filters;
use super::glance::{has_several_organizations, scope_name};
use super::query::Query;
use super::state::FleetState;

/// Sub-agents that are shown below an agent of an incident.
const MOST_BELOW: usize = 20;

/// The columns of the table, with their sort keys.
const COLUMNS: [(&str, Option<SortKey>); 6] = [
    ("Health", Some(SortKey::Health)),
    ("For", Some(SortKey::Since)),
    ("Workspace", Some(SortKey::Owner)),
    ("Agent", None),
    ("Template", Some(SortKey::Template)),
    ("Cause and advice", None),
];

/// Renders form, count and table, or a message if agents are unknown.
pub(super) fn problems(view: &View<'_>, state: &FleetState<'_>, notes: &[String]) -> Markup {
    html! {
        section id="problems" aria-labelledby="problems-title" {
            h2 id="problems-title" tabindex="-1" { (title(&view.query.selection)) }
            (filters(view, state))
            @for note in notes { p class="note" { "Ignored: " (note) "." } }
            @match state.fleet() {
                Some(fleet) => (found(view, fleet)),
                None => p class="empty" { "No data: see the reason above." },
            }
        }
    }
}

fn found(view: &View<'_>, fleet: &FleetStats) -> Markup {
    let selection = &view.query.selection;
    let problems = selection.of(fleet);
    // What is looked for by name is found whether it has a problem or not.
    let is_search = !selection.text.trim().is_empty();
    let is_of_problems = selection.health.is_empty() && !selection.all;
    let every = match is_search && is_of_problems {
        true => every(selection).of(fleet),
        false => Vec::new(),
    };
    html! {
        @if !problems.is_empty() {
            (window(view, fleet, &problems, selection))
            @if every.len() > problems.len() {
                p class="note" {
                    a href=(view.at(&view.query.with(self::every(selection)))) data-swap {
                        "Show all " (counted(every.len() as u64, "agent")) " that match"
                    }
                }
            }
        } @else if !every.is_empty() {
            p class="note" data-key="well" { "No problem matches. These agents match, and have none:" }
            (window(view, fleet, &every, &self::every(selection)))
        } @else {
            (nothing(view, fleet))
        }
    }
}

/// The same selection with agents that have no problem.
fn every(selection: &Selection) -> Selection {
    Selection {
        all: true,
        ..selection.clone()
    }
}

/// The rows of the page, of all that are selected.
fn window(
    view: &View<'_>,
    fleet: &FleetStats,
    all: &[Selected<'_>],
    selection: &Selection,
) -> Markup {
    let size = view.query.show;
    let from = match view.query.from {
        from if from < all.len() => from,
        _ => (all.len() - 1) / size * size,
    };
    let to = (from + size).min(all.len());
    html! {
        p class="count" data-count { (count(selection, from, to, all.len())) }
        (table(view, fleet, &all[from..to]))
        (pager(view, from, all.len()))
        (take_along(view, selection))
    }
}

fn title(selection: &Selection) -> &'static str {
    match !selection.all && selection.health.iter().all(|it| it.is_problem()) {
        true => "Problems",
        false => "Agents",
    }
}

fn count(selection: &Selection, from: usize, to: usize, all: usize) -> String {
    let kind = match title(selection) {
        "Problems" => "problem",
        _ => "agent",
    };
    let shown = counted(all as u64, kind);
    let (first, last) = (number(from as u64 + 1), number(to as u64));
    match from {
        0 if to == all => format!("Showing {shown}"),
        0 => format!("Showing {last} of {shown}"),
        _ => format!("Showing {first} to {last} of {shown}"),
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
                    Some(incident) => (of_incident(incident)),
                    None => (one.health.advice(agent.kind, one.cause).unwrap_or_default()),
                }
            }
        }
    }
}

/// The incident that an agent is in, which has the advice.
fn of_incident(incident: &Incident) -> Markup {
    let title = report::title_of(incident.kind, incident.family, &incident.common);
    html! { "In the incident " a href={ "#incident-" (incident.id()) } { (name(&title)) } }
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

/// Links to the rows before and after.
fn pager(view: &View<'_>, from: usize, all: usize) -> Markup {
    let size = view.query.show;
    let link = |from: usize| {
        let query = Query {
            from,
            ..view.query.clone()
        };
        view.at(&query)
    };
    let last = (all - 1) / size * size;
    let step = number(size as u64);
    html! {
        @if all > size {
            nav class="more" aria-label="Rows" {
                @if from > 0 {
                    a class="button" href=(link(0)) data-swap { "First" } " "
                    a class="button" href=(link(from.saturating_sub(size))) data-swap rel="prev" { "Previous " (step) } " "
                }
                @if from + size < all {
                    a class="button" href=(link(from + size)) data-swap rel="next" { "Next " (step) } " "
                    a class="button" href=(link(last)) data-swap { "Last" }
                }
            }
        }
    }
}

/// Links to all that is selected as text, table and commands. The script copies instead.
fn take_along(view: &View<'_>, selection: &Selection) -> Markup {
    let query = view.query.with(selection.clone()).of_all().write();
    let separator = if query.is_empty() { "" } else { "?" };
    let link = |path: &str| format!("{}{separator}{query}", view.links.here(path));
    html! {
        p class="take" data-key="take" {
            span class="faint" { "All of these as " }
            a href=(link("/agents.txt")) data-copy { "text" } " "
            a href=(link("/agents.sh")) data-copy { "coder commands" } " "
            a href=(link("/agents.csv")) download="agents.csv" { "CSV" }
        }
    }
}
