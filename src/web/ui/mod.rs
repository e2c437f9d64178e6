//! HTML pages: the fleet, one agent, and the probe.
//!
//! The server renders complete pages that work without script; the script only refreshes them.
//! Templates escape all data from the database.

mod agent;
mod assets;
mod disagreements;
mod documents;
mod fleet;
mod layout;
mod missing;
mod moments;
mod parts;
mod pictures;
mod probes;
mod runbooks;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::web::state::App;

use super::settings::WebSettings;

/// The routes of the pages and static files.
pub(super) fn routes(settings: &WebSettings) -> Router<Arc<App>> {
    let mut router = Router::new()
        .route("/assets/{name}", get(assets::asset))
        .route("/agents/{*what}", get(agent::show).post(agent::probe_now))
        .route("/probes", get(probes::show))
        .route("/runbooks", get(runbooks::list))
        .route("/runbooks/{alert}", get(runbooks::show));
    if settings.telemetry_path != "/" {
        router = router
            .route("/", get(fleet::show))
            .route("/-/pulse", get(fleet::pulse))
            .route("/agents", get(fleet::all))
            .route("/agents.csv", get(fleet::export))
            .route("/agents.txt", get(fleet::export))
            .route("/agents.sh", get(fleet::export));
    }
    router.fallback(missing::show)
}
