//! HTTP: what an operator and Prometheus see.

mod api;
mod cached_collection;
mod client_certificates;
mod collector_filter;
mod compression;
mod connection;
mod connection_tracker;
mod deadline;
mod details_cache;
mod lifecycle;
mod links;
mod live_config;
mod middleware;
mod negotiate;
mod origin;
mod passwords;
mod probe;
mod protection;
mod rate_limit;
mod ready;
mod router;
mod scrape;
mod server;
mod settings;
mod tls;
mod ui;

pub use links::Links;
pub use live_config::LiveConfig;
pub use server::{bind, serve};
pub use settings::{DatabaseSource, Lifecycle, ReadDatabase, ServerLimits, WebSettings};
