//! `resolve`: finds and dials the agent of a workspace, and shows each step.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::pending;
use std::process::ExitCode;

use tokio::time::Instant;

use crate::config::question_args::DialQuestionArgs;
use crate::dialer::{AnyDialer, Reached};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::COUNTED_AS_USE;
use crate::postgres::database::Database;
use crate::resolver::{self, Dialer, Resolved, Resolver, Route, Trace, Unresolved};

use super::find::{find, reference};
use super::serve::stop_signal;
use super::text::{of_outcome, styled};
use super::width::Width;
use super::{CommandError, PATIENCE, print, print_details, runtime, settings};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    the agent answered (ok, switched)
  1    no result: no such workspace, or exporter_error
  2    the agent did not answer; the outcome says why
  64   a setting is wrong
  130  interrupted";

/// Exit code when the workspace was not reached.
const NOT_REACHED: u8 = 2;
/// Exit code when the command was interrupted: 128 plus the number of SIGINT.
const INTERRUPTED: u8 = 130;

pub(super) fn run(args: &DialQuestionArgs) -> Result<ExitCode, CommandError> {
    let reference = reference(&args.what)?;
    let dialer = settings::dialer(settings::dialing_now(&args.coder, &args.dial)?)?;
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    until_stopped(async {
        let latest = find(&database, &reference).await?.latest;
        let counts_as_use = dialer.counts_as_use();
        let resolver = resolver(&database, dialer, args);
        bind(&resolver, &database, &latest).await;
        let trace = Trace::default();
        let id = latest.workspace_id;
        let Ok(result) = resolver.connect(id, pending::<Infallible>(), &trace).await;
        let resolution = Resolution {
            latest: &latest,
            result: &result,
            trace: &trace,
            counts_as_use,
        };
        match args.output.format() {
            Some(format) => print_details(format, &resolution.json())?,
            None => print(&resolution.text(Width::of(&std::io::stdout())))?,
        };
        Ok(resolution.exit_code())
    })
}

/// Runs the future until it ends or the process is asked to stop. Stopping drops the future, which
/// cancels its statements and dials.
pub(super) fn until_stopped(
    work: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            biased;
            ended = work => ended,
            _signal = stop => Ok(ExitCode::from(INTERRUPTED)),
        }
    })
}

/// A resolver with these settings.
pub(super) fn resolver(
    database: &Database,
    dialer: AnyDialer,
    args: &DialQuestionArgs,
) -> Resolver<Database, AnyDialer> {
    let settings = settings::resolver(&args.question.agent);
    Resolver::new(database.clone(), dialer, settings)
}

/// Binds the resolver to the agent that the workspace's chat is bound to, so that it dials that
/// agent first, as Coder's chat would.
async fn bind(resolver: &Resolver<Database, AnyDialer>, database: &Database, latest: &WorkspaceAt) {
    let stale = database.stale_bindings(Instant::now() + PATIENCE).await;
    // Without them the right agent is dialed at once.
    let bound = stale
        .ok()
        .and_then(|mut stale| stale.remove(&latest.workspace_id));
    if let Some(target) = bound {
        resolver.bind(latest.workspace_id, target);
    }
}

/// The result of `resolve`, as text or JSON.
struct Resolution<'a> {
    latest: &'a WorkspaceAt,
    result: &'a Result<Resolved<Reached>, Unresolved>,
    trace: &'a Trace,
    /// Whether the dial reached the agent in a way that Coder counts as use of the workspace.
    counts_as_use: bool,
}

impl Resolution<'_> {
    /// The outcome as the probe would count it. The scope of the probe does not apply to a command.
    fn outcome(&self) -> ProbeOutcome {
        resolver::outcome(self.result).unwrap_or(ProbeOutcome::ExporterError)
    }

    fn was_counted_as_use(&self) -> bool {
        self.counts_as_use && self.result.is_ok()
    }

    fn exit_code(&self) -> ExitCode {
        match self.outcome() {
            it if it.is_reached() => ExitCode::SUCCESS,
            ProbeOutcome::ExporterError => ExitCode::FAILURE,
            _ => ExitCode::from(NOT_REACHED),
        }
    }

    fn text(&self, width: Width) -> String {
        let Self { latest, result, .. } = self;
        let mut out = String::new();
        let name = format!("{}/{}", latest.owner, latest.workspace);
        let id = latest.workspace_id.to_string();
        let _ = writeln!(out, "{}", width.heading(&name, &id));
        for step in self.trace.steps() {
            let at = step.at.as_secs_f64();
            let phase = step.phase.as_str();
            let _ = writeln!(
                out,
                "{at:>8.3} s  {phase:<8}  {}",
                width.wrapped(&step.text, 22)
            );
        }
        let outcome = self.outcome();
        let name = styled(of_outcome(outcome), outcome.as_str());
        let message = match result {
            Ok(resolved) => format!("agent {} answered", resolved.target.agent),
            Err(unresolved) => unresolved.to_string(),
        };
        let took = self.trace.elapsed().as_secs_f64();
        let _ = writeln!(out, "\n{name} after {took:.3} s");
        let _ = writeln!(out, "  {}", width.wrapped(&message, 2));
        let _ = writeln!(out, "  {}", width.wrapped(outcome.advice(), 2));
        if self.was_counted_as_use() {
            let _ = writeln!(out, "  {}", width.wrapped(COUNTED_AS_USE, 2));
        }
        out
    }

    fn json(&self) -> serde_json::Value {
        let Self { latest, result, .. } = self;
        let outcome = self.outcome();
        let reached = result.as_ref().ok();
        let phases = self.trace.phases().map(|(phase, took)| {
            let name = phase.as_str().to_owned();
            (name, serde_json::Value::from(took.as_secs_f64()))
        });
        let steps = self.trace.steps().into_iter().map(|step| {
            serde_json::json!({
                "at_seconds": step.at.as_secs_f64(),
                "phase": step.phase.as_str(),
                "text": step.text,
            })
        });
        serde_json::json!({
            "workspace_id": latest.workspace_id.to_string(),
            "workspace_name": &*latest.workspace,
            "workspace_owner": &*latest.owner,
            "outcome": outcome.as_str(),
            "advice": outcome.advice(),
            "error": result.as_ref().err().map(ToString::to_string),
            "agent_id": reached.map(|it| it.target.agent_id.to_string()),
            "agent_name": reached.map(|it| it.target.agent.to_string()),
            "binding_switched": reached.is_some_and(|it| it.route == Route::Switched),
            "counted_as_use": self.was_counted_as_use(),
            "duration_seconds": self.trace.elapsed().as_secs_f64(),
            "phase_duration_seconds": phases.collect::<serde_json::Map<_, _>>(),
            "steps": steps.collect::<Vec<_>>(),
        })
    }
}
