//! The page for an address that is not there, with ways back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use crate::web::state::App;

use super::layout::{page, with_status};

/// Answers any other path with 404.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let links = &app.settings.links;
    let main = html! {
        h1 { "There is no such page" }
        p { "Pages of this exporter:" }
        ul class="plain" {
            li { a href=(links.here("/")) { "The fleet" } ": problems and incidents" }
            li { a href=(links.here("/agents")) { "All agents" } ", with a search by owner, workspace, agent or id" }
            li { a href=(links.here("/probes")) { "The probe" } }
            li { a href=(links.here("/runbooks")) { "Runbooks" } " of the alerts" }
            li { a href=(links.here(&app.settings.telemetry_path)) { "Metrics" } }
        }
    };
    let page = page(&app.settings, "Not found", None, &main);
    with_status(StatusCode::NOT_FOUND, page)
}
