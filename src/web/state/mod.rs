//! What the handlers share.

mod cached_collection;
mod details_cache;
mod ready;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::collect::Collect;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::lookup::directory;
use crate::postgres::reads_of;
use crate::web::auth::passwords::Passwords;
use crate::web::auth::rate_limit::TokenBucket;
use crate::web::server::connection::ConnectionTrackers;
use crate::web::settings::WebSettings;

use self::details_cache::DetailsCache;
use self::ready::ReadyCheck;

/// Requests to `/-/ready` that may wait for the database at a time; more get 503 at once.
const ASKING: usize = 32;

/// Whether the client has shown that it may know more than that the exporter is there: by its
/// password, or because none is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsTrusted(pub(crate) bool);

/// When a reload began, and how it ended.
pub(crate) type LastReload = (Instant, Result<(), String>);

/// What the handlers share.
pub(crate) struct App {
    pub(crate) collect: Collect,
    pub(crate) settings: WebSettings,
    pub(crate) scrapes: Arc<Semaphore>,
    pub(crate) trackers: ConnectionTrackers,
    pub(crate) readiness: ReadyCheck,
    pub(crate) details_cache: DetailsCache,
    pub(crate) asking: Semaphore,
    pub(crate) passwords: Passwords,
    /// Requests of those who may ask.
    pub(crate) rate_limit: TokenBucket,
    /// Requests of those without a password, or with a wrong one.
    pub(crate) strangers: TokenBucket,
    /// The last reload; locked while there is one.
    pub(crate) reloading: Mutex<Option<LastReload>>,
    /// Whether the database's URL could be read when that was last asked for.
    pub(crate) is_database_current: AtomicBool,
    /// Whether series were left out of the last page.
    pub(crate) is_page_cut: AtomicBool,
}

impl App {
    /// Nothing has been asked yet.
    pub(crate) fn new(collect: Collect, settings: WebSettings) -> Self {
        Self {
            collect,
            scrapes: Arc::new(Semaphore::new(settings.max_requests)),
            settings,
            trackers: ConnectionTrackers::default(),
            readiness: ReadyCheck::default(),
            details_cache: DetailsCache::default(),
            asking: Semaphore::new(ASKING),
            passwords: Passwords::new(),
            rate_limit: TokenBucket::default(),
            strangers: TokenBucket::default(),
            reloading: Mutex::default(),
            is_database_current: AtomicBool::new(true),
            is_page_cut: AtomicBool::new(false),
        }
    }

    /// What is to be read, by collectors and probe.
    pub(crate) fn reads(&self) -> Vec<ColumnSet> {
        let mut reads = reads_of(&self.collect.settings().collectors);
        if self.settings.probe.is_some() {
            reads.extend(directory::reads());
        }
        reads
    }
}
