//! `wait`: waits until a workspace is ready or has failed.

use std::io::{Write, stderr};
use std::process::ExitCode;

use anyhow::anyhow;
use tokio::time::Instant;

use crate::config::output_args::DetailFormat;
use crate::config::question_args::WaitArgs;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::COUNTED_AS_USE;
use crate::fleet::report::format::age;
use crate::fleet::report::sanitize::sanitize;
use crate::resolver::{Dialer, Progress, Readiness, Stage, Verdict, Waited};

use super::find::{find, reference};
use super::resolve::{resolver, until_stopped};
use super::text::fit;
use super::width::Width;
use super::{CommandError, print, print_details, settings};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    ready
  1    no result: no such workspace, or it could not be checked
  10   stopped
  11   gone: the build failed or was canceled, or the workspace is deleted
  12   no_agent
  13   ambiguous
  14   start_failed
  15   shut_down
  20   the build did not end within 10 minutes, or --timeout
  21   the agent did not answer within 2 minutes, or --timeout
  22   the startup script did not end within 10 minutes, or --timeout
  64   a setting is wrong
  130  interrupted";

pub(super) fn run(args: &WaitArgs) -> Result<ExitCode, CommandError> {
    let WaitArgs {
        dial: args,
        timeout,
    } = args;
    let reference = reference(&args.what)?;
    let dialer = settings::dialer(settings::dialing_now(&args.coder, &args.dial)?)?;
    let url = settings::postgres_url(&args.question.postgres)?;
    let database = settings::database(&url, &args.question.postgres)?;
    let limits = args.question.agent.limits();
    until_stopped(async {
        let latest = find(&database, &reference).await?.latest;
        let counts_as_use = dialer.counts_as_use();
        let resolver = resolver(&database, dialer, args);
        let mut ticker = Ticker::new();
        let workspace = latest.workspace_id;
        let waiting = resolver.wait(workspace, &limits, *timeout, |it| ticker.tell(&it));
        let waited = waiting.await;
        let (began, unasked) = (ticker.began, ticker.unasked.take());
        drop(ticker);
        if let Some(problem) = unasked.filter(|_| is_unanswered(&waited)) {
            return Err(anyhow!("cannot check whether the agent answers: {problem}").into());
        }
        let counted_as_use = counts_as_use && has_answered(&waited);
        tell(
            &latest,
            &waited,
            began,
            counted_as_use,
            args.output.format(),
        )
    })
}

/// Whether the agent was dialed and failed to answer.
fn is_unanswered(waited: &Waited) -> bool {
    matches!(
        waited,
        Waited::TimedOut {
            stage: Stage::Dial,
            ..
        }
    )
}

/// Whether the agent was dialed and answered.
fn has_answered(waited: &Waited) -> bool {
    match waited {
        Waited::Settled(readiness) => readiness.verdict == Verdict::Ready,
        Waited::TimedOut { stage, .. } => *stage == Stage::Start,
    }
}

fn tell(
    latest: &WorkspaceAt,
    waited: &Waited,
    began: Instant,
    counted_as_use: bool,
    format: Option<DetailFormat>,
) -> Result<ExitCode, CommandError> {
    let (result, last, unanswered) = match waited {
        Waited::Settled(readiness) => (readiness.verdict.as_str(), Some(readiness), None),
        Waited::TimedOut {
            stage,
            last,
            unanswered,
        } => (late(*stage), last.as_ref(), unanswered.as_ref()),
    };
    let unanswered = unanswered.map(|it| sanitize(&it.to_string()));
    let seconds = began.elapsed().as_secs_f64();
    let detail = last.map(|it| it.detail.as_str());
    if let Some(format) = format {
        let agent = last.and_then(|it| it.agent.as_ref()).map(|it| &it.0);
        let fields = serde_json::json!({
            "workspace_id": latest.workspace_id.to_string(),
            "workspace_name": &*latest.workspace,
            "workspace_owner": &*latest.owner,
            "result": result,
            "verdict": last.map(|it| it.verdict.as_str()),
            "detail": detail,
            "last_dial_error": unanswered,
            "agent_id": agent.map(|it| it.agent_id.to_string()),
            "agent_name": agent.map(|it| it.agent.to_string()),
            "counted_as_use": counted_as_use,
            "waited_seconds": seconds,
        });
        print_details(format, &fields)?;
    } else {
        let width = Width::of(&std::io::stdout());
        let detail = detail.unwrap_or("the database did not answer");
        let sentence = format!("{result} after {}: {detail}", age(seconds));
        print(&format!("{}\n", width.wrapped(&sentence, 0)))?;
        if let Some(error) = unanswered {
            let sentence = format!("The last dial failed: {error}");
            print(&format!("{}\n", width.wrapped(&sentence, 0)))?;
        }
        if counted_as_use {
            print(&format!("{}\n", width.wrapped(COUNTED_AS_USE, 0)))?;
        }
    }
    exit_code(waited)
}

