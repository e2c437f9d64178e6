//! The section with what the template gives the agent: scripts, monitors, where to look for help.

use maud::{Markup, html};

use crate::details::AgentDetails;
use crate::fleet::model::agent_parts::{AgentParts, Monitor, Progress, ScriptState};
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::age;
use crate::fleet::report::sanitize::sanitize;
use crate::web::links::other_site;

use super::super::moments::ago;
use super::super::parts::name;

/// Renders the section. `parts` is `None` if they may not be read.
pub(super) fn section(it: &AgentDetails, parts: Option<&AgentParts>, now: Timestamp) -> Markup {
    html! {
        section class="card" aria-labelledby="parts" data-key="parts" {
            h2 id="parts" { "Scripts and monitors" }
            @match parts {
                None => p class="note" {
                    "They cannot be read: the role has no grant for them. "
                    code { "coder-agent-exporter role" } " prints the statement that adds it."
                },
                Some(parts) => {
                    (help(parts.troubleshooting_url.as_deref()))
                    (scripts(it, &parts.scripts, now))
                    (monitors(&parts.monitors))
                },
            }
        }
    }
}

/// The template's own page for people whose agent does not work. Its author chose the text, so only
/// an address of the web is a link, and its host is shown.
fn help(address: Option<&str>) -> Markup {
    html! {
        @if let Some(address) = address {
            p {
                "The template says where to look: "
                @match other_site(address) {
                    Some(link) => a href=(link) rel="noopener noreferrer" { (name(&link)) },
                    None => span { (name(address)) " (no address of the web)" },
                }
            }
        }
    }
}

fn scripts(it: &AgentDetails, scripts: &[ScriptState], now: Timestamp) -> Markup {
    html! {
        @if scripts.is_empty() { p class="faint" { "The template gives it no script." } } @else {
            table class="data cards fit" {
                caption class="hidden" { "Scripts of the agent with their last runs" }
                thead { tr {
                    th scope="col" { "Script" } th scope="col" { "How it went" }
                    th scope="col" class="number" { "Exit code" } th scope="col" class="number" { "Took" }
                    th scope="col" { "Ran at" } th scope="col" { "Began" }
                } }
                tbody { @for script in scripts { (row(it, script, now)) } }
            }
        }
    }
}

fn row(it: &AgentDetails, script: &ScriptState, now: Timestamp) -> Markup {
    let progress = script.progress(it.agent.started_at);
    // The run of an earlier start is no news of this one.
    let run = script.last_run.as_ref();
    let run = run.filter(|_| matches!(progress, Progress::Succeeded | Progress::Failed));
    html! {
        tr {
            th scope="row" { (name(&script.name)) }
            td { (badge(progress, run.map_or("", |it| &it.status))) }
            @match run {
                Some(run) => {
                    td class="number" data-label="Exit code" { (run.exit_code) }
                    td class="number" data-label="Took" { (took(run.seconds)) }
                    td data-label="Ran at" { (sanitize(&run.stage)) }
                    td data-label="Began" { (ago(run.started_at, now)) }
                }
                None => { td class="number" {} td class="number" {} td {} td {} },
            }
        }
    }
}

/// Most scripts end within a minute, where tenths tell one from another.
fn took(seconds: f64) -> String {
    match seconds {
        0.0..60.0 => format!("{seconds:.1} s"),
        _ => age(seconds),
    }
}

fn badge(progress: Progress, status: &str) -> Markup {
    let (class, text) = match progress {
        Progress::Succeeded => ("good", "succeeded".to_owned()),
        Progress::Failed => ("bad", sanitize(status).replace('_', " ")),
        Progress::NotEnded => ("coming", "has not ended".to_owned()),
        Progress::NeverRan => ("", "has not run".to_owned()),
    };
    html! { span class={ "badge is-" (class) } { (text) } }
}

fn monitors(monitors: &[Monitor]) -> Markup {
    html! {
        @if monitors.is_empty() { p class="faint" { "The template gives it no monitor." } } @else {
            table class="data cards fit" {
                caption class="hidden" { "Monitors of the agent with their thresholds" }
                thead { tr {
                    th scope="col" { "Monitor" } th scope="col" { "State" }
                    th scope="col" class="number" { "Threshold" }
                } }
                tbody { @for it in monitors { tr {
                    th scope="row" { (name(&it.watched.to_string())) }
                    td {
                        @match (it.is_enabled, it.is_above) {
                            (false, _) => span class="badge" { "off" },
                            (true, true) => span class="badge is-caution" { "above the threshold" },
                            (true, false) => span class="badge is-good" { "below the threshold" },
                        }
                    }
                    td class="number" data-label="Threshold" { (it.threshold) " %" }
                } } }
            }
        }
    }
}
