//! The exporter against a real Postgres: one binary, a fresh database for each test.
//!
//! Read [`harness`] first, then [`population`] for what a test looks like. Each module is a
//! promise of the specification; each test is a sentence about it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail tests by panicking; clippy knows only #[test] functions"
)]

mod harness;

mod agent_series;
mod ages;
mod bindings;
mod causes;
mod check;
mod classes;
mod clocks;
mod coderd;
mod compression;
mod cost;
mod demo;
mod dialer_trust;
mod dialers;
mod eras;
mod formats;
mod grants;
mod isolation;
mod odd_rows;
mod one_moment;
mod outage;
mod pages;
mod passwords;
mod population;
mod program;
mod replica;
mod reporter;
mod schema_info;
mod settings;
mod sharing;
mod tls;
mod transitions;
mod versions;
mod workspaces;
mod zero_fill;
