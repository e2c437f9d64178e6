//! The section with totals by health and by template.

use maud::{Markup, html};

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::selection::Selection;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{ByHealth, by_template, problems_in};
use crate::web::ui::parts::{counted, name, number, percent, spoken};
use crate::web::ui::pictures;

use super::View;

/// Number of templates that are shown first.
const WORST: usize = 7;

/// Maximum number of templates in the table.
const MOST: usize = 200;

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

/// The bar of the fleet by health, with a legend. Each class links to its agents.
pub(super) fn totals(view: &View<'_>, total: &ByHealth) -> Markup {
    let all: u64 = total.values().sum();
    let parts: Vec<_> = SHOWN
        .iter()
        .map(|&health| (health, total.get(&health).copied().unwrap_or_default()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let link = |health: Health| {
        let health = vec![health];
        view.link(Selection {
            health,
            ..Selection::default()
        })
    };
    html! {
        section aria-label="Agents by health" data-key="totals" {
            (pictures::bar(&parts, link))
            ul class="legend" {
                @for (health, count) in &parts {
                    li data-key=(health.as_str()) {
                        a href=(link(*health)) data-swap {
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

/// The templates with the largest share of problems first.
pub(super) fn place(view: &View<'_>, fleet: &FleetStats) -> Markup {
    let rows = by_template(fleet);
    let has_organizations = has_several_organizations(rows.keys().copied());
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|one, other| share(&other.1).total_cmp(&share(&one.1)));
    let with_problems = rows.iter().filter(|(_, row)| problems_in(row) > 0).count();
    html! {
        section class="card tall" aria-labelledby="where" data-key="where" {
            h2 id="where" { "Where" }
            @if with_problems == 0 {
                p class="faint" { "No template has a problem." }
            } @else {
                ol class="where" {
                    @for (scope, row) in rows.iter().take(WORST.min(with_problems)) {
                        li data-key=(key(scope)) {
                            a href=(link(view, scope, has_organizations)) data-swap {
                                (scope_name(scope, has_organizations))
                            }
                            (pictures::share(problems_in(row), row.values().sum()))
                            span class="number" {
                                b { (number(problems_in(row))) }
                                span class="faint" { " of " (number(row.values().sum())) }
                            }
                        }
                    }
                }
                @if with_problems > WORST {
                    p class="faint" { "and " (counted((with_problems - WORST) as u64, "more template")) " with problems" }
                }
            }
            @if !rows.is_empty() {
                details {
                    summary { "All templates" }
                    (table(view, &rows, has_organizations))
                }
            }
        }
    }
}

fn table(view: &View<'_>, rows: &[(&Scope, ByHealth)], has_organizations: bool) -> Markup {
    let columns = ["Agents", "Healthy", "Starting", "Shut down", "Problems"];
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="All templates" {
            table class="data" {
                caption class="hidden" { "Agents of each template" }
                thead { tr {
                    th scope="col" { "Template" }
                    @for name in columns { th scope="col" class="number" { (name) } }
                } }
                tbody {
                    @for (scope, row) in rows.iter().take(MOST) {
                        tr data-key=(key(scope)) {
                            th scope="row" {
                                a href=(link(view, scope, has_organizations)) data-swap {
                                    (scope_name(scope, has_organizations))
                                }
                            }
                            @for count in counts(row) { td class="number" { (number(count)) } }
                        }
                    }
                }
            }
        }
        @if rows.len() > MOST {
            p class="note" { (counted((rows.len() - MOST) as u64, "more template")) " with fewer problems are not shown." }
        }
    }
}

fn counts(row: &ByHealth) -> [u64; 5] {
    let count = |health: Health| row.get(&health).copied().unwrap_or_default();
    [
        row.values().sum(),
        count(Health::Healthy),
        count(Health::Connecting) + count(Health::Starting),
        count(Health::Shutdown),
        problems_in(row),
    ]
}

fn share(row: &ByHealth) -> f64 {
    let all: u64 = row.values().sum();
    problems_in(row) as f64 / all.max(1) as f64
}

fn link(view: &View<'_>, scope: &Scope, has_organizations: bool) -> String {
    view.link(Selection {
        organization: has_organizations.then(|| scope.organization.to_string()),
        template: Some(scope.template.to_string()),
        ..Selection::default()
    })
}

fn key(scope: &Scope) -> String {
    format!("{}/{}", scope.organization, scope.template)
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
