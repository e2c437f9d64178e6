//! What comes of resolving a workspace.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::SkipReason;

use super::choose::NoChoice;
use super::parts::{DialError, Target};

/// An agent that was reached.
#[derive(Debug)]
pub struct Resolved<C> {
    /// The proof, shared with all who resolved this workspace. It is released when the last of
    /// them, and the resolver, have dropped it.
    pub connection: Arc<C>,
    /// Which agent it is.
    pub target: Target,
    /// How it was reached.
    pub route: Route,
}

/// How an agent was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Over a connection that was there.
    Cached,
    /// By dialing the bound agent.
    Dialed,
    /// The bound agent was of an earlier build; the right one was dialed and is bound now.
    Switched,
}

/// Why no agent was reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// There is no such workspace, or it is deleted.
    #[error("there is no such workspace")]
    NoWorkspace,
    /// No agent could be chosen.
    #[error(transparent)]
    NoChoice(#[from] NoChoice),
    /// Its row says that the agent is disconnected.
    #[error("the agent is disconnected")]
    Disconnected,
    /// Its row says that the agent did not connect in time.
    #[error("the agent has never connected")]
    NeverConnected,
    /// Our own deadline passed, and nothing better is known.
    #[error("the agent did not answer within {} s", .0.as_secs_f64())]
    DialTimeout(Duration),
    /// The dial failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The database did not say whom to dial.
    #[error(transparent)]
    Directory(#[from] Failure),
}

/// What it counts as (`docs/spec/probe.md`).
///
/// # Errors
///
/// Why it has no outcome: the dial was out of the probe's scope.
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
    /// What it counts as (`docs/spec/probe.md`).
    ///
    /// # Errors
    ///
    /// Why it has no outcome: the dial was out of the probe's scope.
    pub fn outcome(&self) -> Result<ProbeOutcome, SkipReason> {
        Ok(match self {
            Self::NoWorkspace | Self::NoChoice(NoChoice::NoAgent) => ProbeOutcome::NoAgent,
            Self::NoChoice(NoChoice::Ambiguous(_)) => ProbeOutcome::Ambiguous,
            Self::Disconnected => ProbeOutcome::Disconnected,
            Self::NeverConnected => ProbeOutcome::NeverConnected,
            Self::DialTimeout(_) => ProbeOutcome::DialTimeout,
            Self::Dial(DialError::Unreachable { state }) => match state.as_str() {
                "disconnected" => ProbeOutcome::Disconnected,
                "connecting" | "timeout" => ProbeOutcome::NeverConnected,
                _ => ProbeOutcome::DialError,
            },
            Self::Dial(DialError::OutOfScope(reason)) => return Err(*reason),
            Self::Dial(DialError::NoSuchAgent | DialError::Failed(_)) => ProbeOutcome::DialError,
            Self::Dial(DialError::Exporter(_) | DialError::Unaddressable(_))
            | Self::Directory(_) => ProbeOutcome::ExporterError,
        })
    }

    /// What kind of trouble of our own it is; `None` where it is the agent's.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Dial(DialError::Exporter(failure)) | Self::Directory(failure) => {
                Some(failure.kind)
            }
            Self::Dial(DialError::Unaddressable(_)) => Some(ErrorKind::Connect),
            _ => None,
        }
    }

    /// Whether it is our own trouble, and would be the same with every other workspace.
    pub fn is_everywhere(&self) -> bool {
        matches!(
            self,
            Self::Dial(DialError::Exporter(_)) | Self::Directory(_)
        )
    }
}
