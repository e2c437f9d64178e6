//! What the web side needs to know.

use std::time::Duration;

use crate::metrics::page::Detail;

/// What the web side needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Path of the metrics.
    pub telemetry_path: String,
    /// Scrapes answered at the same time; more get 503.
    pub max_requests: usize,
    /// Taken off the scraper's deadline for the way back.
    pub timeout_offset: Duration,
    /// Deadline of a scraper that names none.
    pub collect_timeout: Duration,
    /// How much the metrics tell.
    pub detail: Detail,
    /// Whether `/` is served.
    pub ui: bool,
}
