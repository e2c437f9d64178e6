//! Sets up logging to stderr, in the configured format.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::log_args::{LogArgs, LogFormat, LogLevel};

/// Starts logging for the rest of the process. A second call has no effect.
pub(super) fn start(args: &LogArgs) {
    let level = match args.level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // Other crates say at debug what fills a disk, and the pool reports what we report.
    let filter = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_target("deadpool", LevelFilter::OFF)
        .with_default(level.min(LevelFilter::WARN));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match args.format {
        LogFormat::Logfmt => {
            let lines = tracing_logfmt::builder().with_timestamp(true);
            registry
                .with(lines.layer().with_writer(std::io::stderr))
                .try_init()
        }
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging is already set up");
    }
}
