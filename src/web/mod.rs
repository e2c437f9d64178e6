//! HTTP: what an operator and Prometheus see.

mod deadline;
mod landing;
mod lifecycle;
mod negotiate;
mod router;
mod scrape;
mod server;
mod settings;

pub use server::{bind, serve};
pub use settings::Settings;
