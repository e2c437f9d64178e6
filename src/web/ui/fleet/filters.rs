//! The form that filters agents. It works without script; the script submits it on every keystroke.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::web::ui::parts::spoken;

use super::View;
use super::glance::SHOWN;

/// Maximum number of names in a list.
const MOST: usize = 500;

/// Renders the form. It is shown even if agents are unknown, because a user may be typing in it.
pub(super) fn filters(view: &View<'_>, fleet: Option<&FleetStats>) -> Markup {
    let selection = &view.query.selection;
    let scopes = || fleet.into_iter().flat_map(|it| it.snapshot.scopes.iter());
    let organizations = scopes().map(|it| &*it.organization).collect();
    let templates = scopes().map(|it| &*it.template).collect();
    let sort = view.query.sort();
    html! {
        form class="filters" method="get" action=(view.links.here("/")) role="search" aria-label="Agents" data-filters {
            label class="text" {
                span { "Find " kbd { "/" } }
                input type="search" name="q" value=(selection.text) maxlength="200"
                    placeholder="owner, workspace, agent or id" autocomplete="off"
                    autocapitalize="off" spellcheck="false" data-find;
            }
            (choice("organization", "Organization", &organizations, selection.organization.as_deref()))
            (choice("template", "Template", &templates, selection.template.as_deref()))
            fieldset {
                legend { "Health" }
                @for health in SHOWN { (class(health, selection.health.contains(&health))) }
            }
            @if let Some(id) = &selection.incident { input type="hidden" name="incident" value=(id); }
            @if sort != "since" { input type="hidden" name="sort" value=(sort); }
            p class="actions" {
                button { "Filter" } " "
                @if selection.is_narrowed() {
                    a href=(view.links.here("/")) data-swap data-key="clear" { "Show every problem" }
                }
            }
        }
    }
}

/// A list with one of many names, or all. The chosen name stays in it even if no agent has it.
fn choice(name: &str, label: &str, names: &BTreeSet<&str>, chosen: Option<&str>) -> Markup {
    if names.len() < 2 && chosen.is_none() {
        return html! {};
    }
    let mut names: BTreeSet<&str> = names.iter().copied().take(MOST).collect();
    names.extend(chosen);
    html! {
        label data-key=(name) {
            span { (label) }
            select name=(name) {
                option value="" { "all" }
                @for it in names {
                    option value=(it) selected[chosen == Some(it)] { (sanitize(it)) }
                }
            }
        }
    }
}

fn class(health: Health, is_chosen: bool) -> Markup {
    let name = health.as_str();
    html! {
        label class={ "chip health-" (name) } {
            input type="checkbox" name="health" value=(name) checked[is_chosen];
            span { (spoken(health)) }
        }
    }
}
