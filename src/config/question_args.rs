//! Settings of the commands that query the database once.

use std::time::Duration;

use clap::Args;

use super::args::AgentArgs;
use super::coder_args::CoderArgs;
use super::incident_args::IncidentArgs;
use super::output_args::{DetailOutputArgs, FilterArgs, ListOutputArgs};
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
}

/// `status`
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Database and limits.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,

    /// Format, order and repetition of the answer.
    #[command(flatten)]
    pub list: ListOutputArgs,
    /// Agents that are wanted.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// List every agent with a problem, oldest first
    #[arg(long = "problems", help_heading = "Output")]
    pub problems: bool,
}

/// `incidents` and `agents`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Database and limits.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,
    /// Format, order and repetition of the answer.
    #[command(flatten)]
    pub list: ListOutputArgs,
    /// Agents that are wanted.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// `explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A workspace or an agent: its UUID, owner/workspace, or owner/workspace.agent
    #[arg(value_name = "WORKSPACE|AGENT")]
    pub what: String,

    /// Database and limits.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is one incident.
    #[command(flatten)]
    pub incident: IncidentArgs,
    /// Format of the answer.
    #[command(flatten)]
    pub output: DetailOutputArgs,
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

    /// Database and limits.
    #[command(flatten)]
    pub question: QuestionArgs,
    /// Coder's URL and session token.
    #[command(flatten)]
    pub coder: CoderArgs,
    /// How agents are dialed; by default through Coder.
    #[command(flatten)]
    pub dial: DialArgs,
    /// Format of the answer.
    #[command(flatten)]
    pub output: DetailOutputArgs,
}
