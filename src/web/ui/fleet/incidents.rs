//! The section with incidents: it stands first, since its advice holds for all their agents.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::fleet::model::time::Timestamp;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::identity::IncidentId;
use crate::incident::model::{Common, Incident};
use crate::incident::population::Dimension;
use crate::incident::report::{IncidentSummary, agents_per_minute, title};
use crate::web::links::Links;
use crate::web::ui::moments::{clock_time, since};
use crate::web::ui::parts::{commands_to_copy, counted, name, number};
use crate::web::ui::pictures;

use super::View;

/// Incidents with all that is known of them, and so many more with a line each.
const WHOLE: usize = 2;
const BRIEF: usize = 60;

/// Runners-up and other names of an incident.
const NAMED: usize = 3;

/// Renders the section; nothing where there is no incident.
pub(super) fn incidents(view: &View<'_>, fleet: &FleetStats) -> Markup {
    if view.incidents.is_empty() {
        return html! {};
    }
    let all = view.incidents;
    let (whole, others) = all.split_at(all.len().min(WHOLE));
    let brief = &others[..others.len().min(BRIEF)];
    let mut sinces = sinces(view, fleet);
    html! {
        section id="incidents" aria-labelledby="incidents-title" data-key="incidents" {
            h2 id="incidents-title" class="hidden" { (counted(all.len() as u64, "incident")) }
            ol class="incidents" {
                @for incident in whole {
                    @let line = pictures::trend(sinces.remove(&incident.id()).unwrap_or_default(), view.now);
                    (item(view, fleet, incident, line))
                }
            }
            @if !brief.is_empty() {
                details data-key="more-incidents" {
                    summary { (counted(others.len() as u64, "more incident")) }
                    ul { @for incident in brief { (line(view, fleet, incident)) } }
                    @if others.len() > brief.len() {
                        p class="note" {
                            (number((others.len() - brief.len()) as u64)) " more are in the "
                            a href=(view.links.here("/api/v1/incidents")) { "API" } "."
                        }
                    }
                }
            }
        }
    }
}

/// When the problem of each agent began, by the id of its incident.
fn sinces(view: &View<'_>, fleet: &FleetStats) -> HashMap<IncidentId, Vec<Timestamp>> {
    let mut sinces: HashMap<_, Vec<_>> = HashMap::new();
    for problem in fleet.problems() {
        if let Some(incident) = view.membership.get(problem.agent.id) {
            sinces.entry(incident.id()).or_default().push(problem.since);
        }
    }
    sinces
}

fn item(view: &View<'_>, fleet: &FleetStats, incident: &Incident, line: Markup) -> Markup {
    let summary = IncidentSummary::of(fleet, incident);
    let id = &summary.incident_id;
    html! {
        li class="card" id={ "incident-" (id) } data-key=(id) {
            h3 {
                (name(&summary.title)) " "
                @if incident.is_growing { span class="badge growing" { "↗ growing" } }
                @else if incident.first.is_some() { span class="badge" { "→ not growing" } }
            }
            div class="measure" {
                p { (numbers(incident)) (times(view, incident)) }
                (line)
            }
            p class="advice" { b { "Do: " } (summary.advice) }
            p class="advice" { b class="bad" { "Not: " } (summary.not_to_do) }
            p class="links" {
                @if !incident.members.is_empty() {
                    a href=(view.agents_of(incident)) data-swap { "Show its " (counted(summary.agents, "agent")) }
                }
            }
            details data-key="more" {
                summary { "Commands and links" }
                (others(&summary))
                @if !summary.commands.is_empty() { (commands_to_copy(&summary.commands)) }
                (links(view, incident, &summary))
            }
        }
    }
}

/// Runbook, dashboard and silence.
fn links(view: &View<'_>, incident: &Incident, summary: &IncidentSummary) -> Markup {
    let runbook = view.links.here(&Links::runbook(summary.runbook));
    let mut labels = vec![("alertname", summary.runbook)];
    if summary.runbook == "CoderIncident" {
        labels.extend([("kind", summary.kind), ("family", summary.family)]);
    }
    let dashboard = view.links.dashboard(&variables(&incident.common));
    html! {
        ul class="links" {
            li { "Runbook: " a href=(runbook) { (summary.runbook) } }
            @if let Some(dashboard) = dashboard {
                li { a href=(dashboard) rel="noreferrer" { "Dashboard in Grafana" } }
            }
            @if let Some(silence) = view.links.silence(&labels) {
                li { a href=(silence) rel="noreferrer" { "Silence in Alertmanager" } }
            }
        }
    }
}

