//! Where and what is served.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{at_least_one, duration, listen_address, telemetry_path};

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

    /// File with TLS, passwords, headers and rate limit, in the format of Prometheus'
    /// exporter-toolkit; read again when it changes
    #[arg(
        long = "web.config.file",
        env = "CODER_EXPORTER_WEB_CONFIG_FILE",
        value_name = "FILE"
    )]
    pub config_file: Option<PathBuf>,

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
