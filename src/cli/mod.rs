//! The commands. Each error becomes one sentence on stderr and an exit code.

mod agent_table;
mod agents;
mod arguments;
mod check;
mod check_report;
mod command_error;
mod database_source;
mod demo;
mod effective;
mod explain;
mod exposure;
mod find;
mod fleet_question;
mod incident_blocks;
mod incident_table;
mod incidents;
mod listening;
mod listing;
mod logging;
mod manual;
mod resolve;
mod serve;
mod settings;
mod status;
mod support;
mod table;
mod template_table;
mod text;
mod variables;
mod version;
mod wait;
mod watch;
mod width;
mod wrong;
mod yaml;

pub use settings::{demo_settings_table, settings_table};

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::args::{CheckArgs, ServeArgs};
use crate::config::demo_args::DemoArgs;
use crate::config::deprecated::{self, RENAMED, Renamed};
use crate::config::output_args::DetailFormat;
use crate::config::question_args::{DialQuestionArgs, ExplainArgs, ListArgs, StatusArgs, WaitArgs};
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::sanitize::sanitize_json;
use crate::fleet::stats::collection::Collector;
use crate::metrics::catalogue;
use crate::metrics::page::Page;
use crate::postgres::grants::{LONGEST_NAME, USUAL_SCHEMA, role_sql};

use command_error::CommandError;
use effective::Given;
use manual::{CompletionArgs, ManArgs};
use support::SupportArgs;
use variables::FromVariables;
use version::VersionArgs;

/// Timeout of the database for commands that run once.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tasks in the background get this long to end after a command.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Exit code of an invalid setting: EX_USAGE of sysexits.
const WRONG_SETTING: u8 = 64;

/// Prometheus exporter and agent-health monitor for self-hosted Coder deployments
#[derive(Debug, Parser)]
#[command(name = "coder-agent-exporter", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the metrics (the default command)
    Serve(Box<ServeArgs>),
    /// Check settings, connection, grants, schema and one collection, one line each; exits with 0
    /// or 1
    Check(Box<CheckArgs>),
    /// Show the fleet as a table
    Status(Box<StatusArgs>),
    /// Show what agents with problems have in common
    #[command(after_help = incidents::EXIT_CODES)]
    Incidents(Box<ListArgs>),
    /// List the agents of the fleet, those with a problem first
    Agents(Box<ListArgs>),
    /// Show the data of a workspace or an agent, the rules that apply, and what to do
    Explain(Box<ExplainArgs>),
    /// Dial the agent that serves a workspace, and show each step
    #[command(after_help = resolve::EXIT_CODES)]
    Resolve(Box<DialQuestionArgs>),
    /// Wait until a workspace is ready or has failed
    #[command(after_help = wait::EXIT_CODES)]
    Wait(Box<WaitArgs>),
    /// Serve a simulated fleet from a temporary Postgres
    Demo(Box<DemoArgs>),
    /// Print all metrics as a Markdown table
    Metrics,
    /// Print the SQL for a database role with exactly the grants that the exporter needs
    Role(RoleArgs),
    /// Print the script that completes command lines in a shell
    Completion(CompletionArgs),
    /// Print the manual page, or write all pages into a directory
    Man(ManArgs),
    /// Write a text file for a bug report, without secrets and names of users and workspaces
    Support(Box<SupportArgs>),
    /// Show the version, and what the program was built from
    Version(VersionArgs),
}

/// Arguments of `role`.
#[derive(Debug, clap::Args)]
struct RoleArgs {
    /// Name of the role
    #[arg(default_value = "coder_exporter", value_parser = database_name)]
    name: String,

    /// Schema of Coder's tables
    #[arg(long, value_name = "SCHEMA", default_value = USUAL_SCHEMA, value_parser = database_name)]
    schema: String,

    /// Also grant what --incident.resource-metadata reads. The exporter reads no sensitive value, but
    /// the role could
    #[arg(long)]
    resource_metadata: bool,
}

impl RoleArgs {
    fn collectors(&self) -> &'static [Collector] {
        match self.resource_metadata {
            true => Collector::ALL,
            false => Collector::DEFAULT,
        }
    }
}

/// A name as Postgres keeps it whole.
fn database_name(name: &str) -> Result<String, String> {
    match name.len() {
        0 => Err("the name is empty".into()),
        1..=LONGEST_NAME => Ok(name.to_owned()),
        _ => Err(format!("the name is longer than {LONGEST_NAME} bytes")),
    }
}

/// Runs the command in `arguments`, whose first item is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (arguments, deprecated) = todays(arguments, RENAMED);
    let Parsed {
        cli,
        effective,
        variables,
    } = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            return match error.use_stderr() {
                true => {
                    complain_of_all(error, &arguments);
                    ExitCode::from(WRONG_SETTING)
                }
                false => {
                    let _ = error.print();
                    ExitCode::SUCCESS
                }
            };
        }
    };
    let given = Given {
        effective,
        deprecated,
    };
    match execute(cli.command, &given) {
        Ok(code) => code,
        Err(error) => {
            let error = error.naming(&variables);
            error.sentences().iter().for_each(|it| complain(it));
            error.exit_code()
        }
    }
}

