//! The three formats (`docs/spec/metrics.md`): that they say the same, and that others read it.

mod agreement;
mod fleets;
mod lively;
mod over_http;
mod pages;
mod probed;
mod prometheus;
mod promtool;
