//! Settings of the log.

use clap::{Args, ValueEnum};

/// `--log.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Lowest severity of messages to log
    #[arg(
        long = "log.level",
        env = "CODER_EXPORTER_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub level: LogLevel,

    /// Format of log lines
    #[arg(
        long = "log.format",
        env = "CODER_EXPORTER_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// Lowest severity that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// All messages.
    Debug,
    /// Normal operation, such as start, reload and recovery.
    Info,
    /// Conditions that need attention.
    Warn,
    /// Failures.
    Error,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// key=value pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}
