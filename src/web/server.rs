//! The loop that serves.

use std::io;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::collect::Collect;

use super::router::router;
use super::settings::Settings;

/// After the signal to stop, requests under way get this long.
const DRAIN: Duration = Duration::from_secs(10);

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
