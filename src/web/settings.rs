//! What the web side needs to know.

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

/// What the web side needs to know.
#[derive(Debug, Clone)]
pub struct WebSettings {
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
    /// Whether there are pages for a browser.
    pub ui: bool,
    /// Where they lead.
    pub links: Links,
    /// The probe, when it is on. Its rounds are made by its owner.
    pub probe: Option<Probe<AnyDialer>>,
    /// Reads the session reports, where the probe does not. Its owner runs it.
    pub activity: Option<ActivityReader<Collect>>,
    /// What Coder says of itself, where its URL is known. Its owner asks.
    pub coder: Option<CoderWatch>,
    /// How long and how many.
    pub limits: ServerLimits,
    /// What can be read again, and who asks for it.
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

/// What no client can exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at once, on all addresses together. Beyond it, the connection that has waited
    /// for longest goes. Well below 1024, the usual limit of open files, and of some 40 kB each
    /// at worst: less memory than the exporter takes at rest.
    pub connections: usize,
    /// How long a connection may be without a complete request. Longer than a minute, so that
    /// a Prometheus that scrapes once a minute keeps its connection.
    pub waiting: Duration,
    /// How long an answer may take to be read.
    pub answering: Duration,
    /// Who reads for longer than this makes room when there is none.
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

/// What can be read again while it runs, and what is shown of the settings.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// The file of `--web.config.file`.
    pub config: Arc<LiveConfig>,
    /// Where the database's URL is read again from.
    pub database: DatabaseSource,
    /// The effective settings, secrets hidden: what `/-/config` shows.
    pub effective: Arc<str>,
    /// Notified when a signal outside of HTTP asks for a reload.
    pub reload_requested: Arc<Notify>,
}

/// Makes the database anew from what the settings name; `None` when it is the one it was.
pub type ReadDatabase = dyn Fn() -> Result<Option<Database>, String> + Send + Sync;

/// Where the database's URL is read again from on a reload; nowhere by default.
#[derive(Clone, Default)]
pub struct DatabaseSource(pub Option<Arc<ReadDatabase>>);

impl fmt::Debug for DatabaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = if self.0.is_some() { "a file" } else { "none" };
        write!(f, "DatabaseSource({is_there})")
    }
}
