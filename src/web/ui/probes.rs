//! `/probes`: what the probe found last.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use crate::fleet::named::Variants;
use crate::fleet::printable::printable;
use crate::fleet::probes::Probed;
use crate::fleet::told::moment;
use crate::web::router::App;

use super::layout::{Place, page};

/// The probe's page.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let main = html! {
        h1 { "Probe" }
        @match &app.settings.probe {
            Some(probe) => {
                (probes("Last probes that reached no agent", &probe.failures()))
                (probes("Last probes", &probe.history()))
            }
            None => p { "The probe is off: set --probe.dialer." },
        }
    };
    page(&app.settings, "Probe", Some(Place::Probes), &main)
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
            td { (moment(one.at)) }
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
