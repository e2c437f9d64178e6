//! `/metrics`: a collection in the client's format.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::coder_watch::CoderWatch;
use crate::error::{ErrorKind, Failure};
use crate::fleet::stats::collection::{CollectionResult, Collector};
use crate::metrics::exposition::Format;
use crate::metrics::family::Part;
use crate::metrics::page::{Cut, Page};
use crate::offload::offload;
use crate::probe::Probe;
use crate::process;
use crate::web::handlers::compression::encoding;
use crate::web::handlers::negotiate::Negotiated;
use crate::web::handlers::{collector_filter, deadline, negotiate};
use crate::web::joined::{Encoding, FirstPart};
use crate::web::server::connection::ClientAddress;
use crate::web::state::App;
use crate::web::state::kept_pages::{Basis, KeptPage};
use crate::web::state::places::Place;

/// Size of the parts in which a response is sent.
const CHUNK_BYTES: usize = 8 * 1024;

/// Handles a scrape: 503 if the maximum number of scrapes is in progress.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Extension(ClientAddress(client)): Extension<ClientAddress>,
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
    let allowed =
        deadline::allowed_time(&headers, settings.timeout_offset, settings.collect_timeout);
    let asked = Instant::now();
    let deadline = asked + allowed;
    let (collection, place) = collected(&app, client, &collectors, deadline).await;
    let (page, kept) = page(&app, collection);
    let answer = answer(&page, &kept, asked.elapsed(), &headers).await;
    app.say_what_was_cut(page.cuts());
    let Some(answer) = answer else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    answer.map(|parts| {
        Body::new(Chunks {
            parts,
            _place: place,
        })
    })
}

/// The page of a collection, and what it shares with other pages of it.
fn page(app: &App, collection: Arc<CollectionResult>) -> (Arc<Page>, Arc<KeptPage>) {
    let (settings, collect) = (&app.settings, &app.collect);
    let basis = Basis {
        collection: collection.clone(),
        transitions: collect.transitions(),
        service_level: collect.service_level(),
        activity: settings.activity().map(|it| it.activity),
    };
    let is_served_again = collect.serves_again(&collection);
    let kept = app.kept_pages.of(basis.clone(), is_served_again);
    let page = Page {
        incidents: kept.incidents(|| collect.incidents_of(&collection)),
        collection,
        transitions: basis.transitions,
        service_level: basis.service_level,
        errors: collect.errors(),
        probe: settings.probe.as_ref().map(Probe::stats),
        activity: basis.activity,
        coder: settings.coder.as_ref().map(CoderWatch::answers),
        process: process::stats(),
        detail: settings.detail,
        addresses: settings.links.addresses(),
        is_config_current: app.is_config_current(),
        tls_refused: app.trackers.tls_refusals.total(),
        deprecated_settings: settings.lifecycle.deprecated_settings,
        budget: kept.budget.clone(),
    };
    (Arc::new(page), kept)
}

/// The page in the format and the encoding of the client, in its two parts. The kept part is made on
/// a blocking thread if there are many agents, the live part is small. `collection` is the duration
/// of the collection, for the log. `None` if the page cannot be written.
async fn answer(
    page: &Arc<Page>,
    kept: &KeptPage,
    collection: Duration,
    headers: &HeaderMap,
) -> Option<Response<[Bytes; 2]>> {
    let Negotiated {
        format,
        content_type,
    } = negotiated(headers);
    let encoding = encoding(headers).await;
    let began = Instant::now();
    let make = || {
        let page = page.clone();
        let agents = page.collection.agent_count();
        offload(agents, move || kept_part(&page, format, encoding))
    };
    let first = kept.part((format, encoding), make).await?;
    let live = format.write_part(page, Part::Live);
    let live = live.inspect_err(|error| failed(error)).ok()?;
    let second = encoding.second(&first, live);
    let second = second.inspect_err(|error| failed(error)).ok()?;
    let encode = began.elapsed();
    let parts = [first.bytes, second];
    let bytes = parts.iter().map(Bytes::len).sum::<usize>();
    tracing::debug!(?collection, ?encode, bytes, "scrape");
    let mut answer = Response::new(parts);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(encoding) = encoding.name() {
        // The layer that compresses other answers says nothing about one that is compressed.
        let encoding = HeaderValue::from_static(encoding);
        headers.insert(header::CONTENT_ENCODING, encoding);
        headers.insert(header::VARY, header::ACCEPT_ENCODING.into());
    }
    Some(answer)
}

