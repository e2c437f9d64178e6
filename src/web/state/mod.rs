//! State that the handlers share.

mod cached_collection;
mod details_cache;
mod incidents;
pub(crate) mod kept_pages;
pub(crate) mod places;
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
use self::kept_pages::KeptPages;
use self::places::Places;
use self::ready::ReadyCheck;

/// Maximum number of requests to `/-/ready` that wait for the database; more get 503 at once.
const ASKING: usize = 32;

/// Whether the client has shown that it may know more than that the exporter is there: by its
/// password, or because none is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsTrusted(pub(crate) bool);

/// When a reload began, and how it ended.
pub(crate) type LastReload = (Instant, Result<(), String>);

/// Scrapes that may wait for the database at a time: each costs the head of its request. Connections
/// are fewer, but each may carry several.
const WAITING: usize = 1024;

/// State that the handlers share.
pub(crate) struct App {
    pub(crate) collect: Collect,
    pub(crate) settings: WebSettings,
    /// For answers of scrapes on their way.
    pub(crate) places: Arc<Places>,
    /// Scrapes that wait for the database.
    pub(crate) waiting: Semaphore,
    /// Pages that are made.
    pub(crate) pages: Semaphore,
    pub(crate) trackers: ConnectionTrackers,
    pub(crate) readiness: ReadyCheck,
    pub(crate) details_cache: DetailsCache,
    /// The part of the metrics page that only a new collection changes.
    pub(crate) kept_pages: KeptPages,
    pub(crate) asking: Semaphore,
    pub(crate) passwords: Passwords,
    /// Requests of those who may ask.
    pub(crate) rate_limit: TokenBucket,
    /// Requests of those without a password, or with a wrong one.
    pub(crate) strangers: TokenBucket,
    /// The last reload; locked while there is one.
    pub(crate) reloading: Mutex<Option<LastReload>>,
    /// Whether the last attempt to read the database's URL succeeded.
    pub(crate) is_database_current: AtomicBool,
    /// Whether series were left out of the last page.
    pub(crate) is_page_cut: AtomicBool,
    /// Whether the last scrape found no place.
    pub(crate) is_full: AtomicBool,
}

impl App {
    /// The initial state, without a collection.
    pub(crate) fn new(collect: Collect, settings: WebSettings) -> Self {
        Self {
            collect,
            places: Arc::new(Places::new(
                settings.max_requests,
                settings.limits.slow_reader,
            )),
            waiting: Semaphore::new(WAITING),
            pages: Semaphore::new(settings.max_requests),
            settings,
            trackers: ConnectionTrackers::default(),
            readiness: ReadyCheck::default(),
            details_cache: DetailsCache::default(),
            kept_pages: KeptPages::default(),
            asking: Semaphore::new(ASKING),
            passwords: Passwords::new(),
            rate_limit: TokenBucket::default(),
            strangers: TokenBucket::default(),
            reloading: Mutex::default(),
            is_database_current: AtomicBool::new(true),
            is_page_cut: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        }
    }

    /// All columns that collectors and probe read.
    pub(crate) fn reads(&self) -> Vec<ColumnSet> {
        let mut reads = reads_of(&self.collect.settings().collectors);
        if self.settings.probe.is_some() {
            reads.extend(directory::reads());
        }
        reads
    }
}
