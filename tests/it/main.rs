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
mod histories;

mod activity;
mod agent_page;
mod agent_series;
mod ages;
mod alerting;
mod api;
mod bindings;
mod causes;
mod check;
mod classes;
mod client_certificates;
mod clocks;
mod coderd;
mod command_line;
mod commands;
mod compression;
mod connecting;
mod cost;
mod cut_off;
mod demo;
mod dialers;
mod dimensions;
mod directory;
mod eras;
mod faults;
mod formats;
mod grants;
mod hostile;
mod incidents;
mod isolation;
mod lifecycle;
mod locks;
mod logs;
mod lost_indexes;
mod odd_rows;
mod one_moment;
mod outage;
mod pages;
mod passwords;
mod pgbouncer;
mod pgbouncer_trouble;
mod picking;
mod population;
mod privileges;
mod probe;
mod program;
mod provisioners;
mod queries;
mod random_fleets;
mod real_coder;
mod releases;
mod replica;
mod reporter;
mod row_security;
mod schema_info;
mod service_level;
mod settings;
mod sharing;
mod signs_of_life;
mod systemd;
mod tls;
mod toolkit;
mod transitions;
mod variables;
mod versions;
mod web_config;
mod web_tls;
mod workspaces;
mod zero_fill;
