//! The settings of the demo.

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::args::ExporterArgs;
use super::values::{at_least_one, demo_speed, seed};

/// All settings of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Settings of the simulated fleet.
    #[command(flatten)]
    pub demo: FleetArgs,
    /// Settings of the exporter.
    #[command(flatten)]
    pub exporter: ExporterArgs,
}

/// `--demo.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Demo")]
pub struct FleetArgs {
    /// Number of simulated workspaces; most have one agent
    #[arg(
        long = "demo.agents",
        env = "CODER_EXPORTER_DEMO_AGENTS",
        value_name = "N",
        default_value_t = 200,
        value_parser = at_least_one
    )]
    pub agents: usize,

    /// Seed of the simulation; the same seed gives the same fleet and events
    #[arg(
        long = "demo.seed",
        env = "CODER_EXPORTER_DEMO_SEED",
        value_name = "N",
        default_value_t = 1,
        value_parser = seed
    )]
    pub seed: u64,

    /// Scenario to simulate
    #[arg(
        long = "demo.scenario",
        env = "CODER_EXPORTER_DEMO_SCENARIO",
        value_name = "SCENARIO",
        default_value = "all"
    )]
    pub scenario: DemoScenario,

    /// Speed of user activity, failures and recoveries relative to real time, 0.5 to 100;
    /// heartbeats keep real time, and each problem lasts long enough to be seen
    #[arg(
        long = "demo.speed",
        env = "CODER_EXPORTER_DEMO_SPEED",
        value_name = "FACTOR",
        default_value = "1",
        value_parser = demo_speed
    )]
    pub speed: f64,

    /// URL of a Postgres server for the demo's database, instead of a temporary server; the user
    /// must be allowed to create databases and roles. The database is removed at the end
    #[arg(
        long = "demo.database-url",
        env = "CODER_EXPORTER_DEMO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<SecretString>,
}

/// The events that the demo simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DemoScenario {
    /// A mix of all events, with every health class from the start
    All,
    /// A healthy fleet: no problems at the start and few later
    Calm,
    /// The machines of a template freeze, and at the next turn a Kubernetes cluster loses its
    /// network; the agents recover
    Outage,
    /// All machines are suspended and resumed: agents of an old version stay in lifecycle state
    /// created, the others report again
    Stuck,
    /// A template is rebuilt in waves to a version whose agents never connect; later it is repaired.
    /// Chats keep stale bindings
    Rebuild,
    /// A coderd crashes, and its agents are lost until they find another one
    Replica,
    /// A template version with a broken startup script spreads as people restart; later it is
    /// repaired
    BadVersion,
    /// All of Coder crashes, and starts again
    CoderDown,
}

impl DemoScenario {
    /// The value on the command line.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
