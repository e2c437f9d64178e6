//! Timeouts of the resolver, and the size of its cache.

use std::time::Duration;

/// Settings of the resolver (`docs/spec/resolver.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolverSettings {
    /// Time after which a dial is slow and the directory is queried. Also the timeout of every
    /// query to the directory.
    pub validation_delay: Duration,
    /// Timeout of a call, including the queries to find the right agent.
    pub dial_timeout: Duration,
    /// An agent that did not answer in time is disconnected instead of slow, if its row has shown
    /// it as disconnected for at least this long.
    pub recovery_threshold: Duration,
    /// Time without a heartbeat after which an agent is disconnected
    /// (`docs/spec/connection-status.md`).
    pub inactive_timeout: Duration,
    /// Maximum number of workspaces in the cache.
    pub most_remembered: usize,
}

impl Default for ResolverSettings {
    fn default() -> Self {
        Self {
            validation_delay: Duration::from_secs(5),
            dial_timeout: Duration::from_secs(30),
            recovery_threshold: Duration::from_secs(90),
            inactive_timeout: Duration::from_secs(30),
            // A binding is some hundred bytes: a few megabytes at most.
            most_remembered: 20_000,
        }
    }
}
