//! What happened in a run, as the judge reads it.

use std::time::Duration;

use crate::fleet::model::agent::Label;

use super::super::super::rows::Row;
use super::super::super::{DialError, Route, Unresolved};

/// Agents are numbered in the order in which they were built.
pub(super) type Number = usize;

/// One thing that one call did, or that was done to it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: Duration,
    pub(super) call: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Dial(Number),
    Reached { agent: Number, connection: usize },
    Failed(Number, DialError),
    CancelDial(Number),
    Ask,
    Told(Answer),
    CancelAsk,
    Read(Number),
    Seen(Option<Row>),
    ReadFailed,
    CancelRead,
}

impl What {
    pub(super) fn is_cancel(&self) -> bool {
        matches!(
            self,
            Self::CancelDial(_) | Self::CancelAsk | Self::CancelRead
        )
    }
}

/// What the directory said of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    NoWorkspace,
    NoAgent,
    Ambiguous(Vec<Label>),
    Agent(Number, Row),
    Failed,
}

/// One call, from its first poll to its end.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: usize,
    pub(super) began: Duration,
    pub(super) ended: Duration,
    /// The agent it was bound to when it began.
    pub(super) bound_before: Option<Number>,
    /// The agent it was bound to when it had ended.
    pub(super) bound_after: Option<Number>,
    /// When the caller would give up; the call may have ended before.
    pub(super) gives_up_at: Option<Duration>,
    pub(super) told: Told,
}

/// What the caller got.
#[derive(Debug)]
pub(super) enum Told {
    Resolved {
        route: Route,
        agent: Number,
        connection: usize,
    },
    Unresolved(Unresolved),
    /// The own reason: the number of the call.
    GaveUp(usize),
    /// Nothing: the future was dropped.
    Dropped,
}

// What a row means, in this reference's own words.

pub(super) fn is_disconnected(row: Row) -> bool {
    matches!(row, Row::SilentFor(seconds) if seconds > 30.0)
}

pub(super) fn has_timed_out(row: Row) -> bool {
    matches!(row, Row::NeverConnectedFor(seconds) if seconds > 120.0)
}

pub(super) fn has_connected(row: Row) -> bool {
    matches!(row, Row::Beating | Row::SilentFor(_))
}

pub(super) fn has_been_lost(row: Row) -> bool {
    matches!(row, Row::SilentFor(seconds) if seconds >= 90.0)
}
