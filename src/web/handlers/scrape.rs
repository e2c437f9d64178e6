//! `/metrics`.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::metrics::exposition::Format;
use crate::metrics::page::Page;
use crate::offload::{INLINE, offload};
use crate::probe::Probe;
use crate::process;
use crate::web::handlers::compression::compressed;
use crate::web::handlers::{collector_filter, deadline, negotiate};
use crate::web::state::App;

/// How much of an answer is handed over at a time.
const CHUNK_BYTES: usize = 8 * 1024;

/// A slow reader whose place is needed is gone within this.
const MOVE_OVER: Duration = Duration::from_secs(1);

/// One scrape: a collection, written as the client asks.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let settings = &app.settings;
    let enabled = &app.collect.settings().collectors;
    let collectors =
        match collector_filter::collectors(query.as_deref().unwrap_or_default(), enabled) {
            Ok(collectors) => collectors,
            Err(problem) => return (StatusCode::BAD_REQUEST, problem).into_response(),
        };
    let Some(permit) = permit(&app).await else {
        let message = "too many concurrent scrapes: see --web.max-requests\n";
        return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    };
    let allowed =
        deadline::allowed_time(&headers, settings.timeout_offset, settings.collect_timeout);
    let asked = Instant::now();
    let deadline = asked + allowed;
    let collection = app.collect.collection_of(&collectors, deadline).await;
    let page = Arc::new(Page {
        incidents: app.collect.incidents_of(&collection),
        collection,
        transitions: app.collect.transitions(),
        errors: app.collect.errors(),
        probe: settings.probe.as_ref().map(Probe::stats),
        process: process::stats(),
        detail: settings.detail,
        is_config_current: app.is_config_current(),
    });
    let collection = asked.elapsed();
    let agents = page.collection.agent_count();
    let answer = offload(agents, move || answer(&page, collection, &headers)).await;
    let Some(answer) = answer else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    answer.map(|bytes| {
        Body::new(Chunks {
            bytes,
            _permit: permit,
        })
    })
}

/// The page in the format that the client asks for. A page about many agents is compressed here, on
/// the blocking thread; other pages are compressed while they are sent. `collection` is how long the
/// collection took, for the log. `None` when the page cannot be written.
fn answer(page: &Arc<Page>, collection: Duration, headers: &HeaderMap) -> Option<Response<Bytes>> {
    let failed = |error: &dyn fmt::Display| {
        tracing::error!(%error, "the metrics could not be written");
    };
    let format = format(headers);
    let began = Instant::now();
    let bytes = format.write(page).inspect_err(|error| failed(error)).ok()?;
    let encode = began.elapsed();
    tracing::debug!(?collection, ?encode, bytes = bytes.len(), "scrape");
    let content_type = [(header::CONTENT_TYPE, format.content_type())];
    if page.collection.agent_count() <= INLINE {
        let (parts, _) = content_type.into_response().into_parts();
        return Some(Response::from_parts(parts, bytes.into()));
    }
    // This never waits: the body is in memory.
    let compressed = compressed(headers, (content_type, bytes).into_response());
    let compressed = Handle::current().block_on(compressed);
    let (parts, bytes) = compressed.inspect_err(|error| failed(error)).ok()?;
    Some(Response::from_parts(parts, bytes))
}

/// Says what a scrape or a probe would answer with, and does nothing for it.
pub(crate) async fn head(headers: HeaderMap) -> Response {
    let content_type = format(&headers).content_type();
    ([(header::CONTENT_TYPE, content_type)], Body::empty()).into_response()
}

/// The format these headers ask for.
pub(crate) fn format(headers: &HeaderMap) -> Format {
    let accept = headers.get_all(header::ACCEPT).iter();
    // A header given twice is one list, cut in two.
    let accept: Vec<_> = accept.filter_map(|it| it.to_str().ok()).collect();
    negotiate::format(&accept.join(","))
}

/// Leave for one scrape. When all are given, the client that takes longest to read an answer goes:
/// slow readers keep no scraper out.
async fn permit(app: &App) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = app.scrapes.clone().try_acquire_owned() {
        return Some(permit);
    }
    let limits = app.settings.limits;
    if !app.trackers.answering.cut_longest(limits.slow_reader) {
        return None;
    }
    let permit = timeout(MOVE_OVER, app.scrapes.clone().acquire_owned()).await;
    permit.ok()?.ok()
}

/// A whole answer, handed over bit by bit, so that the permit lasts until the client has taken
/// it: answers in memory are as many as permits.
struct Chunks {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.bytes.len().min(CHUNK_BYTES);
        let chunk = self.bytes.split_to(length);
        let frame = (!chunk.is_empty()).then(|| Ok(Frame::data(chunk)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

impl App {
    /// Whether what is in force is what files say.
    fn is_config_current(&self) -> bool {
        self.settings.lifecycle.config.is_current()
            && self.is_database_current.load(Ordering::Relaxed)
    }
}
