//! HTTP: what an operator and Prometheus see.

mod bucket;
mod choice;
mod client_certificates;
mod connection;
mod deadline;
mod guard;
mod landing;
mod lifecycle;
mod live_config;
mod negotiate;
mod passwords;
mod probe;
mod protection;
mod ready;
mod roster;
mod router;
mod scrape;
mod server;
mod settings;
mod tls;

pub use live_config::LiveConfig;
pub use server::{bind, serve};
pub use settings::{DatabaseSource, Lifecycle, Limits, ReadDatabase, Settings};
