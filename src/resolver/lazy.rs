//! Dials at once, and queries the directory only if the dial is slow or fails
//! (`docs/spec/resolver.md`).

use std::time::Duration;

use tokio::time::timeout;

use crate::error::Failure;

use super::choose::NoChoice;
use super::parts::{DialError, Dialer, Target};
use super::trace::{Phase, Trace};

/// An agent that answered.
#[derive(Debug)]
pub struct Dialed<C> {
    /// The open connection, or the proof of one.
    pub connection: C,
    /// The agent that answered.
    pub target: Target,
    /// Whether this is another agent than the bound one.
    pub switched: bool,
}

/// Why no agent answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undialed {
    /// There is no agent to dial.
    NoChoice(NoChoice),
    /// The dial failed, and the directory knows no better agent.
    Dial(DialError),
    /// The dial failed, and the directory did not say whether it was the right agent's.
    Unvalidated(DialError, Failure),
}

/// How long a dial may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialLimits {
    /// A dial slower than this is doubted, and the directory asked.
    pub delay: Duration,
    /// One dial ends after this, with [`DialError::Unanswered`].
    pub one_dial: Duration,
}

/// What the directory says of the bound agent's workspace.
type Validated = Result<Result<Target, NoChoice>, Failure>;

/// Dials `bound` at once and asks `validate` which agent is the right one only when the dial is
/// slower than the delay or fails.
///
/// - The dial succeeds: done, whatever the directory would have said.
/// - It fails: the same agent is dialed once more, another one instead.
/// - It is slow: for the same agent it is waited for; for another one it is cancelled *before*
///   the other is dialed; without an agent it is cancelled at once.
/// - The directory fails, or names are ambiguous, while the dial is slow: nothing is proved. The
///   dial is waited for, and the directory asked again if it fails.
///
/// A dial that has used up its time is not repeated. All dials together have no limit here: the
/// caller sets it, by dropping this. No connection outlives that.
///
/// # Errors
///
/// When there is no agent to dial, or the last dial failed.
pub async fn dial_with_lazy_validation<L: Dialer, V>(
    dialer: &L,
    bound: &Target,
    limits: DialLimits,
    validate: impl Fn() -> V,
    trace: &Trace,
) -> Result<Dialed<L::Connection>, Undialed>
where
    V: Future<Output = Validated>,
{
    let calls = Calls {
        dialer,
        one_dial: limits.one_dial,
        trace,
    };
    let mut dialing = Box::pin(calls.dial(bound, Phase::Dial));
    let error = match timeout(limits.delay, &mut dialing).await {
        Ok(Ok(connection)) => return Ok(same(connection, bound)),
        Ok(Err(error)) => error,
        Err(_slow) => {
            let mut validation = Box::pin(asked(validate(), bound, trace));
            // A dial that succeeds while the directory is asked has proved itself.
            let answer = tokio::select! {
                biased;
                dialed = &mut dialing => match dialed {
                    Ok(connection) => return Ok(same(connection, bound)),
                    Err(error @ DialError::Unanswered(_)) => return Err(Undialed::Dial(error)),
                    Err(error) => {
                        let answer = validation.await;
                        return calls.after_failure(bound, error, answer).await;
                    }
                },
                answer = &mut validation => answer,
            };
            let is_proved = match answer {
                Ok(Ok(other)) if other.agent_id != bound.agent_id => {
                    // First the one, then the other: an agent of an old build must not answer
                    // late.
                    drop(dialing);
                    return calls.redial(other, true).await;
                }
                Ok(Err(NoChoice::NoAgent)) => return Err(Undialed::NoChoice(NoChoice::NoAgent)),
                Ok(Ok(_)) => true,
                Ok(Err(NoChoice::Ambiguous(_))) | Err(_) => false,
            };
            match dialing.await {
                Ok(connection) => return Ok(same(connection, bound)),
                Err(error) if is_proved => return Err(Undialed::Dial(of_right_agent(error))),
                Err(error) => error,
            }
        }
    };
    if matches!(error, DialError::Unanswered(_)) {
        return Err(Undialed::Dial(error));
    }
    let answer = asked(validate(), bound, trace).await;
    calls.after_failure(bound, error, answer).await
}

/// The error of a dial whose agent the directory has named.
fn of_right_agent(error: DialError) -> DialError {
    match error {
        DialError::NoSuchAgent => DialError::Hidden,
        other => other,
    }
}

fn same<C>(connection: C, bound: &Target) -> Dialed<C> {
    Dialed {
        connection,
        target: bound.clone(),
        switched: false,
    }
}

/// What all dials of one call have in common.
struct Calls<'a, L> {
    dialer: &'a L,
    one_dial: Duration,
    trace: &'a Trace,
}

impl<L: Dialer> Calls<'_, L> {
    /// The dial of the bound agent has failed, and the directory has answered.
    async fn after_failure(
        &self,
        bound: &Target,
        error: DialError,
        answer: Validated,
    ) -> Result<Dialed<L::Connection>, Undialed> {
        match answer {
            Ok(Ok(other)) if other.agent_id != bound.agent_id => self.redial(other, true).await,
            // Coder would say so again, and a time limit would take as long again.
            Ok(Ok(_)) if error == DialError::NoSuchAgent || error.is_timeout() => {
                Err(Undialed::Dial(of_right_agent(error)))
            }
            Ok(Ok(_)) => self.redial(bound.clone(), false).await,
            Ok(Err(no_choice)) => Err(Undialed::NoChoice(no_choice)),
            Err(failure) => Err(Undialed::Unvalidated(error, failure)),
        }
    }

    /// Dials an agent that the directory has just named.
    async fn redial(
        &self,
        target: Target,
        switched: bool,
    ) -> Result<Dialed<L::Connection>, Undialed> {
        let dialed = self.dial(&target, Phase::Redial).await;
        Ok(Dialed {
            connection: dialed.map_err(|error| Undialed::Dial(of_right_agent(error)))?,
            target,
            switched,
        })
    }

    async fn dial(&self, target: &Target, phase: Phase) -> Result<L::Connection, DialError> {
        let question = format!("dial agent {} ({})", target.agent, target.agent_id);
        let span = self.trace.ask(phase, question);
        let dialed = timeout(self.one_dial, self.dialer.dial(target)).await;
        let dialed = dialed.unwrap_or(Err(DialError::Unanswered(self.one_dial)));
        match &dialed {
            Ok(_) => span.answer("reached"),
            Err(error) => span.answer(format!("not reached: {error}")),
        }
        dialed
    }
}

async fn asked(
    validation: impl Future<Output = Validated>,
    bound: &Target,
    trace: &Trace,
) -> Validated {
    let span = trace.ask(Phase::Validate, "agent of the latest build");
    let answer = validation.await;
    match &answer {
        Ok(Ok(target)) if target.agent_id == bound.agent_id => span.answer("the same agent"),
        Ok(Ok(target)) => {
            span.answer(format!(
                "another agent: {} ({})",
                target.agent, target.agent_id
            ));
        }
        Ok(Err(no_choice)) => span.answer(no_choice.to_string()),
        Err(failure) => span.answer(format!("no answer from the database: {failure}")),
    }
    answer
}
