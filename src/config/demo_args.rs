//! The settings of the demo.

use clap::Args;
use secrecy::SecretString;

use super::args::ExporterArgs;
use super::values::at_least_one;

/// Everything it takes to show a made-up fleet.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// What the fleet is to be like.
    #[command(flatten)]
    pub demo: FleetArgs,
    /// What is made of it.
    #[command(flatten)]
    pub exporter: ExporterArgs,
}

/// `--demo.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Demo")]
pub struct FleetArgs {
    /// Workspaces to make up; most have one agent
    #[arg(
        long = "demo.agents",
        env = "CODER_EXPORTER_DEMO_AGENTS",
        value_name = "N",
        default_value_t = 200,
        value_parser = at_least_one
    )]
    pub agents: usize,

    /// The same seed tells the same story
    #[arg(
        long = "demo.seed",
        env = "CODER_EXPORTER_DEMO_SEED",
        value_name = "N",
        default_value_t = 1
    )]
    pub seed: u64,

    /// Server to make the fleet's database in, and to remove it from, instead of a throwaway one;
    /// its user may create databases and roles
    #[arg(
        long = "demo.database-url",
        env = "CODER_EXPORTER_DEMO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<SecretString>,
}
