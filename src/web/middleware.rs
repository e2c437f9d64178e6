//! What every request passes: limits and passwords before, headers after.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::web::auth::passwords::PasswordVerdict;
use crate::web::server::protection::Protection;
use crate::web::state::App;

/// Asked by those who hold no password and must get an answer: an orchestrator, a load balancer.
const OPEN: [&str; 2] = ["/-/healthy", "/-/ready"];

/// What a browser is sent when it needs a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"coder-agent-exporter\", charset=\"UTF-8\"");

/// Lets a request through if it may pass, and dresses the answer.
pub(super) async fn protect(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let protection = app.settings.lifecycle.config.current();
    let mut response =
        match refusal(&app, &protection, request.uri().path(), request.headers()).await {
            Some(refusal) => refusal,
            None => next.run(request).await,
        };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    for (name, value) in &protection.headers {
        headers.insert(name, value.clone());
    }
    response
}

async fn refusal(
    app: &App,
    protection: &Protection,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    if OPEN.contains(&path) {
        return None;
    }
    if !app.rate_limit.allows(protection.rate_limit, Instant::now()) {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let seconds = protection.rate_limit.interval.as_secs().max(1);
        return Some(
            (
                status,
                [(header::RETRY_AFTER, seconds)],
                "too many requests\n",
            )
                .into_response(),
        );
    }
    let verdict = app.passwords.check(&protection.users, headers);
    match verdict.await {
        PasswordVerdict::Welcome => None,
        PasswordVerdict::Unknown => {
            let challenge: [(HeaderName, HeaderValue); 1] = [(header::WWW_AUTHENTICATE, CHALLENGE)];
            let refusal = (
                StatusCode::UNAUTHORIZED,
                challenge,
                "wrong user or password\n",
            );
            Some(refusal.into_response())
        }
        PasswordVerdict::Busy => {
            let refusal = "too many concurrent password checks; try again\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, refusal).into_response())
        }
    }
}
