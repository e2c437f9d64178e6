//! `--incident.*`

use std::time::Duration;

use clap::Args;

use super::values::positive_duration;

/// Which problems are looked at together.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Incidents")]
pub struct IncidentArgs {
    /// Time without a new problem after which the next one belongs to another wave
    #[arg(
        long = "incident.gap",
        env = "CODER_EXPORTER_INCIDENT_GAP",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = positive_duration
    )]
    pub gap: Duration,
}
