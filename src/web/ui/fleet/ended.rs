//! The section with incidents of the last six hours that are over.

use maud::{Markup, html};

use crate::fleet::report::format::age;
use crate::incident::history::EndedIncident;
use crate::incident::report::title_of;
use crate::web::ui::moments::clock_time;
use crate::web::ui::parts::{counted, name, number};

use super::View;

/// Ended incidents that are listed.
const ENDED: usize = 20;

/// Renders the section; nothing where no incident ended.
pub(super) fn ended(view: &View<'_>) -> Markup {
    let shown = view.ended.iter().take(ENDED);
    html! {
        @if !view.ended.is_empty() {
            section class="card" aria-labelledby="ended" data-key="ended" {
                h2 id="ended" { (counted(view.ended.len() as u64, "incident")) " ended " span class="faint" { "in the last six hours" } }
                ul {
                    @for one in shown {
                        li {
                            (name(&title_of(one.kind, one.family, &one.common)))
                            ": from " (clock_time(one.start, view.now))
                            " for " (age(one.end.seconds_since(one.start)))
                            @if one.agents == 0 { ", no agent was lost" } @else { (hit(one)) }
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

/// How many agents and users an incident hit at most.
fn hit(one: &EndedIncident) -> Markup {
    html! {
        ", up to " (counted(one.agents.into(), "agent")) " of " (counted(one.owners.into(), "user"))
        @if let Some(cut_off) = one.owners_in_session {
            ", " (number(cut_off.into())) " of them in session"
        }
    }
}
