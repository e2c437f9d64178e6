//! HTTP: what an operator and Prometheus see.

mod api;
mod bucket;
mod choice;
mod client_certificates;
mod compression;
mod connection;
mod connection_tracker;
mod deadline;
mod details_cache;
mod guard;
mod lifecycle;
mod links;
mod live_config;
mod negotiate;
mod origin;
mod passwords;
mod probe;
mod protection;
mod ready;
mod router;
mod scrape;
mod server;
mod settings;
mod tls;
mod ui;
mod view;

pub use links::Links;
pub use live_config::LiveConfig;
pub use server::{bind, serve};
pub use settings::{DatabaseSource, Lifecycle, Limits, ReadDatabase, Settings};
