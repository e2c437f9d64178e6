//! Pages for a person: the fleet, one agent, the probe.
//!
//! Each is written whole by the server and works without script; the script only saves the
//! reader's reloading. What comes from the database is escaped where it is written.

mod agent;
mod assets;
mod disagreements;
mod documents;
mod fleet;
mod layout;
mod moments;
mod parts;
mod pictures;
mod probes;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::web::state::App;

use super::settings::WebSettings;

/// Every page, and what they are made with.
pub(super) fn routes(settings: &WebSettings) -> Router<Arc<App>> {
    let mut router = Router::new()
        .route("/assets/{name}", get(assets::asset))
        .route("/agents/{*what}", get(agent::show).post(agent::probe_now))
        .route("/probes", get(probes::show));
    if settings.telemetry_path != "/" {
        router = router.route("/", get(fleet::show));
    }
    router
}
