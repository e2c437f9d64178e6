//! Paths under `/-/`: is it alive, is it of use?

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::collect::Collect;
use crate::postgres::reads_of;

use super::router::App;

/// The process answers.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// The database answers, with everything that is read of it.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let deadline = Instant::now() + app.settings.collect_timeout;
    match check_ready(&app.collect, deadline).await {
        Ok(()) => "ready\n".into_response(),
        Err(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons).into_response(),
    }
}

/// Ready means: the database is reached, its Coder is supported, and every collector that is
/// on may read what it needs.
async fn check_ready(collect: &Collect, deadline: Instant) -> Result<(), String> {
    let collectors = &collect.settings().collectors;
    let catalog = collect.database().catalog(collectors, deadline).await;
    let catalog = catalog.map_err(|failure| format!("not ready: {failure}\n"))?;
    let checks = [
        catalog.check_supported(),
        catalog.check(&reads_of(collectors)),
    ];
    let reasons = checks.into_iter().filter_map(Result::err);
    let reasons: Vec<_> = reasons
        .map(|failure| format!("not ready: {failure}\n"))
        .collect();
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons.concat())
    }
}
