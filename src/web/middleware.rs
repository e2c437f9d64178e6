//! Middleware of all requests: rate limit and passwords before the handler, headers after it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::web::auth::origin;
use crate::web::auth::passwords::PasswordVerdict::{Busy, Unknown, Welcome};
use crate::web::auth::rate_limit::TokenBucket;
use crate::web::server::protection::Protection;
use crate::web::state::{App, IsTrusted};

/// Paths without authentication, for orchestrators and load balancers.
const OPEN: [&str; 2] = ["/-/healthy", "/-/ready"];

/// The response header that asks a browser for a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"coder-agent-exporter\", charset=\"UTF-8\"");

/// Says why a request is refused, and what else it is told.
type Refusal = Box<Response>;

/// Rejects a request that is not allowed, and adds headers to the response.
pub(super) async fn protect(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let protection = app.settings.lifecycle.config.current();
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&app, &protection, &parts).await {
        Ok(is_trusted) => {
            parts.extensions.insert(is_trusted);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => *refusal,
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

async fn admit(app: &App, protection: &Protection, request: &Parts) -> Result<IsTrusted, Refusal> {
    let (path, headers) = (request.uri.path(), &request.headers);
    if !has_one_host(request) {
        return refuse((StatusCode::BAD_REQUEST, "one Host header is needed\n"));
    }
    if OPEN.contains(&path) {
        let asks = headers.contains_key(header::AUTHORIZATION);
        let is_trusted = protection.users.is_empty()
            || asks && app.passwords.check(&protection.users, headers).await == Welcome;
        return Ok(IsTrusted(is_trusted));
    }
    // Who passes and who does not are counted apart, so that strangers keep no scraper out.
    let is_within =
        |bucket: &TokenBucket| match bucket.allows(protection.rate_limit, Instant::now()) {
            true => Ok(()),
            false => Err(too_many(protection)),
        };
    match app.passwords.check(&protection.users, headers).await {
        Welcome => is_within(&app.rate_limit)?,
        Unknown => {
            is_within(&app.strangers)?;
            let challenge: [(HeaderName, HeaderValue); 1] = [(header::WWW_AUTHENTICATE, CHALLENGE)];
            let sentence = "wrong user or password\n";
            return refuse((StatusCode::UNAUTHORIZED, challenge, sentence));
        }
        Busy => {
            let sentence = "too many concurrent password checks; try again\n";
            return refuse((StatusCode::SERVICE_UNAVAILABLE, sentence));
        }
    }
    match origin::refusal(&request.method, &request.uri, headers, &app.settings.links) {
        Some(sentence) => refuse((StatusCode::FORBIDDEN, format!("{sentence}\n"))),
        None => Ok(IsTrusted(true)),
    }
}

/// Whether a request says whom it asks, once: what stands before us may have read the other.
fn has_one_host(request: &Parts) -> bool {
    let mut hosts = request.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (Some(_), Some(_)) => false,
        (None, _) => request.version != Version::HTTP_11,
    }
}

fn refuse<T>(response: impl IntoResponse) -> Result<T, Refusal> {
    Err(Box::new(response.into_response()))
}

fn too_many(protection: &Protection) -> Refusal {
    let seconds = protection.rate_limit.interval.as_secs().max(1);
    let retry = [(header::RETRY_AFTER, seconds)];
    let sentence = "too many requests\n";
    Box::new((StatusCode::TOO_MANY_REQUESTS, retry, sentence).into_response())
}
