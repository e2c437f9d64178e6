//! The settings as clap sees them: Prometheus' dotted flags, each with a variable of its own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use crate::fleet::health::Limits;
use crate::metrics::page::AgentSeries;

use super::collectors::CollectorArgs;
use super::values::{at_least_one, duration, listen_address, positive_duration, telemetry_path};

pub(super) const URL_FLAG: &str = "--postgres.url";

/// Everything it takes to collect and serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the database is.
    #[command(flatten)]
    pub postgres: PostgresArgs,
    /// What is made of it.
    #[command(flatten)]
    pub exporter: ExporterArgs,
}

/// Everything but the database.
#[derive(Debug, Clone, Args)]
pub struct ExporterArgs {
    /// When an agent is lost or stuck.
    #[command(flatten)]
    pub agent: AgentArgs,
    /// How long a pass may take and how often one is made.
    #[command(flatten)]
    pub collect: CollectArgs,
    /// What is read.
    #[command(flatten)]
    pub collectors: CollectorArgs,
    /// How much the metrics tell.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Where and what is served.
    #[command(flatten)]
    pub web: WebArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// `--postgres.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct PostgresArgs {
    /// Connection URL of Coder's database; CODER_PG_CONNECTION_URL, Coder's own variable, is
    /// taken too. Other users of the machine can read command lines: prefer a variable or a file
    #[arg(
        long = "postgres.url",
        env = "CODER_EXPORTER_POSTGRES_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub url: Option<SecretString>,

    /// File that holds the connection URL
    #[arg(
        long = "postgres.url-file",
        env = "CODER_EXPORTER_POSTGRES_URL_FILE",
        value_name = "FILE"
    )]
    pub url_file: Option<PathBuf>,

    /// Connections to the database, at most
    #[arg(
        long = "postgres.max-connections",
        env = "CODER_EXPORTER_POSTGRES_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = 2,
        value_parser = at_least_one
    )]
    pub max_connections: usize,
}

/// `--agent.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Agents")]
pub struct AgentArgs {
    /// Silence after which an agent is disconnected; Coder's own default is 30s
    #[arg(
        long = "agent.inactive-timeout",
        env = "CODER_EXPORTER_AGENT_INACTIVE_TIMEOUT",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = positive_duration
    )]
    pub inactive_timeout: Duration,

    /// Connecting for longer than this is a problem
    #[arg(
        long = "agent.stuck-connecting-after",
        env = "CODER_EXPORTER_AGENT_STUCK_CONNECTING_AFTER",
        value_name = "DURATION",
        default_value = "10m",
        value_parser = positive_duration
    )]
    pub stuck_connecting_after: Duration,

    /// Connected but still in lifecycle state created for longer than this is a problem
    #[arg(
        long = "agent.stuck-created-after",
        env = "CODER_EXPORTER_AGENT_STUCK_CREATED_AFTER",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = positive_duration
    )]
    pub stuck_created_after: Duration,

    /// A startup script that runs for longer than this is a problem
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
    /// How long a pass may take when the scraper does not say how long it waits
    #[arg(
        long = "collect.timeout",
        env = "CODER_EXPORTER_COLLECT_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = positive_duration
    )]
    pub timeout: Duration,

    /// A pass younger than this is served again instead of making a new one
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
    /// Which agents get series of their own
    #[arg(
        long = "metrics.agent-series",
        env = "CODER_EXPORTER_METRICS_AGENT_SERIES",
        value_name = "WHICH",
        default_value = "problems"
    )]
    pub agent_series: AgentSeries,

    /// Agents with series of their own, at most; oldest problem first
    #[arg(
        long = "metrics.max-agent-series",
        env = "CODER_EXPORTER_METRICS_MAX_AGENT_SERIES",
        value_name = "N",
        default_value_t = 1000
    )]
    pub max_agent_series: usize,
}

/// `--web.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web")]
pub struct WebArgs {
    /// Address to serve on, repeatable; without a host, every interface
    #[arg(
        long = "web.listen-address",
        env = "CODER_EXPORTER_WEB_LISTEN_ADDRESS",
        value_name = "[HOST]:PORT",
        value_delimiter = ',',
        default_value = ":21120",
        value_parser = listen_address
    )]
    pub listen_addresses: Vec<String>,

    /// Path of the metrics
    #[arg(
        long = "web.telemetry-path",
        env = "CODER_EXPORTER_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub telemetry_path: String,

    /// Scrapes answered at the same time; more are refused with 503
    #[arg(
        long = "web.max-requests",
        env = "CODER_EXPORTER_WEB_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 40,
        value_parser = at_least_one
    )]
    pub max_requests: usize,

    /// Time kept back from the scraper's timeout for the answer's way
    #[arg(
        long = "web.timeout-offset",
        env = "CODER_EXPORTER_WEB_TIMEOUT_OFFSET",
        value_name = "DURATION",
        default_value = "500ms",
        value_parser = duration
    )]
    pub timeout_offset: Duration,

    /// Serve no page at /
    #[arg(
        long = "web.disable-ui",
        env = "CODER_EXPORTER_WEB_DISABLE_UI",
        value_parser = clap::builder::BoolishValueParser::new(),
        action = clap::ArgAction::SetTrue
    )]
    pub disable_ui: bool,
}

/// `--log.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// The least severe messages to log
    #[arg(
        long = "log.level",
        env = "CODER_EXPORTER_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub level: LogLevel,

    /// How a line is written
    #[arg(
        long = "log.format",
        env = "CODER_EXPORTER_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What an operator should look at.
    Warn,
    /// What does not work.
    Error,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// key=value pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}

impl AgentArgs {
    /// The limits of SPEC 1.3 and 1.4.
    pub fn limits(&self) -> Limits {
        Limits {
            inactive_timeout: self.inactive_timeout,
            stuck_connecting_after: self.stuck_connecting_after,
            stuck_created_after: self.stuck_created_after,
            stuck_starting_after: self.stuck_starting_after,
        }
    }
}
