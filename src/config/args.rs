//! The settings as clap arguments: Prometheus' dotted flags, each with an environment variable.

use std::time::Duration;

use clap::Args;

use crate::fleet::rules::health::Limits;
use crate::metrics::page::{AgentLabels, AgentSeries};

use super::coder_args::CoderArgs;
use super::collectors::CollectorArgs;
use super::incident_args::IncidentArgs;
use super::log_args::LogArgs;
use super::output_args::DetailOutputArgs;
use super::postgres_args::PostgresArgs;
use super::probe_args::ProbeArgs;
use super::values::{boolean, count, duration, positive_duration};
use super::web_args::WebArgs;

/// All settings of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Connection to Coder's database.
    #[command(flatten)]
    pub postgres: PostgresArgs,
    /// Settings of the exporter.
    #[command(flatten)]
    pub exporter: ExporterArgs,
}

/// `check`: the settings of `serve`, and how to check them.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Settings to check.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Format of the answer.
    #[command(flatten)]
    pub output: DetailOutputArgs,

    /// Check the settings and the files that they name, and connect to nothing
    #[arg(long = "offline", help_heading = "Output")]
    pub offline: bool,
}

/// All settings except those of the database.
#[derive(Debug, Clone, Args)]
pub struct ExporterArgs {
    /// Limits after which an agent is lost or stuck.
    #[command(flatten)]
    pub agent: AgentArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,
    /// Timeout and minimum interval of a collection.
    #[command(flatten)]
    pub collect: CollectArgs,
    /// Collectors that are on and off.
    #[command(flatten)]
    pub collectors: CollectorArgs,
    /// Level of detail of the metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Coder's URL and session token.
    #[command(flatten)]
    pub coder: CoderArgs,
    /// Dialer, scope and pace of the probe.
    #[command(flatten)]
    pub probe: ProbeArgs,
    /// Addresses, paths and limits of the web server.
    #[command(flatten)]
    pub web: WebArgs,
    /// Level and format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// `--agent.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Agents")]
pub struct AgentArgs {
    /// Time without a heartbeat after which an agent counts as disconnected; Coder's default is 30s
    #[arg(
        long = "agent.inactive-timeout",
        env = "CODER_EXPORTER_AGENT_INACTIVE_TIMEOUT",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = positive_duration
    )]
    pub inactive_timeout: Duration,

    /// Time that an agent which shut down may stay away before it counts as terminated; a restart
    /// from inside the workspace takes less
    #[arg(
        long = "agent.terminated-after",
        env = "CODER_EXPORTER_AGENT_TERMINATED_AFTER",
        value_name = "DURATION",
        default_value = "5m",
        value_parser = positive_duration
    )]
    pub terminated_after: Duration,

    /// Time that an agent may stay in status connecting before it counts as stuck
    #[arg(
        long = "agent.stuck-connecting-after",
        env = "CODER_EXPORTER_AGENT_STUCK_CONNECTING_AFTER",
        value_name = "DURATION",
        default_value = "10m",
        value_parser = positive_duration
    )]
    pub stuck_connecting_after: Duration,

    /// Time that a connected agent may stay in lifecycle state created before it counts as stuck
    #[arg(
        long = "agent.stuck-created-after",
        env = "CODER_EXPORTER_AGENT_STUCK_CREATED_AFTER",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = positive_duration
    )]
    pub stuck_created_after: Duration,

    /// Time that a startup script may run before its agent counts as stuck
    #[arg(
        long = "agent.stuck-starting-after",
        env = "CODER_EXPORTER_AGENT_STUCK_STARTING_AFTER",
        value_name = "DURATION",
        default_value = "30m",
        value_parser = positive_duration
    )]
    pub stuck_starting_after: Duration,
}

/// `--collect.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Collection")]
pub struct CollectArgs {
    /// Timeout of a collection if the scraper sends no timeout of its own
    #[arg(
        long = "collect.timeout",
        env = "CODER_EXPORTER_COLLECT_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = positive_duration
    )]
    pub timeout: Duration,

    /// Minimum time between two collections; requests in between get the result of the last one
    #[arg(
        long = "collect.min-interval",
        env = "CODER_EXPORTER_COLLECT_MIN_INTERVAL",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = duration
    )]
    pub min_interval: Duration,
}

/// `--metrics.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Agents that get their own series
    #[arg(
        long = "metrics.agent-series",
        env = "CODER_EXPORTER_METRICS_AGENT_SERIES",
        value_name = "WHICH",
        default_value = "problems"
    )]
    pub agent_series: AgentSeries,

    /// Maximum number of agents with their own series; those with the oldest problem come first
    #[arg(
        long = "metrics.max-agent-series",
        env = "CODER_EXPORTER_METRICS_MAX_AGENT_SERIES",
        value_name = "N",
        default_value_t = 1000,
        value_parser = count
    )]
    pub max_agent_series: usize,

    /// Also serve Coder's own agent metrics (coderd_agents_*), so that existing dashboards keep
    /// working
    #[arg(
        long = "metrics.coderd-compat",
        env = "CODER_EXPORTER_METRICS_CODERD_COMPAT",
        value_parser = boolean,
        action = clap::ArgAction::SetTrue
    )]
    pub coderd_compat: bool,

    /// Labels of series of single agents. ids: without the names of workspaces and their owners,
    /// which are on the page and in the API only; not with --metrics.coderd-compat
    #[arg(
        long = "metrics.agent-labels",
        env = "CODER_EXPORTER_METRICS_AGENT_LABELS",
        value_name = "WHICH",
        default_value = "full"
    )]
    pub agent_labels: AgentLabels,

    /// Maximum size of the metrics page in bytes, as text without compression; Coder's own metrics
    /// are left out first, then those of all agents, then those of agents with a problem
    #[arg(
        long = "metrics.max-page-bytes",
        env = "CODER_EXPORTER_METRICS_MAX_PAGE_BYTES",
        value_name = "BYTES",
        default_value_t = 32 << 20,
        value_parser = count
    )]
    pub max_page_bytes: usize,
}

impl AgentArgs {
    /// The limits of `docs/spec/connection-status.md` and `docs/spec/health.md`.
    pub fn limits(&self) -> Limits {
        Limits {
            inactive_timeout: self.inactive_timeout,
            terminated_after: self.terminated_after,
            stuck_connecting_after: self.stuck_connecting_after,
            stuck_created_after: self.stuck_created_after,
            stuck_starting_after: self.stuck_starting_after,
        }
    }
}
