//! `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::metrics::page::Page;
use crate::process;

use super::router::App;
use super::{deadline, negotiate};

/// One scrape: a pass, written as the client asks.
pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Ok(_permit) = app.scrapes.try_acquire() else {
        let message = "too many scrapes at once: see --web.max-requests\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    let settings = &app.settings;
    let allowed =
        deadline::allowed_time(&headers, settings.timeout_offset, settings.collect_timeout);
    let pass = app.collect.pass(Instant::now() + allowed).await;
    let page = Arc::new(Page {
        pass,
        transitions: app.collect.transitions(),
        errors: app.collect.errors(),
        probe: None,
        process: process::stats(),
        detail: settings.detail,
    });
    let accept = headers.get_all(header::ACCEPT).iter();
    // A header given twice is one list, cut in two.
    let accept: Vec<_> = accept.filter_map(|it| it.to_str().ok()).collect();
    let format = negotiate::format(&accept.join(","));
    match format.write(&page) {
        Ok(body) => ([(header::CONTENT_TYPE, format.content_type())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
