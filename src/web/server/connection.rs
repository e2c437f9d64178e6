//! One connection: its TLS, its requests, its end.
//!
//! A connection waits (for TLS, for a request) or answers. It is in a tracker while it does, so
//! that a new connection that needs its place can end the one that has kept it for longest; how
//! much it says meanwhile, a byte a second or nothing, makes no difference.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::web::server::connection_tracker::{ConnectionTracker, Cut, Entry};
use crate::web::server::tls_refusals::TlsRefusals;

/// Prometheus needs some milliseconds.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who speaks plain HTTP to TLS has this long to read that.
const FAREWELL: Duration = Duration::from_secs(2);

/// Of a request's head, and of what is written and not yet taken. A scraper's head is 500 bytes,
/// a browser's with cookies a few thousand; memory is this times the number of connections.
const BUFFER_BYTES: usize = 16 * 1024;

/// Requests at once on one HTTP/2 connection; Prometheus sends one.
const STREAMS: u32 = 16;

/// What all connections share.
#[derive(Clone, Default)]
pub(crate) struct ConnectionTrackers {
    /// Connections on which no request is under way.
    pub(crate) waiting: Arc<ConnectionTracker>,
    /// Connections whose answer is being taken.
    pub(crate) answering: Arc<ConnectionTracker>,
    /// Clients that were refused because of their certificate.
    pub(crate) tls_refusals: Arc<TlsRefusals>,
}

/// Where a request comes from: the address of its connection, which may be a proxy's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Serves one connection until it ends, is ended, or `stop` says so and its requests are done.
pub(crate) async fn serve(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    trackers: ConnectionTrackers,
    stop: watch::Receiver<()>,
) {
    // One that is gone has no address, and is served to nobody.
    let Ok(client) = stream.peer_addr() else {
        return;
    };
    let cut = Cut::default();
    let client = client.ip().to_canonical();
    let connection_state = Arc::new(ConnectionState::new(trackers, cut.clone(), client));
    tokio::select! {
        () = cut.notified() => tracing::debug!("a connection was closed: it took too long, or its slot was needed"),
        () = talk(stream, tls, router, connection_state, stop) => {}
    }
}

async fn talk(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    connection_state: Arc<ConnectionState>,
    stop: watch::Receiver<()>,
) {
    let builder = builder();
    let Some(config) = tls else {
        return answer_all(stream, builder.http1_only(), router, connection_state, stop).await;
    };
    let Ok(Ok(speaks_http)) = timeout(HANDSHAKE, begins_like_http(&stream)).await else {
        return;
    };
    if speaks_http {
        return refuse_plain_http(stream).await;
    }
    let stream = match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let refusals = &connection_state.trackers.tls_refusals;
            if !refusals.note(&error) {
                // Any client can cause this at any rate: not for the log of every day.
                tracing::debug!(%error, "TLS handshake failed");
            }
            return;
        }
        Err(_) => return,
    };
    let builder = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => builder.http2_only(),
        _ => builder.http1_only(),
    };
    answer_all(stream, builder, router, connection_state, stop).await;
}

/// What a client is answered that speaks plain HTTP where TLS is expected, in Go's words.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Whether a client's first bytes are those of a request; TLS begins with a byte that is no letter.
async fn begins_like_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    Ok(read > 0 && first[0].is_ascii_uppercase())
}

/// Says so, and waits until the client has heard it: a connection that is closed with bytes unread
/// is reset, and the answer with it.
async fn refuse_plain_http(mut stream: TcpStream) {
    let mut rest = [0; 4096];
    let hear = async {
        stream.write_all(PLAIN_HTTP).await?;
        stream.shutdown().await?;
        let mut heard = 0;
        while heard < BUFFER_BYTES {
            match stream.read(&mut rest).await? {
                0 => break,
                read => heard += read,
            }
        }
        Ok::<_, io::Error>(())
    };
    // It is gone, or takes too long: either way there is no one left to tell.
    let _ = timeout(FAREWELL, hear).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // The tracker of those who wait is the limit.
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .http2()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(BUFFER_BYTES as u32)
        .max_send_buf_size(BUFFER_BYTES);
    builder
}

async fn answer_all<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    builder: Builder<TokioExecutor>,
    router: Router,
    connection_state: Arc<ConnectionState>,
    mut stop: watch::Receiver<()>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let client = ClientAddress(connection_state.client);
        request.extensions_mut().insert(client);
        let in_flight = InFlight::new(&connection_state);
        let response = router.call(request);
        async move {
            let response = response.await?;
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, in_flight)))
        }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // An error means that the sender is gone, which is the signal.
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// A connection's place: in the tracker of those who wait while no request is under way.
struct ConnectionState {
    trackers: ConnectionTrackers,
    cut: Cut,
    client: IpAddr,
    state: Mutex<RequestState>,
}

struct RequestState {
    requests: usize,
    waiting: Option<Entry>,
}

impl ConnectionState {
    fn new(trackers: ConnectionTrackers, cut: Cut, client: IpAddr) -> Self {
        let state = Mutex::new(RequestState {
            requests: 0,
            waiting: Some(trackers.waiting.enter(&cut, client)),
        });
        Self {
            trackers,
            cut,
            client,
            state,
        }
    }
}

/// A request under way, from its head to the last of its answer.
struct InFlight(Arc<ConnectionState>);

impl InFlight {
    fn new(connection_state: &Arc<ConnectionState>) -> Self {
        let mut state = connection_state.state.lock();
        state.requests += 1;
        state.waiting = None;
        drop(state);
        Self(connection_state.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.requests -= 1;
        if state.requests == 0 {
            let waiting = &self.0.trackers.waiting;
            state.waiting = Some(waiting.enter(&self.0.cut, self.0.client));
        }
    }
}

/// An answer on its way; dropped when the client has taken it, but for what is in buffers.
struct Answer {
    body: Body,
    _answering: Entry,
    _in_flight: InFlight,
}

impl Answer {
    fn new(body: Body, in_flight: InFlight) -> Self {
        let connection = &in_flight.0;
        let answering = &connection.trackers.answering;
        Self {
            body,
            _answering: answering.enter(&connection.cut, connection.client),
            _in_flight: in_flight,
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