fn kept_part(page: &Arc<Page>, format: Format, encoding: Encoding) -> Option<FirstPart> {
    // It looks at every agent too, and the live part shows it.
    page.dropped();
    let text = format.write_part(page, Part::Kept);
    let text = text.inspect_err(|error| failed(error)).ok()?;
    let part = encoding.first(text);
    part.inspect_err(|error| failed(error)).ok()
}

fn failed(error: &dyn fmt::Display) {
    tracing::error!(%error, "the metrics could not be written");
}

/// Answers a HEAD request with the headers of a scrape or probe, without running it.
pub(crate) async fn head(headers: HeaderMap) -> Response {
    let content_type = negotiated(&headers).content_type;
    ([(header::CONTENT_TYPE, content_type)], Body::empty()).into_response()
}

/// The format for these headers.
pub(crate) fn negotiated(headers: &HeaderMap) -> Negotiated {
    let accept = headers.get_all(header::ACCEPT).iter();
    // A header given twice is one list, cut in two.
    let accept: Vec<_> = accept.filter_map(|it| it.to_str().ok()).collect();
    negotiate::negotiated(&accept.join(","))
}

/// A collection, and a place to answer with it. Where there is no place for one more, what is
/// answered says that nothing is known: it is small, and needs none.
async fn collected(
    app: &App,
    client: IpAddr,
    collectors: &[Collector],
    deadline: Instant,
) -> (Arc<CollectionResult>, Option<Place>) {
    let collection = match app.waiting.try_acquire() {
        Ok(_waiting) => Some(app.collect.collection_of(collectors, deadline).await),
        Err(_) => None,
    };
    let place = match &collection {
        Some(_) => {
            app.places
                .take(client, &app.trackers.answering, deadline)
                .await
        }
        None => None,
    };
    app.say_if_full(place.is_none());
    match (collection, place) {
        (Some(collection), Some(place)) => (collection, Some(place)),
        _ => {
            let failure = Failure::new(ErrorKind::Timeout, FULL);
            let nothing = CollectionResult::failed(failure, collectors.iter().copied());
            (Arc::new(nothing), None)
        }
    }
}

/// What is answered, and logged, where there is no place.
const FULL: &str = "too many concurrent scrapes: see --web.max-requests";

/// A whole answer, handed over bit by bit, so that the place lasts until the client has taken
/// it: answers in memory are as many as places.
struct Chunks {
    parts: [Bytes; 2],
    _place: Option<Place>,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.iter_mut().find(|it| !it.is_empty());
        let frame = part.map(|part| {
            let length = part.len().min(CHUNK_BYTES);
            Ok(Frame::data(part.split_to(length)))
        });
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.parts.iter().map(|it| it.len() as u64).sum())
    }
}

impl App {
    /// Whether the settings in effect match the files.
    fn is_config_current(&self) -> bool {
        self.settings.lifecycle.config.is_current()
            && self.is_database_current.load(Ordering::Relaxed)
    }

    /// A line when scrapes begin to find no place, and one when they find one again.
    fn say_if_full(&self, is_full: bool) {
        match (self.is_full.swap(is_full, Ordering::Relaxed), is_full) {
            (false, true) => tracing::warn!("{FULL}; they get coder_exporter_up 0"),
            (true, false) => tracing::info!("there is room for scrapes again"),
            _ => {}
        }
    }

    /// A line when pages begin to be too large, and one when they fit again.
    fn say_what_was_cut(&self, cuts: &[Cut]) {
        let was_cut = self.is_page_cut.swap(!cuts.is_empty(), Ordering::Relaxed);
        match (was_cut, cuts.first()) {
            (
                false,
                Some(Cut {
                    metric, dropped, ..
                }),
            ) => {
                let limit = self.settings.detail.max_page_bytes;
                tracing::warn!(
                    metric,
                    dropped,
                    limit,
                    "the metrics page would be larger than --metrics.max-page-bytes: series are \
                     left out, see coder_exporter_series_dropped"
                );
            }
            (true, None) => tracing::info!("the metrics page fits again: no series is left out"),
            _ => {}
        }
    }
}
