//! `version`: which program this is, and what it was built from.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::config::output_args::DetailOutputArgs;
use crate::fleet::model::time::Timestamp;
use crate::fleet::report::format::moment;

use super::{CommandError, print, print_details};

/// Arguments of `version`.
#[derive(Debug, Args)]
pub(super) struct VersionArgs {
    #[command(flatten)]
    output: DetailOutputArgs,
}

/// What `build.rs` has noted.
#[derive(Serialize)]
pub(super) struct Version {
    version: &'static str,
    commit: &'static str,
    build_date: String,
    rustc: &'static str,
    platform: String,
}

impl Version {
    pub(super) fn of_this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: known(env!("BUILD_COMMIT")),
            build_date: date(env!("BUILD_EPOCH")),
            rustc: known(env!("BUILD_RUSTC").trim_start_matches("rustc ")),
            platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self {
            version,
            commit,
            build_date,
            rustc,
            platform,
        } = self;
        format!(
            "coder-agent-exporter {version}\n  \
             commit      {commit}\n  \
             build date  {build_date}\n  \
             rustc       {rustc}\n  \
             platform    {platform}\n"
        )
    }
}

pub(super) fn run(args: &VersionArgs) -> Result<ExitCode, CommandError> {
    let version = Version::of_this();
    match args.output.format() {
        Some(format) => print_details(format, &version),
        None => print(&version.text()),
    }
}

fn known(text: &'static str) -> &'static str {
    match text {
        "" => "unknown",
        _ => text,
    }
}

/// The moment of `SOURCE_DATE_EPOCH`.
fn date(epoch: &str) -> String {
    let seconds = epoch.parse::<u32>();
    seconds.map_or_else(
        |_| "unknown".to_owned(),
        |it| moment(Timestamp::from_unix_micros(i64::from(it) * 1_000_000)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_that_of_the_sources_or_unknown() {
        assert_eq!(date("1735689600"), "2025-01-01T00:00:00Z");
        assert_eq!(date(""), "unknown");
        assert_eq!(date("yesterday"), "unknown");
    }
}
