//! `/probes`: results of the probe, and contradictions with the database.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::clock::wall_clock;
use crate::dialer::AnyDialer;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::probed::Probed;
use crate::fleet::probe::results::ProbeStats;
use crate::fleet::probe::scope::ProbeScope;
use crate::fleet::report::sanitize::sanitize;
use crate::probe::Probe;
use crate::web::links::Links;
use crate::web::settings::WebSettings;
use crate::web::state::App;

use super::agent::OFF;
use super::disagreements::disagreements;
use super::layout::{Place, live, page, with_status};
use super::moments::ago;
use super::parts::{counted, long_text, name, number, outcome_badge, outcome_count_badge, seconds};

/// Query parameters of the probe's page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ProbesQuery {
    /// Shows only probes with this outcome; empty shows all.
    #[serde(default)]
    outcome: String,
}

/// Serves the probe's page.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    wanted: Result<Query<ProbesQuery>, QueryRejection>,
) -> Response {
    let wanted = wanted.map(|it| it.0.outcome).unwrap_or_default();
    let outcome: Option<ProbeOutcome> = wanted.parse().ok();
    let is_known = outcome.is_some() || wanted.is_empty();
    let main = html! {
        h1 { "Probe" }
        (verdict(app.settings.probe.as_ref()))
        @if !is_known { p class="warning" { "There is no outcome " (name(&wanted)) ". All outcomes are shown." } }
        @match &app.settings.probe {
            Some(probe) => (found(&app.settings, probe, outcome)),
            None => {},
        }
    };
    let main = live(wall_clock(), &main);
    let page = page(&app.settings, "Probe", Some(Place::Probes), &main);
    match is_known {
        true => page,
        false => with_status(StatusCode::BAD_REQUEST, page),
    }
}

/// What the probe is for, and what it says.
fn verdict(probe: Option<&Probe<AnyDialer>>) -> Markup {
    let found = probe.map(|it| it.stats().disagreements);
    let many = |it: &[(_, _, u64)]| it.iter().map(|it| it.2).sum::<u64>();
    html! {
        @match found {
            None => p class="verdict unknown" { (OFF) },
            Some(None) => p class="verdict unknown" { "No round has ended yet." },
            Some(Some(it)) => {
                @match many(&it) {
                    0 => p class="verdict good" { "Database and dial agree about all probed agents." },
                    many => p class="verdict bad" { "Database and dial disagree about " (counted(many, "agent")) "." },
                }
            }
        }
        p {
            "The probe dials agents as a chat of Coder does, and compares the answer with the database: it finds "
            "agents that are connected there and do not answer, and the other way round."
        }
        @if probe.is_none() {
            p {
                "To switch it on through Coder, set " code { "--probe.dialer=coderd" } ", " code { "--coder.url" }
                " and " code { "--coder.token-file" } " with a token that may read the workspaces. To dial agents "
                "directly, set " code { "--probe.dialer=tcp" } " and " code { "--probe.tcp-address" } "."
            }
        }
    }
}

fn found(
    settings: &WebSettings,
    probe: &Probe<AnyDialer>,
    outcome: Option<ProbeOutcome>,
) -> Markup {
    let links = &settings.links;
    let now = wall_clock();
    let only = |probed: Vec<Arc<Probed>>| -> Vec<_> {
        let is_wanted = |it: &Arc<Probed>| outcome.is_none_or(|wanted| it.outcome == wanted);
        probed.into_iter().filter(is_wanted).collect()
    };
    let stats = probe.stats();
    html! {
        (rounds(&stats, probe, now))
        (outcomes(links, &stats, outcome))
        (disagreements(links, &stats, &only(probe.at_odds()), now))
        section class="card" aria-labelledby="failures" data-key="failures" {
            h2 id="failures" { "Last probes that reached no agent" }
            (table(links, "Last probes that reached no agent", &only(probe.failures()), now))
        }
        section class="card" aria-labelledby="history" data-key="history" {
            h2 id="history" { "Last probes" }
            (table(links, "Last probes", &only(probe.history()), now))
        }
    }
}

