//! The settings of commands that ask once.

use std::time::Duration;

use clap::Args;

use super::args::AgentArgs;
use super::coder_args::CoderArgs;
use super::incident_args::IncidentArgs;
use super::postgres_args::PostgresArgs;
use super::probe_args::DialArgs;
use super::values::positive_duration;

/// Everything it takes to ask the database and judge.
#[derive(Debug, Clone, Args)]
pub struct QuestionArgs {
    /// Where the database is.
    #[command(flatten)]
    pub postgres: PostgresArgs,
    /// When an agent is lost or stuck.
    #[command(flatten)]
    pub agent: AgentArgs,

    /// Print JSON with stable field names
    #[arg(long = "json")]
    pub json: bool,
}

/// `status`
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// How to ask.
    #[command(flatten)]
    pub question: QuestionArgs,

    /// List every agent with a problem, oldest first
    #[arg(long = "problems")]
    pub problems: bool,
}

/// `incidents`
#[derive(Debug, Clone, Args)]
pub struct IncidentsArgs {
    /// How to ask.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,
}

/// `explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A workspace or an agent: its UUID, owner/workspace, or owner/workspace.agent
    #[arg(value_name = "WORKSPACE|AGENT")]
    pub what: String,

    /// How to ask.
    #[command(flatten)]
    pub question: QuestionArgs,
}

/// `wait`
#[derive(Debug, Clone, Args)]
pub struct WaitArgs {
    /// What to wait for, and how to ask.
    #[command(flatten)]
    pub dial: DialQuestionArgs,

    /// Maximum time to wait, for all stages together
    #[arg(
        long = "timeout",
        value_name = "DURATION",
        default_value = "22m",
        value_parser = positive_duration
    )]
    pub timeout: Duration,
}

/// `resolve`, and what `wait` has in common with it
#[derive(Debug, Clone, Args)]
pub struct DialQuestionArgs {
    /// A workspace: its UUID, or owner/workspace
    #[arg(value_name = "WORKSPACE")]
    pub what: String,

    /// How to ask.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// Where Coder itself is.
    #[command(flatten)]
    pub coder: CoderArgs,
    /// How agents are dialed.
    #[command(flatten)]
    pub dial: DialArgs,
}
