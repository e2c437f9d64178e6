//! The result of resolving a workspace.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::SkipReason;

use super::choose::NoChoice;
use super::parts::{DialError, Target, seconds};

/// An agent that was reached.
#[derive(Debug)]
pub struct Resolved<C> {
    /// The connection, shared by all calls for this workspace. It closes when these callers and the
    /// resolver have dropped it.
    pub connection: Arc<C>,
    /// The agent that was reached.
    pub target: Target,
    /// How it was reached.
    pub route: Route,
}

/// How an agent was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Over a cached connection.
    Cached,
    /// By a dial of the bound agent.
    Dialed,
    /// The bound agent belonged to an earlier build. Another agent was dialed and is bound now.
    Switched,
}

/// Why no agent was reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// The workspace does not exist or is deleted.
    #[error("there is no such workspace")]
    NoWorkspace,
    /// No agent could be chosen.
    #[error(transparent)]
    NoChoice(#[from] NoChoice),
    /// The agent's row says that it is disconnected.
    #[error("the agent is disconnected")]
    Disconnected,
    /// The agent's row says that it did not connect within its timeout.
    #[error("the agent has never connected")]
    NeverConnected,
    /// The resolver's own deadline passed, and there is no better reason.
    #[error("the agent did not answer within {}", seconds(*.0))]
    DialTimeout(Duration),
    /// The dial failed with an error.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The database did not say which agent to dial.
    #[error(transparent)]
    Directory(#[from] Failure),
    /// The dial failed, and the database did not say whether the agent was the right one. So no
    /// agent is to blame.
    #[error("{dial}; then the database did not answer: {directory}")]
    Unvalidated {
        /// Why the dial failed.
        dial: DialError,
        /// Why the database did not say.
        directory: Failure,
    },
}

/// The outcome of a result (`docs/spec/probe.md`).
///
/// # Errors
///
/// The dial was out of the probe's scope, so there is no outcome: the reason.
pub fn outcome<C>(result: &Result<Resolved<C>, Unresolved>) -> Result<ProbeOutcome, SkipReason> {
    match result {
        Ok(resolved) => Ok(match resolved.route {
            Route::Cached | Route::Dialed => ProbeOutcome::Ok,
            Route::Switched => ProbeOutcome::Switched,
        }),
        Err(unresolved) => unresolved.outcome(),
    }
}

impl Unresolved {
    /// The outcome of this failure (`docs/spec/probe.md`).
    ///
    /// # Errors
    ///
    /// The dial was out of the probe's scope, so there is no outcome: the reason.
    pub fn outcome(&self) -> Result<ProbeOutcome, SkipReason> {
        Ok(match self {
            Self::NoChoice(NoChoice::NoAgent) => ProbeOutcome::NoAgent,
            Self::NoChoice(NoChoice::Ambiguous(_)) => ProbeOutcome::Ambiguous,
            Self::Disconnected => ProbeOutcome::Disconnected,
            Self::NeverConnected => ProbeOutcome::NeverConnected,
            Self::DialTimeout(_) => ProbeOutcome::DialTimeout,
            Self::Dial(DialError::Unreachable { state }) => match state.as_str() {
                "disconnected" => ProbeOutcome::Disconnected,
                "connecting" | "timeout" => ProbeOutcome::NeverConnected,
                _ => ProbeOutcome::ExporterError,
            },
            Self::Dial(DialError::OutOfScope(reason))
            | Self::Unvalidated {
                dial: DialError::OutOfScope(reason),
                ..
            } => return Err(*reason),
            Self::Dial(DialError::Failed(_)) => ProbeOutcome::DialError,
            Self::Dial(DialError::GaveUp { .. } | DialError::Unanswered(_)) => {
                ProbeOutcome::DialTimeout
            }
            Self::Dial(
                DialError::NoSuchAgent
                | DialError::Hidden
                | DialError::Exporter(_)
                | DialError::Unaddressable(_),
            )
            | Self::NoWorkspace
            | Self::Directory(_)
            | Self::Unvalidated { .. } => ProbeOutcome::ExporterError,
        })
    }

    /// The kind of the exporter's own error; `None` if the agent is at fault.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Dial(DialError::Exporter(failure))
            | Self::Directory(failure)
            | Self::Unvalidated {
                directory: failure, ..
            } => Some(failure.kind),
            Self::Dial(DialError::Hidden | DialError::NoSuchAgent) => Some(ErrorKind::Permission),
            Self::Dial(DialError::Unaddressable(_)) => Some(ErrorKind::Connect),
            _ => None,
        }
    }

    /// Whether it is an error of the exporter that would affect every workspace.
    pub fn is_everywhere(&self) -> bool {
        matches!(
            self,
            Self::Dial(DialError::Exporter(_)) | Self::Directory(_) | Self::Unvalidated { .. }
        )
    }
}
