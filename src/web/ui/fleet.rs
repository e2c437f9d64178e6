//! `/`: is anything wrong, where, since when.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::html;

use crate::web::router::App;

use super::layout::{Place, page};

/// The fleet's page.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let pass = match app.view().await {
        Ok(pass) => pass,
        Err(refusal) => return refusal,
    };
    let main = html! {
        h1 { "Fleet" }
        @match &pass.fleet {
            Ok(fleet) => p { (fleet.problems().len()) " problems" },
            Err(failure) => p { (failure) },
        }
    };
    page(&app.settings, "Fleet", Some(Place::Fleet), &main)
}
