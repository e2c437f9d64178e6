//! What the service manager is sent, and what it hands over. Without one, nothing happens.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use sd_notify::NotifyState;

/// The exporter listens.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload begins; [`ready`] says that it is over.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the monotonic clock cannot be read"),
    }
}

/// The exporter is about to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The exporter is alive.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often [`alive`] is to be said: twice in the time the manager waits for it; `None`
/// when it does not wait.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    let interval = sd_notify::watchdog_enabled()? / 2;
    (!interval.is_zero()).then_some(interval)
}

/// The sockets that the manager opened for us; none when it opened none.
///
/// # Errors
///
/// When one of them is no listening TCP socket.
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
