//! Connections: TLS, client certificates, limits, and the web configuration file.

pub(crate) mod client_certificates;
pub(crate) mod connection;
pub(crate) mod connection_tracker;
pub(crate) mod key_sort;
pub(crate) mod live_config;
pub(crate) mod protection;
pub(crate) mod tls;
pub(crate) mod tls_refusals;
