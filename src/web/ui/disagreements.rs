//! The section with agents whose status in the database contradicts the dial.

use std::sync::Arc;

use maud::{Markup, html};

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::probed::Probed;
use crate::fleet::probe::results::ProbeStats;
use crate::fleet::report::sanitize::sanitize;
use crate::web::links::Links;

use super::documents::status_rule;
use super::moments::{ago, full_moment};
use super::parts::{long_text, outcome_badge};
use super::probes::link;

/// Maximum number of agents in the section; the metric counts all.
const SHOWN: usize = 200;

/// Renders the section, or a sentence if there is no contradiction.
pub(super) fn disagreements(
    links: &Links,
    stats: &ProbeStats,
    probed: &[Arc<Probed>],
    now: Timestamp,
) -> Markup {
    let more = probed.len().saturating_sub(SHOWN);
    html! {
        section class="card" aria-labelledby="disagreements" data-key="disagreements" {
            h2 id="disagreements" { "Database and dial disagree" }
            @if probed.is_empty() {
                p class="faint" {
                    @if stats.disagreements.is_none() { "There is no data until the first round has ended." }
                    @else { "There are no disagreements." }
                }
            } @else {
                table class="data cards" {
                    caption class="hidden" { "Agents on which the database and the dial disagree" }
                    thead {
                        tr {
                            th scope="col" { "Agent" } th scope="col" { "The database says" }
                            th scope="col" { "The dial says" }
                        }
                    }
                    tbody { @for one in probed.iter().take(SHOWN) { (row(links, one, now)) } }
                }
                @if more > 0 { p class="note" { (more) " more are not shown." } }
            }
        }
    }
}

fn row(links: &Links, one: &Probed, now: Timestamp) -> Markup {
    html! {
        tr data-key=(one.workspace_id) {
            th scope="row" { (link(links, one)) }
            td class="what" data-label="The database says" {
                @if let Some(agent) = &one.agent {
                    strong { (agent.status.as_str()) } ": " (sanitize(&agent.reason.saw))
                    " " (status_rule(&agent.reason))
                    p class="faint" { "Last heartbeat " (full_moment(agent.last_connected_at, now)) }
                }
            }
            td class="what" data-label="The dial says" {
                (outcome_badge(one.outcome)) " " (ago(one.at, now)) (long_text(&one.message))
            }
        }
    }
}
