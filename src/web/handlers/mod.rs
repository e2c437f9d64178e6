//! `/metrics`, `/probe` and the paths under `/-/`.

pub(crate) mod collector_filter;
pub(crate) mod compression;
pub(crate) mod deadline;
pub(crate) mod lifecycle;
pub(crate) mod negotiate;
pub(crate) mod probe;
pub(crate) mod scrape;