/// The arguments in order and under the names of today, and the settings that were given by another.
fn todays(
    arguments: impl IntoIterator<Item = OsString>,
    all: &'static [Renamed],
) -> (Vec<OsString>, Vec<&'static Renamed>) {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let mut found = deprecated::rename_flags(&mut arguments, all);
    let mut arguments = arguments::ordered(arguments);
    let name = arguments
        .get(1)
        .and_then(|it| it.to_str())
        .map(str::to_owned);
    let cli = Cli::command();
    let command = name.and_then(|it| cli.find_subcommand(it));
    let is_flag = |flag: &str| {
        let mut flags = command.into_iter().flat_map(clap::Command::get_arguments);
        flags.any(|it| it.get_long() == Some(flag))
    };
    let variables = |name: &str| std::env::var_os(name);
    for renamed in deprecated::add_variables(&mut arguments, &variables, is_flag, all) {
        if !found.contains(&renamed) {
            found.push(renamed);
        }
    }
    (arguments, found)
}

/// The arguments that were parsed.
struct Parsed {
    cli: Cli,
    /// The settings in effect, for `/-/config`.
    effective: String,
    variables: FromVariables,
}

fn parse(arguments: &[OsString]) -> Result<Parsed, clap::Error> {
    let mut command = match arguments::ask_for_help(arguments) {
        true => arguments::whole(),
        false => Cli::command(),
    };
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| variables::named(error, &command, arguments))?;
    let effective = effective::settings(&command, &matches);
    let variables = FromVariables::of(&command, &matches);
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok(Parsed {
        cli,
        effective,
        variables,
    })
}

fn execute(command: Command, given: &Given) -> Result<ExitCode, CommandError> {
    match command {
        Command::Serve(args) => serve::run(&args, given),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Incidents(args) => incidents::run(&args),
        Command::Agents(args) => agents::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Resolve(args) => resolve::run(&args),
        Command::Wait(args) => wait::run(&args),
        Command::Demo(args) => demo::run(*args, given),
        Command::Metrics => print(&catalogue::table::<Page>()),
        Command::Role(args) => print(&role_sql(&args.name, &args.schema, args.collectors())),
        Command::Completion(args) => manual::completion(&args),
        Command::Man(args) => manual::man(&args),
        Command::Support(args) => support::run(&args, given),
        Command::Version(args) => version::run(&args),
    }
}

/// A runtime with one worker, whatever the machine has. What it does is wait for the database and
/// decode its rows, and a second worker that takes turns with the first at every few kilobytes costs
/// more than it saves. Long work has its own threads ([`offload`](crate::offload)).
fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.map(Runtime).context("starting the runtime")
}

/// A runtime that ends with the command. When tokio's own runtime is dropped, it waits for blocking
/// calls that cannot be interrupted: a DNS lookup without an answer, a file on a disk that hangs.
struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    fn block_on<F: Future>(self, command: F) -> F::Output {
        let output = self.0.block_on(command);
        self.0.shutdown_timeout(END_TIMEOUT);
        output
    }
}

/// Prints the text, in colour if stdout is a terminal.
fn print(text: &str) -> Result<ExitCode, CommandError> {
    // A reader that has seen enough (head) is no failure.
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Prints the fields of an answer in this format.
fn print_details(
    format: DetailFormat,
    value: &impl serde::Serialize,
) -> Result<ExitCode, CommandError> {
    match format {
        DetailFormat::Json => print_json(value),
        DetailFormat::Yaml => {
            let value = serde_json::to_value(value).context("writing YAML")?;
            print(&sanitize_json(&yaml::yaml(&value)))
        }
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<ExitCode, CommandError> {
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    print(&format!("{}\n", sanitize_json(&text)))
}

/// What clap says last about any error.
const MORE: &str = "\n\nFor more information";

/// Prints clap's error, and every other value that is wrong.
fn complain_of_all(error: clap::Error, arguments: &[OsString]) {
    let (mut errors, others) = wrong::values(error, arguments);
    let last = errors.pop();
    for error in errors {
        let text = error.to_string();
        let text = text.split(MORE).next().unwrap_or_default();
        let _ = writeln!(std::io::stderr().lock(), "{}\n", without_userinfo(text));
    }
    last.iter().for_each(complain_of_arguments);
    others.iter().for_each(|it| complain(&it.to_string()));
}

/// Prints clap's error, in colour on a terminal. Without colour if it contains a URL, which is
/// cleaned first.
fn complain_of_arguments(error: &clap::Error) {
    let text = error.to_string();
    if text.contains("://") {
        let _ = writeln!(std::io::stderr().lock(), "{}", without_userinfo(&text));
    } else {
        let _ = error.print();
    }
}

fn complain(sentence: &str) {
    let _ = writeln!(std::io::stderr().lock(), "coder-agent-exporter: {sentence}");
}

/// Removes user and password from URLs. Clap quotes arguments that it cannot parse, and one of them
/// may be the database URL.
fn without_userinfo(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| match (line.find("://"), line.rfind('@')) {
            (Some(start), Some(end)) if start < end => {
                format!("{}://…{}", &line[..start], &line[end..])
            }
            _ => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::sync::oneshot;
    use tokio::task::spawn_blocking;

    use super::*;

    #[test]
    fn end_of_a_command_does_not_wait_for_what_cannot_be_interrupted() {
        let began = Instant::now();
        runtime().unwrap().block_on(async {
            let (hangs, hanging) = oneshot::channel();
            drop(spawn_blocking(|| {
                let _ = hangs.send(());
                std::thread::sleep(Duration::from_secs(30));
            }));
            hanging.await.unwrap();
        });
        assert!(began.elapsed() < Duration::from_secs(15));
    }
}
