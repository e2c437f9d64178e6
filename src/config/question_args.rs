//! Settings of the commands that query the database once.

use std::time::Duration;

use clap::Args;

use super::args::AgentArgs;
use super::coder_args::CoderArgs;
use super::incident_args::IncidentArgs;
use super::postgres_args::PostgresArgs;
use super::probe_args::DialArgs;
use super::values::positive_duration;

/// Settings of a command that reads the database and judges agents.
#[derive(Debug, Clone, Args)]
pub struct QuestionArgs {
    /// Connection to Coder's database.
    #[command(flatten)]
    pub postgres: PostgresArgs,
    /// Limits after which an agent is lost or stuck.
    #[command(flatten)]
    pub agent: AgentArgs,

    /// Print JSON with stable field names
    #[arg(long = "json")]
    pub json: bool,
}

/// `status`
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Database, limits and output.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,

    /// List every agent with a problem, oldest first
    #[arg(long = "problems")]
    pub problems: bool,
}

/// `incidents`
#[derive(Debug, Clone, Args)]
pub struct IncidentsArgs {
    /// Database, limits and output.
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

    /// Database, limits and output.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,
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

    /// Database, limits and output.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// Coder's URL and session token.
    #[command(flatten)]
    pub coder: CoderArgs,
    /// How agents are dialed; by default through Coder.
    #[command(flatten)]
    pub dial: DialArgs,
}
