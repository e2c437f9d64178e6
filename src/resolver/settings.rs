//! How long things may take, and how much is remembered.

use std::time::Duration;

/// The resolver's constants (`docs/spec/resolver.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolverSettings {
    /// A dial slower than this is doubted, and the directory asked. It is also how long any
    /// question to the directory may take.
    pub validation_delay: Duration,
    /// A dial, with all that it takes to find the right agent, may take this long.
    pub dial_timeout: Duration,
    /// An agent that did not answer in time, and whose row has said disconnected for at least
    /// this long, is disconnected rather than slow.
    pub recovery_threshold: Duration,
    /// Silence after which an agent is disconnected (`docs/spec/connection-status.md`).
    pub inactive_timeout: Duration,
    /// Workspaces that are remembered, at most.
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
