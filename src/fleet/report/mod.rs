//! The fleet as text and JSON, for commands, pages and the API.

pub mod agent_tree;
pub mod coder_summary;
pub mod csv;
pub mod exporter_summary;
pub mod fleet_summary;
pub mod format;
pub mod sanitize;
pub(crate) mod schema;
pub mod summary;
pub mod timeline;
pub mod usage_summary;
