//! The routes of the server.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::web::handlers::compression::{allow_identity, compression};
use crate::web::handlers::{lifecycle, probe, scrape};
use crate::web::state::App;

use super::middleware::protect;
use super::{api, ui};

/// Maps all paths to their handlers.
pub(super) fn router(app: &Arc<App>) -> Router {
    let settings = &app.settings;
    let mut router = Router::new()
        .route(
            &settings.telemetry_path,
            get(scrape::metrics).head(scrape::head),
        )
        .route("/probe", get(probe::probe).head(scrape::head))
        .route("/-/healthy", get(lifecycle::healthy))
        .route("/-/ready", get(lifecycle::ready))
        .route("/-/config", get(lifecycle::config))
        .route("/-/reload", post(lifecycle::reload));
    router = router.merge(api::routes());
    if settings.ui {
        router = router.merge(ui::routes(settings));
    }
    let router = router
        .layer(compression())
        .layer(MapRequestLayer::new(allow_identity))
        .layer(from_fn_with_state(app.clone(), protect))
        .with_state(app.clone());
    below(settings.links.prefix(), router)
}

/// Serves the same paths below `prefix` too, for a proxy that does not remove it. The prefix is
/// removed before all other layers.
fn below(prefix: &str, router: Router) -> Router {
    if prefix.is_empty() {
        return router;
    }
    let prefix = prefix.to_owned();
    let without_prefix = MapRequestLayer::new(move |mut request: Request| {
        if let Some(uri) = without(&prefix, request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(without_prefix.layer(router))
}

/// The URI without the prefix; `None` if it does not start with it.
fn without(prefix: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    let rest = match rest.as_bytes().first() {
        Some(b'/') => rest.to_owned(),
        Some(b'?') | None => format!("/{rest}"),
        // Another path that begins alike.
        Some(_) => return None,
    };
    rest.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_taken_off_where_it_ends_at_a_slash() {
        let check = |path: &'static str, expected: Option<&str>| {
            let found = without("/fleet", &Uri::from_static(path));
            assert_eq!(
                found.map(|it| it.to_string()).as_deref(),
                expected,
                "{path}"
            );
        };
        check("/fleet/metrics?a=b", Some("/metrics?a=b"));
        check("/fleet", Some("/"));
        check("/fleet?q=x", Some("/?q=x"));
        check("/fleet/agents/1", Some("/agents/1"));
        check("/fleetx", None);
        check("/metrics", None);
    }
}