fn late(stage: Stage) -> &'static str {
    match stage {
        Stage::Build => "build_timeout",
        Stage::Dial => "dial_timeout",
        Stage::Start => "start_timeout",
    }
}

fn exit_code(waited: &Waited) -> Result<ExitCode, CommandError> {
    let code = match waited {
        Waited::Settled(Readiness { verdict, .. }) => match verdict {
            Verdict::Ready => 0,
            Verdict::Stopped => 10,
            Verdict::Gone => 11,
            Verdict::NoAgent => 12,
            Verdict::Ambiguous => 13,
            Verdict::StartFailed => 14,
            Verdict::ShutDown => 15,
            Verdict::Building | Verdict::Connecting | Verdict::Starting | Verdict::Unreachable => {
                return Err(
                    anyhow!("waiting ended too early, with verdict {}", verdict.as_str()).into(),
                );
            }
        },
        Waited::TimedOut { last: None, .. } => 1,
        Waited::TimedOut { stage, .. } => match stage {
            Stage::Build => 20,
            Stage::Dial => 21,
            Stage::Start => 22,
        },
    };
    Ok(ExitCode::from(code))
}

/// Shows the progress on stderr. On a terminal it is one line that changes. Elsewhere it is a new
/// line for each change, with the state and the obstacle in turn.
struct Ticker {
    began: Instant,
    /// Of the terminal; `None` elsewhere.
    columns: Option<usize>,
    seen: String,
    trouble: String,
    /// Why the last dial could not be attempted; no agent is at fault.
    unasked: Option<String>,
}

impl Ticker {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            columns: Width::of(&stderr()).0,
            seen: String::new(),
            trouble: String::new(),
            unasked: None,
        }
    }

    fn tell(&mut self, progress: &Progress<'_>) {
        let (text, last) = match progress {
            Progress::Seen(stage, readiness) => {
                let what = match stage {
                    Stage::Build => "waiting for the build",
                    Stage::Dial => "waiting for the agent to answer",
                    Stage::Start => "waiting for the startup script",
                };
                (format!("{what}: {}", readiness.detail), &mut self.seen)
            }
            Progress::Unseen(failure) => {
                let text = format!("retrying the database: {failure}");
                (text, &mut self.trouble)
            }
            Progress::Unanswered(unresolved) => {
                let is_ours = unresolved.outcome() == Ok(ProbeOutcome::ExporterError);
                self.unasked = is_ours.then(|| sanitize(&unresolved.to_string()));
                (
                    format!("retrying the dial: {unresolved}"),
                    &mut self.trouble,
                )
            }
        };
        let text = sanitize(&text);
        let elapsed = age(self.began.elapsed().as_secs_f64());
        if let Some(columns) = self.columns {
            let line = fit(&format!("{elapsed:>6}  {text}"), columns - 1);
            let _ = write!(stderr().lock(), "\r{line}");
            let _ = stderr().flush();
        } else if text != *last {
            let _ = writeln!(stderr().lock(), "{elapsed:>6}  {text}");
        }
        *last = text;
    }
}

impl Drop for Ticker {
    /// Restores the terminal, however the wait ended.
    fn drop(&mut self) {
        if let Some(columns) = self.columns
            && !(self.seen.is_empty() && self.trouble.is_empty())
        {
            let _ = write!(stderr().lock(), "\r{}\r", " ".repeat(columns - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Failure};
    use crate::resolver::{DialError, Unresolved};

    #[test]
    fn agent_is_not_blamed_for_a_dial_that_could_not_be_asked_for() {
        let mut ticker = Ticker::new();
        let failure = Failure::new(ErrorKind::Authentication, "the token is wrong");
        let ours = Unresolved::Dial(DialError::Exporter(failure));
        let theirs = Unresolved::Dial(DialError::Failed("no route".into()));
        ticker.tell(&Progress::Unanswered(&ours));
        assert_eq!(ticker.unasked.as_deref(), Some("the token is wrong"));
        ticker.tell(&Progress::Unanswered(&theirs));
        assert_eq!(ticker.unasked, None);
    }

    #[test]
    fn every_stage_that_takes_too_long_has_its_exit_code() {
        let readiness = Readiness {
            verdict: Verdict::Building,
            agent: None,
            detail: String::new(),
        };
        for (stage, code) in [(Stage::Build, 20), (Stage::Dial, 21), (Stage::Start, 22)] {
            let late = |last| Waited::TimedOut {
                stage,
                last,
                unanswered: None,
            };
            let code_of = |waited| exit_code(&waited).ok();
            let seen = late(Some(readiness.clone()));
            assert_eq!(is_unanswered(&seen), stage == Stage::Dial);
            assert_eq!(code_of(seen), Some(ExitCode::from(code)));
            assert_eq!(code_of(late(None)), Some(ExitCode::from(1)));
            assert_eq!(EXIT_CODES.matches(&format!("\n  {code}  ")).count(), 1);
        }
    }
}
