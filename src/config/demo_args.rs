//! The settings of the demo.

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::args::ExporterArgs;
use super::values::{at_least_one, demo_speed};

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

    /// Which story is told
    #[arg(
        long = "demo.scenario",
        env = "CODER_EXPORTER_DEMO_SCENARIO",
        value_name = "SCENARIO",
        default_value = "all"
    )]
    pub scenario: DemoScenario,

    /// How many times as fast as life people work, things break and outages end, 0.5 to 100;
    /// heartbeats keep to the clock, and a problem lasts long enough to be seen
    #[arg(
        long = "demo.speed",
        env = "CODER_EXPORTER_DEMO_SPEED",
        value_name = "FACTOR",
        default_value = "1",
        value_parser = demo_speed
    )]
    pub speed: f64,

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

/// What the demo tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DemoScenario {
    /// A bit of everything, with every health class from the start
    All,
    /// A fleet that lives: no problem at the start, and hardly one later
    Calm,
    /// Much of a template and a whole host go silent at once and come back, again and again
    Outage,
    /// Machines that are suspended and resumed: some rows stick in created, some agents report again
    Stuck,
    /// Templates rebuilt in waves: shutdowns, starts and stale chats, and not one problem
    Rebuild,
}

impl DemoScenario {
    /// As it is written on the command line.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
