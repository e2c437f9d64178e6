//! The listening sockets, and what to do when one cannot be opened.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;

use crate::config::args::ExporterArgs;
use crate::web::LiveConfig;
use crate::{systemd, web};

/// Ports below this need root or CAP_NET_BIND_SERVICE by default on Linux.
const FIRST_FREE_PORT: u16 = 1024;

/// Listens on every configured address, or takes the sockets from the service manager.
///
/// # Errors
///
/// When a socket cannot be opened: a sentence that says why and what to do.
pub(super) async fn listen(args: &ExporterArgs) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for socket in systemd::sockets().context("using the sockets passed by systemd")? {
        socket
            .set_nonblocking(true)
            .context("using a socket passed by systemd")?;
        listeners.push(TcpListener::from_std(socket).context("using a socket passed by systemd")?);
    }
    if !listeners.is_empty() {
        return Ok(listeners);
    }
    for address in &args.web.listen_addresses {
        let listener = web::bind(address).await;
        listeners.push(listener.map_err(|error| anyhow!(cannot_listen(address, &error)))?);
    }
    Ok(listeners)
}

/// The URL to open in a browser. A socket on all interfaces is shown as localhost.
pub(super) fn url(config: &LiveConfig, address: SocketAddr) -> String {
    let scheme = config.scheme();
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}

fn cannot_listen(address: &str, error: &io::Error) -> String {
    let port = address.rsplit_once(':').map(|(_, port)| port);
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(0);
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} is in use, possibly by another exporter or demo (`ss -ltnp` shows the process)"
        ),
        io::ErrorKind::PermissionDenied if port < FIRST_FREE_PORT => {
            format!("ports below {FIRST_FREE_PORT} require root")
        }
        _ => error.to_string(),
    };
    format!("cannot listen on {address}: {why}; choose another with --web.listen-address")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, kind: io::ErrorKind, expected: &str) {
        let said = cannot_listen(address, &kind.into());
        assert!(said.contains(expected), "{said}");
        assert!(said.ends_with("--web.listen-address"), "{said}");
    }

    #[test]
    fn what_cannot_be_listened_on_is_told_with_its_reason() {
        check(
            "localhost:21120",
            io::ErrorKind::AddrInUse,
            "port 21120 is in use",
        );
        check("[::1]:80", io::ErrorKind::PermissionDenied, "below 1024");
        check(
            ":8080",
            io::ErrorKind::PermissionDenied,
            "permission denied",
        );
        check(
            "192.0.2.1:8080",
            io::ErrorKind::AddrNotAvailable,
            "cannot listen on 192.0.2.1:8080: address not available",
        );
    }
}
