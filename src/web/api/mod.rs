//! `/api/v1`: the fleet as JSON (SPEC 7).

use std::sync::Arc;

use axum::Router;

use super::router::App;

/// Every path of the API.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
}
