//! The form that filters agents. It works without script; the script submits it on every keystroke.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::health::Health;
use crate::fleet::select::facet::Facet;
use crate::fleet::stats::overview::{ByHealth, problems_in};
use crate::web::ui::parts::{name, number, spoken};

use super::View;
use super::glance::SHOWN;
use super::state::FleetState;

/// Maximum number of names in a list.
const MOST: usize = 500;

/// Fields that the form has a list for; the values of the others are hidden in it.
const LISTED: [Facet; 3] = [Facet::Organization, Facet::Template, Facet::Kind];

/// Renders the form. It is shown even if agents are unknown, because a user may be typing in it.
pub(super) fn filters(view: &View<'_>, state: &FleetState<'_>) -> Markup {
    let selection = &view.query.selection;
    let is_open = !selection.health.is_empty() || !selection.facets.is_empty();
    html! {
        form class="filters" method="get" action={ (view.links.here("/")) "#problems" } role="search" aria-label="Agents" data-filters {
            label class="text" {
                span { "Find " kbd { "/" } }
                input type="search" name="q" value=(selection.text) maxlength="200"
                    placeholder="owner, workspace, agent, id, version, URL" autocomplete="off"
                    autocapitalize="off" spellcheck="false" data-find;
            }
            (extent(selection.all, state.total()))
            noscript { button { "Filter" } }
            details class="narrow" open[is_open] {
                summary { "Filters" }
                div class="lists" { (lists(view, state)) }
                (classes(view, state.total()))
            }
            (hidden(view))
        }
        (chosen(view))
    }
}

/// The choice between problems and all agents.
fn extent(all: bool, total: Option<&ByHealth>) -> Markup {
    let choices = [
        ("", "problems", !all, total.map(problems_in)),
        ("all", "all agents", all, total.map(|it| it.values().sum())),
    ];
    html! {
        fieldset class="extent" {
            legend { "Show" }
            @for (value, label, is_chosen, count) in choices {
                label class="chip" data-key=(label) {
                    input type="radio" name="agents" value=(value) checked[is_chosen];
                    span { (label) @if let Some(count) = count { " " b { (number(count)) } } }
                }
            }
        }
    }
}

fn lists(view: &View<'_>, state: &FleetState<'_>) -> Markup {
    let selection = &view.query.selection;
    let fleet = state.fleet();
    let scopes = || fleet.into_iter().flat_map(|it| it.snapshot.scopes.iter());
    let kinds = Kind::ALL.iter().map(|it| it.as_str());
    let lists = [
        (
            "Organization",
            scopes().map(|it| &*it.organization).collect(),
        ),
        ("Template", scopes().map(|it| &*it.template).collect()),
        ("Kind", kinds.collect()),
    ];
    html! {
        @for (facet, (label, names)) in LISTED.into_iter().zip(lists) {
            (list(facet, label, &names, selection.value(facet)))
        }
    }
}

/// A list with one of many names, or all. The chosen name stays in it even if no agent has it.
fn list(facet: Facet, label: &str, names: &BTreeSet<&str>, chosen: Option<&str>) -> Markup {
    if names.len() < 2 && chosen.is_none() {
        return html! {};
    }
    let mut names: BTreeSet<&str> = names.iter().copied().take(MOST).collect();
    names.extend(chosen);
    html! {
        label data-key=(facet.as_str()) {
            span { (label) }
            select name=(facet.as_str()) {
                option value="" { "all" }
                @for it in names {
                    option value=(it) selected[chosen == Some(it)] { (sanitize(it)) }
                }
            }
        }
    }
}

fn classes(view: &View<'_>, total: Option<&ByHealth>) -> Markup {
    let chosen = &view.query.selection.health;
    html! {
        fieldset {
            legend { "Health" }
            @for health in SHOWN {
                label class={ "chip health-" (health.as_str()) } data-key=(health.as_str()) {
                    input type="checkbox" name="health" value=(health.as_str()) checked[chosen.contains(&health)];
                    span { (spoken(health)) (count(total, health)) }
                }
            }
        }
    }
}

fn count(total: Option<&ByHealth>, health: Health) -> Markup {
    let count = total.map(|it| it.get(&health).copied().unwrap_or_default());
    html! {
        @if let Some(count) = count {
            " " b class=[(count == 0).then_some("faint")] { (number(count)) }
        }
    }
}

/// What the form keeps although it has no field for it.
fn hidden(view: &View<'_>) -> Markup {
    let selection = &view.query.selection;
    let others = selection.facets.iter().filter(|it| !LISTED.contains(&it.0));
    let sort = view.query.sort();
    let group = view.query.group;
    html! {
        @for (facet, value) in others { input type="hidden" name=(facet.as_str()) value=(value); }
        @if let Some(id) = &selection.incident { input type="hidden" name="incident" value=(id); }
        @if group != Facet::default() { input type="hidden" name="group" value=(group.as_str()); }
        @if sort != "since" { input type="hidden" name="sort" value=(sort); }
    }
}

/// The chosen values, each with a link that takes it away.
fn chosen(view: &View<'_>) -> Markup {
    let selection = &view.query.selection;
    let without = |index: usize| {
        let mut next = selection.clone();
        next.facets.remove(index);
        view.at(&view.query.with(next))
    };
    html! {
        @if selection.is_narrowed() {
            p class="chosen" data-key="chosen" {
                @for (index, (facet, value)) in selection.facets.iter().enumerate() {
                    a class="button" href=(without(index)) data-swap {
                        span class="hidden" { "Without " } (facet.spoken()) " " (name(value))
                        span aria-hidden="true" { " ×" }
                    }
                    " "
                }
                a href={ (view.links.here("/")) } data-swap data-key="clear" { "Show every problem" }
            }
        }
    }
}
