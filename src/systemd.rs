//! Messages to the service manager, and sockets from it. Without systemd they do nothing.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use sd_notify::NotifyState;

/// Reports that the exporter listens on its sockets (`READY=1`).
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Reports that a reload starts (`RELOADING=1`). [`ready`] reports its end.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the monotonic clock cannot be read"),
    }
}

/// Reports that the exporter stops (`STOPPING=1`).
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Resets the watchdog timer (`WATCHDOG=1`).
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Interval for calls of [`alive`]: half of the watchdog's timeout. `None` if there is no watchdog.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    let interval = sd_notify::watchdog_enabled()? / 2;
    (!interval.is_zero()).then_some(interval)
}

/// Listening sockets from socket activation; empty if there are none.
///
/// # Errors
///
/// When one of them is not a listening TCP socket.
pub(crate) fn sockets() -> io::Result<Vec<TcpListener>> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed_over.len() {
        sockets.extend(handed_over.take_tcp_listener(index)?);
    }
    Ok(sockets)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}
