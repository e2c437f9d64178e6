//! The landing page: where to look, and what the probe found last.

use maud::{DOCTYPE, Markup, html};

use crate::fleet::named::Variants;
use crate::fleet::printable::printable;
use crate::fleet::probes::Probed;

use super::settings::Settings;

/// What a browser may do with the page: nothing but show it.
pub(super) const CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A plain page of links, and tables of the last probes. What comes from the database is
/// escaped.
pub(super) fn page(settings: &Settings) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Coder agent exporter" }
            }
            body {
                main {
                    h1 { "Coder agent exporter" }
                    p {
                        "Version " (env!("CARGO_PKG_VERSION"))
                        ". Counts the workspace agents of a Coder deployment by health."
                    }
                    ul {
                        li { a href=(settings.telemetry_path) { "Metrics" } }
                        li {
                            a href="/-/ready" { "Ready" }
                            ": is the database reached, and its schema supported?"
                        }
                        li { a href="/-/healthy" { "Healthy" } ": does this process answer?" }
                        li { a href="/-/config" { "Settings" } " in effect, without secrets" }
                    }
                    @if let Some(probe) = &settings.probe {
                        (probes("Last probes that reached no agent", &probe.failures()))
                        (probes("Last probes", &probe.history()))
                    }
                }
            }
        }
    };
    page.into_string()
}

/// Failed ones have a table of their own, so that a good hour does not wash them away.
fn probes(title: &str, probed: &[Probed]) -> Markup {
    html! {
        h2 { (title) }
        @if probed.is_empty() {
            p { "None." }
        } @else {
            table {
                thead {
                    tr {
                        @for name in ["When", "Workspace", "Agent", "Status", "Outcome", "Seconds"] {
                            th scope="col" { (name) }
                        }
                        th scope="col" { "What happened" }
                    }
                }
                tbody { @for one in probed { (row(one)) } }
            }
        }
    }
}

fn row(one: &Probed) -> Markup {
    let agent = one.agent.as_ref();
    let workspace = format!("{}/{}", one.owner, one.workspace);
    let debug = format!("/probe?workspace={}&debug=true", one.workspace_id);
    html! {
        tr {
            td { (moment(one)) }
            td { a href=(debug) { (printable(&workspace)) } }
            td { (agent.map(|it| printable(&it.name)).unwrap_or_default()) }
            td { (agent.map(|it| it.status.as_str()).unwrap_or_default()) }
            td { (one.outcome.as_str()) }
            td { (format!("{:.3}", one.duration.as_secs_f64())) }
            td {
                (printable(&one.message))
                @if !one.outcome.is_reached() { ". " (one.outcome.advice()) }
            }
        }
    }
}

/// By this machine's clock, which is nobody's year 1.
fn moment(one: &Probed) -> String {
    let since_epoch = std::time::Duration::from_secs_f64(one.at.as_unix_seconds().max(0.0));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since_epoch).to_string()
}
