//! Collections for pages, which are shared with scrapes.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::fleet::stats::collection::CollectionResult;
use crate::web::state::App;

/// Maximum age of the data on a page. The database is queried at most once in this time for any
/// number of viewers. It is short compared with the 30 s after which an agent is lost.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(5);

impl App {
    /// The fleet as it was a moment ago. Takes a place among the pages while it is read.
    ///
    /// # Errors
    ///
    /// 503 when there is no place.
    pub(crate) async fn cached_collection(&self) -> Result<Arc<CollectionResult>, Response> {
        let Ok(_place) = self.pages.try_acquire() else {
            return Err(no_place());
        };
        let deadline = Instant::now() + self.settings.collect_timeout;
        let collection = self.collect.recent(MAX_AGE, deadline).await;
        self.kept_pages.forget_gone();
        Ok(collection)
    }
}

/// All places among the pages are taken.
pub(crate) fn no_place() -> Response {
    let message = "too many concurrent requests: see --web.max-requests\n";
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}
