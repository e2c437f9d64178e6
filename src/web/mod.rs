//! HTTP: what an operator and Prometheus see.

mod deadline;
mod landing;
mod negotiate;
mod server;

pub use server::{Settings, bind, serve};
