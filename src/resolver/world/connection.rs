//! What the made-up Coder hands out, and how it notices that it is not wanted any more.

use super::super::Resolved;
use super::World;

/// Proof that an agent answered.
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

/// Something that is waited for; the diary says when the last waiter is gone.
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

/// How it went, in two words: `Dialed old`.
pub(in super::super) fn said(resolved: &Resolved<Connection>) -> String {
    assert_eq!(*resolved.target.agent, *resolved.connection.agent);
    format!("{:?} {}", resolved.route, resolved.connection.agent)
}
