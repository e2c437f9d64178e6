//! Every setting.
pub mod postgres_url;
