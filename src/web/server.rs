//! The router, and the loop that serves it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::future::try_join_all;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::collect::Collect;
use crate::metrics::page::{Detail, Page};
use crate::postgres::reads_of;
use crate::process;

use super::{deadline, landing, negotiate};

/// After the signal to stop, requests under way get this long.
const DRAIN: Duration = Duration::from_secs(10);

/// What the web side needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Path of the metrics.
    pub telemetry_path: String,
    /// Scrapes answered at the same time; more get 503.
    pub max_requests: usize,
    /// Taken off the scraper's deadline for the way back.
    pub timeout_offset: Duration,
    /// Deadline of a scraper that names none.
    pub collect_timeout: Duration,
    /// How much the metrics tell.
    pub detail: Detail,
    /// Whether `/` is served.
    pub ui: bool,
}

struct App {
    collect: Collect,
    settings: Settings,
    scrapes: Semaphore,
}

/// Listens on `address`, where an empty host means every interface, as in `:21120`.
///
/// # Errors
///
/// When the address cannot be had.
pub async fn bind(address: &str) -> io::Result<TcpListener> {
    match address.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            // A host without IPv6.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(address).await,
    }
}

/// Serves on every listener until `shutdown` is done and requests under way have had their
/// time. The caller owns sockets and signals.
///
/// # Errors
///
/// When a listener breaks.
pub async fn serve(
    listeners: Vec<TcpListener>,
    collect: Collect,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = router(collect, settings);
    let (stop, stopped) = watch::channel(());
    let servers = listeners.into_iter().map(|listener| {
        let mut stopped = stopped.clone();
        let server = axum::serve(listener, router.clone());
        let server = server.with_graceful_shutdown(async move {
            // An error means that the sender is gone, which is the signal.
            let _ = stopped.changed().await;
        });
        server.into_future()
    });
    let mut servers = std::pin::pin!(try_join_all(servers));
    tokio::select! {
        ended = &mut servers => return ended.map(|_| ()),
        () = shutdown => drop(stop),
    }
    match timeout(DRAIN, servers).await {
        Ok(ended) => ended.map(|_| ()),
        Err(_) => {
            tracing::warn!("requests were still under way after {DRAIN:?} and were cut off");
            Ok(())
        }
    }
}

fn router(collect: Collect, settings: Settings) -> Router {
    let mut router = Router::new()
        .route(&settings.telemetry_path, get(metrics))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready));
    if settings.ui && settings.telemetry_path != "/" {
        router = router.route("/", get(home));
    }
    let app = App {
        collect,
        scrapes: Semaphore::new(settings.max_requests),
        settings,
    };
    router.layer(compression()).with_state(Arc::new(app))
}

/// gzip or zstd, as the client asks, at the level of least work: the scrape waits for it and
/// nobody keeps the bytes. Of 47.5 MB (a series for each of 100,000 agents) gzip makes 12.7 MB
/// in 195 ms at level 1 and 7.9 MB in 391 ms at level 6; zstd 7.0 MB in 61 ms at level 1, and
/// nothing smaller above. A default page is compressed within a millisecond by any of them.
fn compression() -> CompressionLayer {
    CompressionLayer::new()
        .gzip(true)
        .zstd(true)
        .quality(CompressionLevel::Fastest)
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
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

async fn ready(State(app): State<Arc<App>>) -> Response {
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

async fn home(State(app): State<Arc<App>>) -> Html<String> {
    Html(landing::page(&app.settings))
}