/// Last round, coverage and settings of the probe.
fn rounds(stats: &ProbeStats, probe: &Probe<AnyDialer>, now: Timestamp) -> Markup {
    let settings = probe.settings();
    let horizon = humantime::format_duration(settings.horizon);
    let interval = humantime::format_duration(settings.interval);
    html! {
        section class="card" aria-labelledby="rounds" data-key="rounds" {
            h2 id="rounds" { "Rounds" }
            dl class="facts" {
                dt { "Last round ended" }
                dd { @match stats.last { Some(at) => (ago(at, now)), None => "no round has ended yet" } }
                dt { "Coverage" }
                dd {
                    @match stats.coverage {
                        Some(share) => { (format!("{:.0}", (share * 100.0).floor())) " % of the workspaces that have been in scope for " (horizon) " were probed within that time" },
                        None => span class="faint" { "not known" },
                    }
                }
                dt { "Scope" }
                dd { (settings.scope.as_str()) ": " (scope_sentence(settings.scope)) }
                dt { "A round" }
                dd {
                    "every " (interval) ", with "
                    @match settings.sample {
                        Some(sample) => { "at most " (sample) " workspaces" },
                        None => { "enough workspaces to probe all of them within " (horizon) },
                    }
                    ", " (settings.concurrency) " at once"
                }
            }
        }
    }
}

const fn scope_sentence(scope: ProbeScope) -> &'static str {
    match scope {
        ProbeScope::InUse => {
            "agents that are not connected in the database, and agents in use; probes keep no \
             workspace alive"
        }
        ProbeScope::All => "every running workspace",
    }
}

fn outcomes(links: &Links, stats: &ProbeStats, chosen: Option<ProbeOutcome>) -> Markup {
    html! {
        section class="card" aria-labelledby="outcomes" data-key="outcomes" {
            h2 id="outcomes" { "Outcomes of rounds since the start" }
            table class="data cards fit" {
                caption class="hidden" { "Outcomes of rounds since the start" }
                thead {
                    tr {
                        th scope="col" { "Outcome" } th scope="col" class="number" { "Probes" }
                        th scope="col" { "What to do" }
                    }
                }
                tbody {
                    @for (outcome, count) in &stats.outcomes {
                        tr data-key=(outcome.as_str()) {
                            th scope="row" {
                                a href=(links.here(&format!("/probes?outcome={}", outcome.as_str())))
                                    aria-current=[(chosen == Some(*outcome)).then_some("true")]
                                    { (outcome_count_badge(*outcome, *count)) }
                            }
                            td class=(if *count == 0 { "number faint" } else { "number" }) { (number(*count)) }
                            td class="what" { (outcome.advice()) }
                        }
                    }
                }
            }
            @if let Some(chosen) = chosen {
                p class="note" {
                    "The tables below show only " (outcome_badge(chosen)) ". "
                    a href=(links.here("/probes")) { "Show all" }
                }
            }
        }
    }
}

/// A table of probes, newest first.
pub(super) fn table(links: &Links, title: &str, probed: &[Arc<Probed>], now: Timestamp) -> Markup {
    html! {
        @if probed.is_empty() { p class="faint" { "There is none." } } @else {
            table class="data cards" {
                caption class="hidden" { (title) }
                thead {
                    tr {
                        th scope="col" { "When" } th scope="col" { "Agent" }
                        th scope="col" { "Status" } th scope="col" { "Outcome" }
                        th scope="col" class="number" { "Seconds" } th scope="col" { "What happened" }
                    }
                }
                tbody { @for one in probed { (row(links, one, now)) } }
            }
        }
    }
}

fn row(links: &Links, one: &Probed, now: Timestamp) -> Markup {
    html! {
        tr data-key=(one.number) {
            td data-label="When" { (ago(one.at, now)) }
            th scope="row" { (link(links, one)) }
            td data-label="Status" {
                @match &one.agent {
                    Some(agent) => (agent.status.as_str()),
                    None => span class="faint" { "no agent in the latest build" },
                }
            }
            td { (outcome_badge(one.outcome)) }
            td class="number" data-label="Seconds" { (seconds(one.duration)) }
            td class="what" {
                (long_text(&one.message))
                @if !one.outcome.is_reached() { div class="advice" { (one.outcome.advice()) } }
            }
        }
    }
}

/// A link to the page of the agent or workspace, with the steps of this probe.
pub(super) fn link(links: &Links, one: &Probed) -> Markup {
    let id = one.agent.as_ref().map_or(one.workspace_id, |it| it.id);
    let address = format!("/agents/{id}?probed={}#probed", one.number);
    let workspace = format!("{}/{}", one.owner, one.workspace);
    html! {
        a href=(links.here(&address)) {
            bdi { (sanitize(&workspace)) }
            @if let Some(agent) = &one.agent { "." (name(&agent.name)) }
        }
    }
}
