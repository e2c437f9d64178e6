//! Dial at once, ask the directory only when the dial is slow or fails (`docs/spec/resolver.md`).

use std::time::Duration;

use tokio::time::timeout;

use crate::error::Failure;

use super::choose::NoChoice;
use super::parts::{DialError, Dialer, Target};
use super::trace::{Phase, Trace};

/// An agent that answered.
#[derive(Debug)]
pub struct Dialed<C> {
    /// The proof.
    pub connection: C,
    /// Which agent it was.
    pub target: Target,
    /// Whether it is another than the one that was bound.
    pub switched: bool,
}

/// Why no agent answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undialed {
    /// There is no agent that could.
    NoChoice(NoChoice),
    /// The dial failed; nothing better was known.
    Dial(DialError),
}

/// Dials `bound` at once and asks `validate` which agent is the right one only when the dial is
/// slower than `delay` or fails.
///
/// - The dial succeeds: done, whatever the directory would have said.
/// - It fails: the same agent is dialed once more, another one instead.
/// - It is slow: for the same agent it is waited for; for another one it is cancelled *before*
///   the other is dialed; without an agent it is cancelled at once.
/// - The directory fails: nothing is proved, and the dial decides.
///
/// It sets no end: the caller does, by dropping it. No connection outlives that.
///
/// # Errors
///
/// When there is no agent to dial, or the last dial failed.
pub async fn dial_with_lazy_validation<L: Dialer, V>(
    dialer: &L,
    bound: &Target,
    delay: Duration,
    validate: impl FnOnce() -> V,
    trace: &Trace,
) -> Result<Dialed<L::Connection>, Undialed>
where
    V: Future<Output = Result<Result<Target, NoChoice>, Failure>>,
{
    let mut dialing = Box::pin(dial(dialer, bound, Phase::Dial, trace));
    let failed = match timeout(delay, &mut dialing).await {
        Ok(Ok(connection)) => return Ok(same(connection, bound)),
        Ok(Err(error)) => Some(error),
        Err(_slow) => None,
    };
    let mut validation = Box::pin(asked(validate(), bound, trace));
    let (failed, answer) = match failed {
        Some(error) => (Some(error), validation.await),
        None => {
            // A dial that succeeds while the directory is asked has proved itself.
            tokio::select! {
                biased;
                dialed = &mut dialing => match dialed {
                    Ok(connection) => return Ok(same(connection, bound)),
                    Err(error) => (Some(error), validation.await),
                },
                answer = &mut validation => (None, answer),
            }
        }
    };
    match (answer, failed) {
        (Ok(Err(no_choice)), _) => Err(Undialed::NoChoice(no_choice)),
        (Ok(Ok(other)), _) if other.agent_id != bound.agent_id => {
            // First the one, then the other: an agent of an old build must not answer late.
            drop(dialing);
            redial(dialer, other, true, trace).await
        }
        (Ok(Ok(_)), Some(_)) => redial(dialer, bound.clone(), false, trace).await,
        (Err(_), Some(error)) => Err(Undialed::Dial(error)),
        (Ok(Ok(_)) | Err(_), None) => {
            let dialed = dialing.await;
            dialed
                .map(|connection| same(connection, bound))
                .map_err(Undialed::Dial)
        }
    }
}

fn same<C>(connection: C, bound: &Target) -> Dialed<C> {
    Dialed {
        connection,
        target: bound.clone(),
        switched: false,
    }
}

async fn redial<L: Dialer>(
    dialer: &L,
    target: Target,
    switched: bool,
    trace: &Trace,
) -> Result<Dialed<L::Connection>, Undialed> {
    let connection = dial(dialer, &target, Phase::Redial, trace).await;
    Ok(Dialed {
        connection: connection.map_err(Undialed::Dial)?,
        target,
        switched,
    })
}

async fn dial<L: Dialer>(
    dialer: &L,
    target: &Target,
    phase: Phase,
    trace: &Trace,
) -> Result<L::Connection, DialError> {
    let question = format!("dial agent {} ({})", target.agent, target.agent_id);
    let span = trace.ask(phase, question);
    let dialed = dialer.dial(target).await;
    match &dialed {
        Ok(_) => span.answer("reached"),
        Err(error) => span.answer(format!("not reached: {error}")),
    }
    dialed
}

async fn asked(
    validation: impl Future<Output = Result<Result<Target, NoChoice>, Failure>>,
    bound: &Target,
    trace: &Trace,
) -> Result<Result<Target, NoChoice>, Failure> {
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
