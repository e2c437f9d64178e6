//! Prometheus exporter and agent-health monitor for self-hosted Coder deployments.

pub mod demo;
