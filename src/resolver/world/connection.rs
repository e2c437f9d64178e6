//! Connections and running queries of the simulated Coder, which log when they are dropped.

use super::super::Resolved;
use super::World;

/// The connection to an agent that answered.
pub(in super::super) struct Connection {
    pub(super) world: World,
    pub(super) agent: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "connection to {}", self.agent)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.world.lock().released += 1;
        self.world.note(&format!("released {}", self.agent));
    }
}

/// A running query or dial. It is logged when the last waiting caller has left.
pub(super) struct Underway<'a> {
    pub(super) world: &'a World,
    pub(super) cancelled: Option<String>,
}

impl Underway<'_> {
    pub(super) fn ended(mut self) {
        self.cancelled = None;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if let Some(cancelled) = &self.cancelled {
            self.world.note(cancelled);
        }
    }
}

/// A result in two words: `Dialed old`.
pub(in super::super) fn said(resolved: &Resolved<Connection>) -> String {
    assert_eq!(*resolved.target.agent, *resolved.connection.agent);
    format!("{:?} {}", resolved.route, resolved.connection.agent)
}
