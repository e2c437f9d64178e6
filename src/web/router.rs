//! Which path leads where.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::sync::{Mutex, Semaphore};
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::collect::Collect;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::{directory, reads_of};

use super::compression::compression;
use super::connection::ConnectionTrackers;
use super::details_cache::DetailsCache;
use super::middleware::protect;
use super::passwords::Passwords;
use super::rate_limit::TokenBucket;
use super::ready::ReadyCheck;
use super::settings::WebSettings;
use super::{api, lifecycle, probe, scrape, ui};

/// What the handlers share.
pub(super) struct App {
    pub(super) collect: Collect,
    pub(super) settings: WebSettings,
    pub(super) scrapes: Arc<Semaphore>,
    pub(super) trackers: ConnectionTrackers,
    pub(super) readiness: ReadyCheck,
    pub(super) details_cache: DetailsCache,
    pub(super) asking: Semaphore,
    pub(super) passwords: Passwords,
    pub(super) rate_limit: TokenBucket,
    pub(super) reloading: Mutex<()>,
    /// Whether the database's URL could be read when that was last asked for.
    pub(super) is_database_current: AtomicBool,
}

impl App {
    /// Nothing has been asked yet.
    pub(super) fn new(collect: Collect, settings: WebSettings) -> Self {
        Self {
            collect,
            scrapes: Arc::new(Semaphore::new(settings.max_requests)),
            settings,
            trackers: ConnectionTrackers::default(),
            readiness: ReadyCheck::default(),
            details_cache: DetailsCache::default(),
            asking: Semaphore::new(lifecycle::ASKING),
            passwords: Passwords::new(),
            rate_limit: TokenBucket::default(),
            reloading: Mutex::default(),
            is_database_current: AtomicBool::new(true),
        }
    }

    /// What is to be read, by collectors and probe.
    pub(super) fn reads(&self) -> Vec<ColumnSet> {
        let mut reads = reads_of(&self.collect.settings().collectors);
        if self.settings.probe.is_some() {
            reads.extend(directory::reads());
        }
        reads
    }
}

/// Every path there is.
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
        .layer(from_fn_with_state(app.clone(), protect))
        .with_state(app.clone());
    below(settings.links.prefix(), router)
}

/// The same paths once more below `prefix`, for a proxy that leaves it in place. Taken off
/// before anything looks at the path.
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

/// The address without the prefix, if it begins with it.
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
