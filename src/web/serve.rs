//! Accepts and serves connections.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::try_join_all;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::collect::Collect;
use crate::systemd;
use crate::web::router::router;
use crate::web::server::connection;
use crate::web::server::connection::ConnectionTrackers;
use crate::web::server::live_config::LiveConfig;
use crate::web::settings::{ServerLimits, WebSettings};
use crate::web::state::App;

/// After a stop signal, requests in progress get this long.
const DRAIN: Duration = Duration::from_secs(10);

/// After a stop signal, connections without a request get this long.
const DRAIN_WAITING: Duration = Duration::from_millis(500);

/// Interval at which connections are checked against their time limits.
const SWEEP: Duration = Duration::from_millis(250);

/// An evicted connection ends within this time, unless the machine is stalled.
const MOVE_OVER: Duration = Duration::from_secs(1);

/// Pause after an error of the system, such as too many open files.
const BREATH: Duration = Duration::from_millis(200);

/// Length of the queue of connections that are not accepted yet; the same as tokio's default.
const BACKLOG: u32 = 1024;

/// Listens on `address`. An empty host means all interfaces, as in `:21120`.
///
/// # Errors
///
/// When the address cannot be used.
pub async fn bind(address: &str) -> io::Result<TcpListener> {
    match address.strip_prefix(':') {
        Some(port) => {
            let port = port.parse().map_err(io::Error::other)?;
            match bind_both(port) {
                Ok(listener) => Ok(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
                // A host without IPv6.
                Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
            }
        }
        None => TcpListener::bind(address).await,
    }
}

/// Opens one socket for IPv6 and IPv4.
fn bind_both(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v6()?;
    serve_ipv4_too(&socket)?;
    // As tokio's own listeners have it.
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv6Addr::UNSPECIFIED, port).into())?;
    socket.listen(BACKLOG)
}

/// Enables IPv4 on the socket, in case `net.ipv6.bindv6only` is 1.
fn serve_ipv4_too(socket: &TcpSocket) -> io::Result<()> {
    SockRef::from(socket).set_only_v6(false)
}

/// Serves on every listener until `shutdown` completes and requests in progress have ended. The
/// caller provides sockets and signals.
///
/// # Errors
///
/// When a listener fails.
pub async fn serve(
    listeners: Vec<TcpListener>,
    collect: Collect,
    settings: WebSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = Arc::new(App::new(collect, settings));
    let acceptor = Acceptor::new(&app);
    let (stop, stopped) = watch::channel(());
    let rooms = listeners
        .into_iter()
        .map(|listener| acceptor.clone().keep(listener, stopped.clone()));
    let mut rooms = std::pin::pin!(try_join_all(rooms));
    let mut housekeeping = std::pin::pin!(housekeeping(&app));
    tokio::select! {
        ended = &mut rooms => return ended.map(|_| ()),
        () = &mut housekeeping => {}
        () = shutdown => drop(stop),
    }
    systemd::stopping();
    let sweep = sweep(&app.trackers, DRAIN_WAITING, app.settings.limits.answering);
    tokio::select! {
        ended = timeout(DRAIN, rooms) => match ended {
            Ok(ended) => ended.map(|_| ()),
            Err(_) => {
                tracing::warn!("requests still running after {DRAIN:?} were aborted");
                Ok(())
            }
        },
        () = sweep => Ok(()),
    }
}

/// Background tasks: time limits, reloads, and the service manager's watchdog.
async fn housekeeping(app: &Arc<App>) {
    let limits = app.settings.limits;
    tokio::join!(
        sweep(&app.trackers, limits.waiting, limits.answering),
        reload_when_asked(app),
        feed_the_watchdog(),
    );
}

async fn reload_when_asked(app: &Arc<App>) {
    loop {
        app.settings.lifecycle.reload_requested.notified().await;
        // It has been logged, and there is no caller to report to.
        let _ = app.reload().await;
    }
}

/// Resets the watchdog. It runs on the same runtime as the requests, so the watchdog fires if the
/// runtime is stalled.
async fn feed_the_watchdog() {
    let Some(period) = systemd::watchdog_interval() else {
        return;
    };
    let mut ticks = interval(period);
    loop {
        ticks.tick().await;
        systemd::alive();
    }
}

/// Ends connections that exceed a time limit. Never returns.
async fn sweep(trackers: &ConnectionTrackers, waiting: Duration, answering: Duration) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        trackers.waiting.cut_after(waiting);
        trackers.answering.cut_after(answering);
    }
}

/// The state for accepting connections.
#[derive(Clone)]
struct Acceptor {
    router: Router,
    trackers: ConnectionTrackers,
    config: Arc<LiveConfig>,
    limits: ServerLimits,
    places: Arc<Semaphore>,
}

impl Acceptor {
    fn new(app: &Arc<App>) -> Self {
        Self {
            router: router(app),
            trackers: app.trackers.clone(),
            config: app.settings.lifecycle.config.clone(),
            limits: app.settings.limits,
            places: Arc::new(Semaphore::new(app.settings.limits.connections)),
        }
    }

    /// Serves connections until `stop`, then waits for the open ones.
    async fn keep(self, listener: TcpListener, mut stop: watch::Receiver<()>) -> io::Result<()> {
        // Dropping it ends them all.
        let mut connections = JoinSet::new();
        let stopped = stop.clone();
        loop {
            tokio::select! {
                // An error means that the sender is gone, which is the signal.
                _ = stop.changed() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // An answer goes out in parts: without this the last one waits 40 ms
                        // for the client to acknowledge the one before.
                        let _ = stream.set_nodelay(true);
                        if let Some(place) = self.place().await {
                            connections.spawn(self.clone().serve(stream, place, stopped.clone()));
                        }
                    }
                    Err(error) => rest_after(&error).await,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
        Ok(())
    }

    /// A permit for one more connection. If none is free, the connection that has been idle for the
    /// longest time is evicted, or else the slowest reader of a response if it exceeds its limit.
    /// A new connection with a request is hardly ever idle, so it is not evicted.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let moves = self.trackers.waiting.cut_longest(Duration::ZERO)
            || self.trackers.answering.cut_longest(self.limits.slow_reader);
        if !moves {
            return None;
        }
        let place = timeout(MOVE_OVER, self.places.clone().acquire_owned()).await;
        place.ok()?.ok()
    }

    async fn serve(
        self,
        stream: TcpStream,
        place: OwnedSemaphorePermit,
        stop: watch::Receiver<()>,
    ) {
        let tls = self.config.current().tls.clone();
        connection::serve(stream, tls, self.router, self.trackers, stop).await;
        drop(place);
    }
}

/// Pauses after an error of `accept`, which would otherwise repeat at once. A client that has
/// already disconnected needs no pause.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::warn!(%error, "a connection could not be accepted; retrying");
    sleep(BREATH).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_interface_is_served_by_ipv4_too() {
        let listener = bind(":0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if address.is_ipv6() {
            assert!(!SockRef::from(&listener).only_v6().unwrap());
        }
        let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await;
        assert!(connected.is_ok(), "{connected:?}");
    }

    #[test]
    fn socket_that_began_with_ipv6_alone_serves_both() {
        let socket = TcpSocket::new_v6().unwrap();
        let options = SockRef::from(&socket);
        options.set_only_v6(true).unwrap();
        serve_ipv4_too(&socket).unwrap();
        assert!(!options.only_v6().unwrap());
    }

    #[tokio::test]
    async fn port_that_is_none_is_refused() {
        for address in [":", ":http", ":65536"] {
            assert!(bind(address).await.is_err(), "{address}");
        }
    }
}
