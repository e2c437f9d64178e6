//! The section with the agent's events in order, and the time between them.

use maud::{Markup, html};

use crate::details::AgentDetails;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::age;
use crate::fleet::report::timeline::{Change, Happened, TimelineEvent, timeline};

use super::super::moments::full_moment;
use super::super::parts::badge;

/// Renders the section. `changes` are the health changes of this agent.
pub(super) fn section(it: &AgentDetails, changes: &[Change], now: Timestamp) -> Markup {
    html! {
        section class="card half" aria-labelledby="timeline" data-key="timeline" {
            h2 id="timeline" { "What happened" }
            ol class="timeline" {
                @for event in timeline(&it.agent, changes) { (item(&event, now)) }
            }
            p class="faint" {
                "The database keeps only the latest time of each kind. Changes of health are those "
                "that this exporter has seen since it started."
            }
        }
    }
}

fn item(event: &TimelineEvent, now: Timestamp) -> Markup {
    html! {
        li {
            @if let Some(gap) = event.gap_seconds {
                span class="gap faint" { (age(gap)) " later: " }
            }
            @match event.what {
                Happened::Became { from, to } => { (badge(from)) " became " (badge(to)) },
                what => (what.as_str()),
            }
            ", " (full_moment(Some(event.at), now))
        }
    }
}
