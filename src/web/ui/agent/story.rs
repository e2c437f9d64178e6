//! The steps of one probe.

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::probed::Probed;
use crate::fleet::report::sanitize::sanitize;

use super::super::moments::ago;
use super::super::parts::{long_text, name, outcome_badge, seconds};

/// Renders the steps of a probe.
pub(super) fn story(probed: &Probed, now: Timestamp) -> Markup {
    html! {
        h3 { "Probe of " (ago(probed.at, now)) " " (outcome_badge(probed.outcome)) }
        p { (long_text(&probed.message)) }
        p class="advice" { (probed.outcome.advice()) }
        @if let Some(agent) = &probed.agent {
            p {
                "Agent " (name(&agent.name)) " in the database: " (sanitize(&agent.reason.saw))
                " → " strong { (agent.status.as_str()) } "."
            }
        }
        table class="data" {
            caption { "Steps of the probe" }
            thead {
                tr {
                    th scope="col" class="number" { "Seconds" } th scope="col" { "Phase" }
                    th scope="col" { "Step" }
                }
            }
            tbody {
                @for step in &probed.story.steps {
                    tr {
                        td class="number" { (seconds(step.at)) }
                        td { (step.phase) }
                        td { (long_text(&step.text)) }
                    }
                }
            }
        }
        dl class="facts" {
            @for (phase, took) in &probed.story.phases {
                dt { "Time in " (phase) } dd { (seconds(*took)) " s" }
            }
            dt { "Total time" } dd { (seconds(probed.duration)) " s" }
        }
    }
}