/// The variables of the dashboard that show what the agents have in common.
fn variables(common: &Common) -> Vec<(&'static str, &str)> {
    match common {
        Common::Value(Dimension::Organization, value) => vec![("organization", value.as_str())],
        Common::Value(Dimension::Template | Dimension::TemplateVersion, value) => {
            let names = ["organization", "template"];
            names
                .into_iter()
                .zip(value.as_str().splitn(3, '/'))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn line(view: &View<'_>, fleet: &FleetStats, incident: &Incident) -> Markup {
    html! {
        li id={ "incident-" (incident.id()) } data-key=(incident.id()) {
            a href=(view.agents_of(incident)) data-swap { (name(&title(fleet, incident))) }
            ": " (numbers(incident))
        }
    }
}

fn numbers(incident: &Incident) -> Markup {
    html! {
        b { (number(incident.members.len() as u64)) } " of "
        (counted(incident.expected.into(), "agent")) " that could have been hit, "
        b { (counted(incident.owners.into(), "user")) }
        @if let Some(cut_off) = incident.owners_in_session {
            " (" b { (number(cut_off.into())) } " of them in session)"
        }
        ", "
        (counted(incident.workspaces.into(), "workspace"))
    }
}

fn times(view: &View<'_>, incident: &Incident) -> Markup {
    html! {
        @if let Some(first) = incident.first {
            ". Since " (clock_time(first, view.now)) ", " (since(first, view.now)) " ago"
            @if let Some(last) = incident.last { ", the last agent " (since(last, view.now)) " ago" }
            @if let Some(rate) = agents_per_minute(incident) { ", " (per_minute(rate)) " agents a minute" }
        }
        "."
    }
}

/// Tenths tell slow ones apart, and no others.
fn per_minute(rate: f64) -> String {
    match rate < 10.0 {
        true => format!("{rate:.1}"),
        false => number(rate.round() as u64),
    }
}

/// What else names the same agents, or nearly.
fn others(summary: &IncidentSummary) -> Markup {
    let same = summary.also.iter().take(NAMED);
    let same: Vec<_> = same.map(|it| (&it.factor, &it.value)).collect();
    let nearly = summary.runners_up.iter().take(NAMED);
    let nearly: Vec<_> = nearly.map(|it| (&it.factor, &it.value)).collect();
    html! {
        @for (what, values) in [("The same agents: ", same), ("Or: ", nearly)] {
            @if !values.is_empty() {
                p class="faint" {
                    (what)
                    @for (position, (factor, value)) in values.iter().enumerate() {
                        @if position > 0 { ", " }
                        (factor.replace('_', " ")) " " (name(value))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::{Agent, Kind};
    use crate::incident::advice::tests::incident;
    use crate::incident::membership::Membership;
    use crate::incident::population::Family;
    use crate::web::ui::fleet::fixtures::{collection, view};
    use crate::web::ui::fleet::query::Query;

    fn shown(incidents: &[Incident], fleet: &FleetStats) -> String {
        let collection = collection(Ok(fleet.clone()));
        let query = Query::default();
        let view = View {
            incidents,
            membership: Membership::of(fleet, incidents),
            ..view(&collection, &query)
        };
        super::incidents(&view, fleet).into_string()
    }

    /// So many incidents that share 6,000 lost agents, with names as long as they may be.
    fn many(count: u32) -> (Vec<Incident>, FleetStats) {
        let lost = Agent {
            last_connected_at: Some(at(-90)),
            ..agent()
        };
        let all = (0..count).map(|number| {
            let name = format!("{number:0250}");
            let common = Common::Value(Dimension::Owner, name.as_str().into());
            Incident {
                members: (0..6000).filter(|it| it % count == number).collect(),
                also: vec![(Dimension::Template, name.as_str().into()); 50],
                runners_up: vec![(Dimension::Template, name.as_str().into(), 1.0); 3],
                ..incident(Kind::Root, Family::Lost, common)
            }
        });
        (all.collect(), fleet_of(vec![lost; 6000]))
    }

    #[test]
    fn sixty_incidents_of_six_thousand_agents_make_a_small_page() {
        let (incidents, fleet) = many(60);
        let page = shown(&incidents, &fleet);
        assert!(page.len() < 64 << 10, "{} bytes", page.len());
        assert_eq!(page.matches("class=\"commands\"").count(), WHOLE);
        for one in &incidents {
            assert!(page.contains(&format!("incident={}", one.id())));
        }
        // The policy of the page allows neither.
        assert!(!page.contains("style=") && !page.contains("<script"));
    }

    #[test]
    fn rate_has_tenths_only_where_they_count() {
        let found = [0.24, 9.96, 10.0, 6000.0].map(per_minute);
        assert_eq!(found, ["0.2", "10.0", "10", "6,000"]);
    }

    #[test]
    fn those_beyond_the_limit_are_counted() {
        let (incidents, fleet) = many((WHOLE + BRIEF) as u32);
        assert!(!shown(&incidents, &fleet).contains("more are in the"));
        let (incidents, fleet) = many((WHOLE + BRIEF + 2) as u32);
        assert!(shown(&incidents, &fleet).contains("2 more are in the"));
        assert_eq!(shown(&[], &fleet), "");
    }

    #[test]
    fn dashboard_is_of_the_template_that_the_agents_share() {
        let of = |dimension, value: &str| {
            let common = Common::Value(dimension, value.into());
            let found = variables(&common).into_iter();
            found
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        let template = ["organization=acme", "template=docker"];
        assert_eq!(of(Dimension::TemplateVersion, "acme/docker/v1/2"), template);
        assert_eq!(of(Dimension::Organization, "acme"), template[..1]);
        assert_eq!(of(Dimension::Owner, "ada"), [""; 0]);
    }
}
