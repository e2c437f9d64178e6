//! What an answer says, and of whom: the agent, or us and the way to Coder.

use std::time::Duration;

use serde_json::Value;

use crate::coder_api::{Answer, Body, trouble};
use crate::resolver::DialError;

/// How Coder begins when it does not dial an agent, with the state in quotes.
const STATE_PREFIX: &str = "Agent state is \"";
/// The states in which Coder does not dial an agent.
const STATES: [&str; 3] = ["connecting", "timeout", "disconnected"];
/// What Coder did when an error of its own is about the dial.
const DIALING: &str = "dialing workspace agent";
/// What Coder did when the dial was over: the agent had answered.
const AFTER_THE_DIAL: [&str; 2] = ["fetching listening ports", "fetching workspace apps"];
/// How long coderd gives a dial.
const CODERDS_LIMIT: Duration = Duration::from_secs(30);

/// Whether the agent was reached, by the answer of coderd's.
pub(super) fn judge(answer: Answer) -> Result<(), DialError> {
    let Answer {
        status, body, took, ..
    } = answer;
    match (status, &body) {
        // A list that is empty may be null.
        (200, Body::Object(json))
            if matches!(json.get("ports"), Some(Value::Array(_) | Value::Null)) =>
        {
            Ok(())
        }
        (400, Body::Message(message)) => match state(message) {
            Some(state) => Err(DialError::Unreachable {
                state: state.to_owned(),
            }),
            None => Err(DialError::Exporter(trouble(status, &body))),
        },
        (404, body) if body.is_not_found() => Err(DialError::NoSuchAgent),
        (500, Body::Message(message)) if AFTER_THE_DIAL.iter().any(|it| message.contains(it)) => {
            Ok(())
        }
        (500, Body::Message(message)) if message.contains(DIALING) => {
            let message = format!("coderd: {message}");
            Err(match took >= CODERDS_LIMIT {
                true => DialError::GaveUp {
                    after: took,
                    message,
                },
                false => DialError::Failed(message),
            })
        }
        _ => Err(DialError::Exporter(trouble(status, &body))),
    }
}

/// The state for which Coder does not dial the agent.
fn state(message: &str) -> Option<&str> {
    let (state, _) = message.strip_prefix(STATE_PREFIX)?.split_once('"')?;
    STATES.contains(&state).then_some(state)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
