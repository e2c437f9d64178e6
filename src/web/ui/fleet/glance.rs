//! The section with totals by health.

use maud::{Markup, html};

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::selection::Selection;
use crate::fleet::stats::overview::ByHealth;
use crate::web::ui::moments::{clock_time, since};
use crate::web::ui::parts::{name, number, percent, spoken};
use crate::web::ui::pictures;

use super::View;

/// Health classes in the order of display: problems in the order of the rules, then starting,
/// healthy and stopped agents.
pub(super) const SHOWN: [Health; 11] = [
    Health::Disconnected,
    Health::Terminated,
    Health::StuckConnecting,
    Health::ConnectTimeout,
    Health::StartError,
    Health::StuckCreated,
    Health::StuckStarting,
    Health::Connecting,
    Health::Starting,
    Health::Healthy,
    Health::Shutdown,
];

/// What was known last, while nothing is known: dimmed and dated, without links.
pub(super) fn last_known(view: &View<'_>) -> Markup {
    let Some(point) = view.health_history.points().next_back() else {
        return html! {};
    };
    let counts = SHOWN.iter().map(|&health| (health, point.count(health)));
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    html! {
        section class="last-known" aria-labelledby="last-known" data-key="last-known" {
            h2 id="last-known" {
                "The last known fleet, " (since(point.at, view.now)) " ago, at " (clock_time(point.at, view.now))
            }
            ul class="legend" {
                @for (health, count) in counts {
                    li data-key=(health.as_str()) {
                        (pictures::swatch(health)) b class="number" { (number(count)) } " " (spoken(health))
                    }
                }
            }
        }
    }
}

/// The bar of the fleet by health, with a legend. Each class links to its agents. The keyboard has
/// the boxes of the form for it.
pub(super) fn totals(view: &View<'_>, total: &ByHealth) -> Markup {
    let all: u64 = total.values().sum();
    let parts: Vec<_> = SHOWN
        .iter()
        .map(|&health| (health, total.get(&health).copied().unwrap_or_default()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let link = |health: Health| {
        let health = vec![health];
        let selection = view.query.selection.clone();
        let selection = Selection {
            health,
            all: false,
            ..selection
        };
        view.at(&view.query.with(selection))
    };
    html! {
        section aria-label="Agents by health" data-key="totals" {
            (pictures::bar(&parts, link))
            ul class="legend" {
                @for (health, count) in &parts {
                    li data-key=(health.as_str()) {
                        a href=(link(*health)) tabindex="-1" data-swap {
                            (pictures::swatch(*health))
                            b class="number" { (number(*count)) } " "
                            (spoken(*health)) " "
                            span class="faint" { (percent(*count, all)) }
                        }
                    }
                }
            }
        }
    }
}

/// The template's name, with the organization if there are several.
pub(super) fn scope_name(scope: &Scope, has_organizations: bool) -> Markup {
    html! {
        (name(&scope.template))
        @if has_organizations { " " span class="faint" { (name(&scope.organization)) } }
    }
}

/// Whether these scopes have several organizations.
pub(super) fn has_several_organizations<'a>(scopes: impl Iterator<Item = &'a Scope>) -> bool {
    let mut names = scopes.map(|it| &it.organization);
    let first = names.next();
    names.any(|it| Some(it) != first)
}
