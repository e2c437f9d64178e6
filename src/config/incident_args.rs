//! `--incident.*`

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::values::positive_duration;
use crate::fleet::model::agent::Label;

/// No label value is longer.
const LONGEST_KEY: usize = 255;

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

    /// Key of the metadata of Coder's resources by which lost agents are compared too, as a node or a
    /// zone; may be repeated. Sensitive values are never read. The role needs the SELECT that
    /// `role --resource-metadata` grants
    #[arg(
        long = "incident.resource-metadata",
        env = "CODER_EXPORTER_INCIDENT_RESOURCE_METADATA",
        value_name = "KEY",
        value_delimiter = ',',
        value_parser = metadata_key
    )]
    pub resource_metadata: Vec<String>,
}

/// A key as it stands in `workspace_resource_metadata.key`.
fn metadata_key(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a key is not empty".to_owned()),
        key if key.len() > LONGEST_KEY => Err(format!("a key has at most {LONGEST_KEY} bytes")),
        key => Ok(key.to_owned()),
    }
}

impl IncidentArgs {
    /// The keys, each once.
    pub fn metadata_keys(&self) -> Vec<Label> {
        let keys: BTreeSet<&String> = self.resource_metadata.iter().collect();
        keys.into_iter().map(Label::from).collect()
    }
}
