//! Settings of the web server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::activity::{ActivityReader, Reading};
use crate::coder_watch::CoderWatch;
use crate::collect::Collect;
use crate::dialer::AnyDialer;
use crate::metrics::page::Detail;
use crate::postgres::database::Database;
use crate::probe::Probe;
use crate::web::server::live_config::LiveConfig;

use super::links::Links;

/// Settings of the web server.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Path of the metrics.
    pub telemetry_path: String,
    /// Maximum number of concurrent scrapes; more get 503.
    pub max_requests: usize,
    /// Subtracted from the scraper's timeout, to leave time for the response.
    pub timeout_offset: Duration,
    /// Timeout of a scrape that sends none.
    pub collect_timeout: Duration,
    /// Which optional metrics are written.
    pub detail: Detail,
    /// Whether the pages are enabled.
    pub ui: bool,
    /// URLs for links on the pages.
    pub links: Links,
    /// The probe; `None` if it is off. Its owner runs the rounds.
    pub probe: Option<Probe<AnyDialer>>,
    /// Reads the session reports, where the probe does not. Its owner runs it.
    pub activity: Option<ActivityReader<Collect>>,
    /// What Coder says of itself, where its URL is known. Its owner asks.
    pub coder: Option<CoderWatch>,
    /// Limits on connections and time.
    pub limits: ServerLimits,
    /// Files that are read again at a reload, and their triggers.
    pub lifecycle: Lifecycle,
}

impl WebSettings {
    /// The latest reading of the session reports.
    pub(crate) fn activity(&self) -> Option<Reading> {
        let of_probe = self.probe.as_ref().map(Probe::activity);
        of_probe.or(self.activity.as_ref())?.latest()
    }

    /// Why Coder did not answer when it was last asked; `None` when it did, or is not asked.
    pub(crate) fn coder_trouble(&self) -> Option<String> {
        let answers = self.coder.as_ref()?.answers();
        answers.healthz?.err()
    }
}

/// Limits that no client can exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Maximum number of connections, on all addresses together. Above it, the connection that has
    /// been idle for the longest time is evicted. It is well below 1024, the usual limit of open
    /// files. A connection takes at most about 40 kB, in total less memory than the exporter when
    /// idle.
    pub connections: usize,
    /// How long a connection may be without a complete request. It is longer than a minute, so that
    /// a Prometheus with an interval of one minute keeps its connection.
    pub waiting: Duration,
    /// How long a client may take to read a response.
    pub answering: Duration,
    /// A client that takes longer than this to read a response may be evicted.
    pub slow_reader: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            waiting: Duration::from_secs(75),
            answering: Duration::from_secs(30),
            slow_reader: Duration::from_secs(5),
        }
    }
}

/// Settings that can be reloaded, and the text of `/-/config`.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// The content of `--web.config.file`.
    pub config: Arc<LiveConfig>,
    /// How to read the database's URL again.
    pub database: DatabaseSource,
    /// The settings in effect without secrets, for `/-/config`.
    pub effective: Arc<str>,
    /// Number of settings that were given under a deprecated name.
    pub deprecated_settings: u64,
    /// Notified by a signal that requests a reload.
    pub reload_requested: Arc<Notify>,
}

/// Reads the database's URL again; `None` if it has not changed.
pub type ReadDatabase = dyn Fn() -> Result<Option<Database>, String> + Send + Sync;

/// How a reload reads the database's URL. By default it does not.
#[derive(Clone, Default)]
pub struct DatabaseSource(pub Option<Arc<ReadDatabase>>);

impl fmt::Debug for DatabaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = if self.0.is_some() { "a file" } else { "none" };
        write!(f, "DatabaseSource({is_there})")
    }
}
