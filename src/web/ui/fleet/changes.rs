//! The section with recent changes of health.

use std::time::Duration;

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::facet::Facet;
use crate::fleet::select::selection::Selection;
use crate::fleet::stats::health_history::{ChangeEvent, HealthHistory};
use crate::web::ui::moments::{clock_time, since};
use crate::web::ui::parts::{badge, name, number};

use super::View;

/// The period that is shown.
const WINDOW: Duration = Duration::from_secs(3600);

/// Number of events that are shown first. The next constant is the maximum.
const FIRST: usize = 5;
const MOST: usize = 50;

/// Number of gaps that are shown.
const GAPS: usize = 3;

/// Number of agents of an event that are listed by name.
const NAMED: usize = 10;

/// Renders the section: events about problems, and the number of other changes.
pub(super) fn changes(view: &View<'_>) -> Markup {
    let health_history = view.health_history;
    let events = health_history.events(WINDOW, view.now);
    let (problems, others): (Vec<_>, Vec<_>) = events.iter().partition(|it| it.is_about_problems());
    html! {
        section class="card" aria-labelledby="changes" data-key="changes" {
            h2 id="changes" { "What changed " span class="faint" { "in the last hour" } }
            @if problems.is_empty() {
                p class="faint" {
                    @if health_history.last_known().is_some() {
                        "No problem began or ended."
                    } @else {
                        "There is no data yet."
                    }
                }
            }
            (gaps(view))
            (list(view, problems.iter().take(FIRST)))
            @if problems.len() > FIRST {
                details {
                    summary { "Earlier" }
                    (list(view, problems.iter().take(MOST).skip(FIRST)))
                    @if problems.len() > MOST { p class="note" { "More changes are not shown." } }
                }
            }
            @if !others.is_empty() {
                details {
                    summary { "Other changes: " (number(sum(&others))) }
                    (list(view, others.iter().take(MOST)))
                }
            }
        }
    }
}

/// Times of which no change is known.
fn gaps(view: &View<'_>) -> Markup {
    let history = view.health_history;
    let gaps = history.gaps(WINDOW, view.now);
    let first = history.first_known();
    html! {
        @if let Some(first) = first.filter(|it| !view.now.is_past(*it, WINDOW)) {
            p class="faint" { "Nothing is known of the time before " (clock_time(first, view.now)) "." }
        }
        @for (from, to) in gaps.iter().rev().take(GAPS) {
            p class="lapse" {
                "Gap: no data from " (clock_time(*from, view.now)) " to " (clock_time(*to, view.now)) "."
            }
        }
    }
}

fn sum(events: &[&ChangeEvent<'_>]) -> u64 {
    events.iter().map(|it| it.count).sum()
}

fn list<'a>(view: &View<'_>, events: impl Iterator<Item = &'a &'a ChangeEvent<'a>>) -> Markup {
    html! {
        ul class="changes" {
            @for event in events { (item(view, event)) }
        }
    }
}

fn item(view: &View<'_>, event: &ChangeEvent<'_>) -> Markup {
    let first = event.first.as_unix_seconds();
    let (from, to) = (event.from.as_str(), event.to.as_str());
    let scope = event.scope;
    let key = format!(
        "{from}-{to}-{first}-{}/{}",
        scope.organization, scope.template
    );
    html! {
        li data-key=(key) {
            details {
                summary {
                    b class="number" { (number(event.count)) } " "
                    span class="hidden" { "from " } (badge(event.from))
                    span aria-hidden="true" { " → " } span class="hidden" { " to " } (badge(event.to)) " "
                    (name(&scope.template)) " "
                    span class="faint" { (since(event.began, view.now)) " ago" }
                }
                (agents(view, view.health_history, event))
            }
        }
    }
}

/// The agents of an event, if they are in the history.
fn agents(view: &View<'_>, health_history: &HealthHistory, event: &ChangeEvent<'_>) -> Markup {
    let known: Vec<_> = health_history.changes_in(event).take(NAMED).collect();
    let more = event.count.saturating_sub(known.len() as u64);
    html! {
        ul class="agents" {
            @for change in known {
                li {
                    a href=(view.links.here(&format!("/agents/{}", change.agent_id))) {
                        (name(&change.owner)) "/" (name(&change.workspace)) "." (name(&change.agent))
                    }
                    " " span class="faint" { (since(change.began, view.now)) " ago" }
                }
            }
            @if more > 0 {
                li { a href=(now_so(view, event)) data-swap { "and " (number(more)) " more: agents with this health now" } }
            }
        }
    }
}

/// Number of agents of the template that are in the event's new class now.
fn now_so(view: &View<'_>, event: &ChangeEvent<'_>) -> String {
    let health: Vec<Health> = vec![event.to];
    view.link(Selection {
        health,
        ..Selection::default().with(Facet::Template, Some(&event.scope.template))
    })
}
