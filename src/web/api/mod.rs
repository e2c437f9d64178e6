//! `/api/v1`: the fleet as JSON (`docs/spec/http.md`). Its description of itself is at
//! `/api/v1/openapi.json`, made from the types that are answered with.
//!
//! Whatever is wrong is answered with a problem document (RFC 9457), and what is not known is never
//! shown as nothing: without an answer of the database there is 503, not an empty fleet.

mod agents;
mod answer;
mod cursor;
mod example;
mod fleet;
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

/// Every path of the API, and what is answered below it where there is none.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/fleet", get(fleet::show))
        .route("/api/v1/agents", get(agents::list))
        .route("/api/v1/agents/{id}", get(agents::one))
        .route("/api/v1/openapi.json", get(openapi::show))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .route("/api", any(nothing))
        .route("/api/{*path}", any(nothing))
}

async fn nothing() -> Problem {
    Problem::no_such_path()
}

impl App {
    /// The fleet as it was a moment ago, for those who read problem documents.
    async fn collection_or_problem(&self) -> Result<Arc<CollectionResult>, Problem> {
        // The only refusal there is: no place.
        self.cached_collection().await.map_err(|_| Problem::busy())
    }
}
