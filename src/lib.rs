//! Prometheus exporter and agent-health monitor for self-hosted Coder deployments.

pub mod cli;
mod clock;
pub mod collect;
pub mod config;
pub mod demo;
pub mod fleet;
pub mod metrics;
pub mod postgres;
mod process;
pub mod web;
