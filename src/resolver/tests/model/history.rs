//! The recorded events of a run, for the reference.

use std::time::Duration;

use crate::fleet::model::agent::Label;

use super::super::super::rows::Row;
use super::super::super::{DialError, Route, Unresolved};

/// The number of an agent. Agents are numbered in the order of their creation.
pub(super) type Number = usize;

/// One event of a call.
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

/// The directory's answer about a workspace.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    NoWorkspace,
    NoAgent,
    Ambiguous(Vec<Label>),
    Agent(Number, Row),
    Failed,
}

/// A call, from its first poll to its end.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: usize,
    pub(super) began: Duration,
    pub(super) ended: Duration,
    /// The agent that was bound when the call started.
    pub(super) bound_before: Option<Number>,
    /// The agent that was bound when the call ended.
    pub(super) bound_after: Option<Number>,
    /// When the caller leaves. The call may end before.
    pub(super) gives_up_at: Option<Duration>,
    pub(super) told: Told,
}

/// The result of the call for its caller.
#[derive(Debug)]
pub(super) enum Told {
    Resolved {
        route: Route,
        agent: Number,
        connection: usize,
    },
    Unresolved(Unresolved),
    /// The caller's own error: the number of the call.
    GaveUp(usize),
    /// No result: the future was dropped.
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
