//! `/api/v1`: the fleet as JSON (`docs/spec/http.md`). The OpenAPI document is at
//! `/api/v1/openapi.json`, generated from the types of the responses.
//!
//! Errors are problem documents (RFC 9457). Unknown data is never shown as empty: if the database
//! does not answer, the response is 503 and not an empty fleet.

mod agents;
mod answer;
mod cursor;
mod example;
mod fleet;
mod incidents;
mod openapi;
mod operations;
mod parameters;
mod problem;
mod query;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};

use crate::fleet::stats::collection::CollectionResult;
use crate::web::state::App;

use problem::Problem;

/// All paths of the API, and the response for unknown paths below it.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/fleet", get(fleet::show))
        .route("/api/v1/agents", get(agents::list))
        .route("/api/v1/agents/{id}", get(agents::one))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/openapi.json", get(openapi::show))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .route("/api", any(nothing))
        .route("/api/{*path}", any(nothing))
}

async fn nothing() -> Problem {
    Problem::no_such_path()
}

impl App {
    /// A recent collection of the fleet, or a problem document.
    async fn collection_or_problem(&self) -> Result<Arc<CollectionResult>, Problem> {
        // The only refusal there is: no place.
        self.cached_collection().await.map_err(|_| Problem::busy())
    }
}
