//! The section with incidents: it stands first, since its advice holds for all their agents.

use maud::{Markup, html};

use crate::fleet::report::format::age;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::model::Incident;
use crate::incident::report::{IncidentSummary, agents_per_minute, title, title_of};
use crate::web::links::Links;
use crate::web::ui::moments::{clock_time, since};
use crate::web::ui::parts::{counted, name, number};

use super::View;

/// Incidents with all that is known of them, and so many more with a line each.
const WHOLE: usize = 5;
const BRIEF: usize = 60;

/// Ended incidents that are listed.
const ENDED: usize = 20;

/// Runners-up and other names of an incident.
const NAMED: usize = 3;

/// Renders the section; nothing where there is no incident and was none lately.
pub(super) fn incidents(view: &View<'_>, fleet: &FleetStats) -> Markup {
    if view.incidents.is_empty() {
        return html! {
            @if !view.ended.is_empty() {
                section id="incidents" aria-label="Incidents" data-key="incidents" { (ended(view)) }
            }
        };
    }
    let all = view.incidents;
    let (whole, others) = all.split_at(all.len().min(WHOLE));
    let brief = &others[..others.len().min(BRIEF)];
    html! {
        section id="incidents" aria-labelledby="incidents-title" data-key="incidents" {
            h2 id="incidents-title" { (counted(all.len() as u64, "incident")) }
            ol class="incidents" {
                @for incident in whole { (item(view, fleet, incident)) }
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
            (ended(view))
        }
    }
}

/// Incidents of the last six hours that are over.
fn ended(view: &View<'_>) -> Markup {
    let shown = view.ended.iter().take(ENDED);
    html! {
        @if !view.ended.is_empty() {
            details data-key="ended-incidents" {
                summary { (counted(view.ended.len() as u64, "incident")) " ended in the last six hours" }
                ul {
                    @for one in shown {
                        li {
                            (name(&title_of(one.kind, one.family, &one.common)))
                            ": from " (clock_time(one.start, view.now))
                            " for " (age(one.end.seconds_since(one.start))) ", up to "
                            (counted(one.agents.into(), "agent")) " of " (counted(one.owners.into(), "user"))
                            @if let Some(cut_off) = one.owners_in_session {
                                ", " (number(cut_off.into())) " of them in session"
                            }
                        }
                    }
                }
                @if view.ended.len() > ENDED {
                    p class="note" { "Those before are in the " a href=(view.links.here("/api/v1/incidents")) { "API" } "." }
                }
            }
        }
    }
}

fn item(view: &View<'_>, fleet: &FleetStats, incident: &Incident) -> Markup {
    let summary = IncidentSummary::of(fleet, incident);
    let id = &summary.incident_id;
    html! {
        li class="card" id={ "incident-" (id) } data-key=(id) {
            h3 { (name(&summary.title)) }
            p { (numbers(incident)) }
            (times(view, incident))
            (others(&summary))
            p class="advice" { b { "Do: " } (summary.advice) }
            p class="advice" { b class="bad" { "Not: " } (summary.not_to_do) }
            @if !summary.commands.is_empty() {
                pre class="commands" { (summary.commands.join("\n")) }
            }
            ul class="links" {
                @if !incident.members.is_empty() {
                    li { a href=(view.agents_of(incident)) data-swap { "Its " (counted(summary.agents, "agent")) } }
                }
                li { "Runbook: " a href=(view.links.here(&Links::runbook(summary.runbook))) { (summary.runbook) } }
            }
        }
    }
}

fn line(view: &View<'_>, fleet: &FleetStats, incident: &Incident) -> Markup {
    html! {
        li data-key=(incident.id()) {
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
            p {
                "Since " (clock_time(first, view.now)) ", " (since(first, view.now)) " ago"
                @if let Some(last) = incident.last { ", the last agent " (since(last, view.now)) " ago" }
                @if let Some(rate) = agents_per_minute(incident) { ", " (format!("{rate:.1}")) " agents a minute" }
                "."
                @if incident.is_growing { " " strong class="bad" { "It is growing." } }
            }
        }
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
    use crate::incident::model::Common;
    use crate::incident::population::{Dimension, Family};
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
    fn those_beyond_the_limit_are_counted() {
        let (incidents, fleet) = many((WHOLE + BRIEF) as u32);
        assert!(!shown(&incidents, &fleet).contains("more are in the"));
        let (incidents, fleet) = many((WHOLE + BRIEF + 2) as u32);
        assert!(shown(&incidents, &fleet).contains("2 more are in the"));
        assert_eq!(shown(&[], &fleet), "");
    }
}
