//! The section with agents by a field, which the reader chooses. Each value is a filter.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::facet::{Facet, Group};
use crate::fleet::select::selection::Selection;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::web::ui::parts::{name, number, percent};
use crate::web::ui::pictures;

use super::View;
use super::glance::{has_several_organizations, scope_name};

/// Number of groups that are shown first.
const WORST: usize = 7;

/// Maximum number of groups in the table.
const MOST: usize = 200;

/// What is needed to show the groups of a field and to link to them.
struct Groups<'a> {
    view: &'a View<'a>,
    facet: Facet,
    /// The templates by their value as a group.
    scopes: HashMap<String, &'a Scope>,
    /// Hostnames of coderd replicas by their id.
    hosts: HashMap<String, &'a str>,
    has_organizations: bool,
}

/// Renders the section.
pub(super) fn groups(view: &View<'_>, fleet: &FleetStats) -> Markup {
    let facet = view.query.group;
    let found = view.query.selection.groups(fleet, facet);
    let shown = Groups::new(view, fleet, facet);
    let with_problems = found.iter().filter(|it| it.problems() > 0).count();
    let more = with_problems.saturating_sub(WORST);
    html! {
        section class="card tall" id="where" aria-labelledby="where-title" data-key="where" {
            h2 id="where-title" tabindex="-1" { "Where" span class="faint" { ", by " (facet.spoken()) } }
            @if with_problems == 0 {
                p class="faint" { "No " (facet.spoken()) " has a problem." }
            } @else {
                ol class="where" {
                    @for group in found.iter().take(WORST.min(with_problems)) { (shown.line(group)) }
                }
                @if more > 0 {
                    p class="faint" { "and " (number(more as u64)) " more with problems, in the table" }
                }
            }
            @if !found.is_empty() {
                details data-key=(facet.as_str()) {
                    summary { "All " (plural(facet)) }
                    (shown.table(&found))
                }
            }
            (choices(view))
        }
    }
}

/// Links that group by another field.
fn choices(view: &View<'_>) -> Markup {
    html! {
        p class="choices" {
            span class="faint" { "By " }
            @for &facet in Facet::ALL {
                a href={ (view.href(&view.query.grouped_by(facet))) "#where" } data-swap
                    data-key=(facet.as_str()) aria-current=[(facet == view.query.group).then_some("true")] {
                    (facet.spoken())
                }
                " "
            }
        }
    }
}

const fn plural(facet: Facet) -> &'static str {
    match facet {
        Facet::Organization => "organizations",
        Facet::Template => "templates",
        Facet::TemplateVersion => "template versions",
        Facet::AgentVersion => "agent versions",
        Facet::CoderdReplica => "coderd replicas",
        Facet::Provisioner => "provisioners",
        Facet::Owner => "owners",
        Facet::ResourceType => "machine types",
        Facet::Kind => "kinds",
    }
}

impl<'a> Groups<'a> {
    fn new(view: &'a View<'a>, fleet: &'a FleetStats, facet: Facet) -> Self {
        let scopes = fleet.snapshot.scopes.iter();
        let replicas = fleet.snapshot.replicas.iter().flatten();
        Self {
            view,
            facet,
            scopes: scopes
                .map(|it| (format!("{}/{}", it.organization, it.template), it))
                .collect(),
            hosts: replicas
                .map(|it| (it.id.to_string(), it.hostname.as_str()))
                .collect(),
            has_organizations: has_several_organizations(fleet.snapshot.scopes.iter()),
        }
    }

    fn line(&self, group: &Group<'_>) -> Markup {
        let (problems, agents) = (group.problems(), group.agents());
        html! {
            li data-key=(group.value) {
                (self.value(group))
                (pictures::share(problems, agents))
                span class="number" {
                    b { (number(problems)) } span class="faint" { " of " (number(agents)) }
                }
                span class="number faint" { (percent(problems, agents)) }
            }
        }
    }

    fn table(&self, groups: &[Group<'_>]) -> Markup {
        let columns = ["Agents", "Healthy", "Starting", "Shut down", "Problems"];
        let title = format!("All {}", plural(self.facet));
        html! {
            div class="scroll" tabindex="0" role="region" aria-label=(title) {
                table class="data" {
                    caption class="hidden" { "Agents by " (self.facet.spoken()) }
                    thead { tr {
                        th scope="col" { (capital(self.facet.spoken())) }
                        @for name in columns { th scope="col" class="number" { (name) } }
                    } }
                    tbody {
                        @for group in groups.iter().take(MOST) {
                            tr data-key=(group.value) {
                                th scope="row" { (self.value(group)) }
                                @for count in counts(group) {
                                    td class={ "number" @if count == 0 { " faint" } } { (number(count)) }
                                }
                            }
                        }
                    }
                }
            }
            @if groups.len() > MOST {
                p class="note" { (number((groups.len() - MOST) as u64)) " more with fewer problems are not shown." }
            }
        }
    }

    /// The value as a link to its agents, or away from them if they are chosen already.
    fn value(&self, group: &Group<'_>) -> Markup {
        let value = group.value.as_ref();
        if value.is_empty() {
            return html! { span class="faint" { "unknown" } };
        }
        let (selection, is_chosen) = self.toggled(value);
        let link = self.view.at(&self.view.query.with(selection));
        html! {
            a href=(link) data-swap aria-current=[is_chosen.then_some("true")] {
                @match self.scopes.get(value).filter(|_| self.facet == Facet::Template) {
                    Some(scope) => (scope_name(scope, self.has_organizations)),
                    None => (name(value)),
                }
                @if let Some(host) = self.hosts.get(value).filter(|_| self.facet == Facet::CoderdReplica) {
                    " " span class="faint" { (name(host)) }
                }
            }
        }
    }

    /// The selection with this value, or without it if it has it.
    fn toggled(&self, value: &str) -> (Selection, bool) {
        let now = &self.view.query.selection;
        let scope = self.scopes.get(value);
        if let Some(scope) = scope.filter(|_| self.facet == Facet::Template) {
            let organization = self
                .has_organizations
                .then_some(scope.organization.as_str());
            let is_chosen = now.value(Facet::Template) == Some(scope.template.as_str())
                && now.value(Facet::Organization) == organization;
            let wanted = (!is_chosen).then_some(scope.template.as_str());
            let next = now
                .clone()
                .with(Facet::Organization, organization.filter(|_| !is_chosen))
                .with(Facet::Template, wanted);
            return (next, is_chosen);
        }
        let is_chosen = now.value(self.facet) == Some(value);
        let wanted = (!is_chosen).then_some(value);
        (now.clone().with(self.facet, wanted), is_chosen)
    }
}

fn counts(group: &Group<'_>) -> [u64; 5] {
    let count = |health: Health| group.health.get(&health).copied().unwrap_or_default();
    [
        group.agents(),
        count(Health::Healthy),
        count(Health::Connecting) + count(Health::Starting),
        count(Health::Shutdown),
        group.problems(),
    ]
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
