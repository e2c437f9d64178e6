//! What is in store for an agent, how far it has come, and what becomes known of it.

use super::rows::Time;

/// How the start of an agent will go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartOutcome {
    /// Ready within a minute.
    Well,
    /// Its start script takes minutes.
    Slow,
    /// Its start script outlives its timeout, and then succeeds.
    Overdue,
    /// Its start script never returns.
    Hangs,
    /// Its start script fails.
    Fails,
    /// It never connects.
    NeverConnects,
    /// Its process was suspended with its machine, and is of an old version: it connects to
    /// the new row and has nothing new to report.
    Survives,
    /// As before, but of a version that reports again and so does not get stuck.
    ReportsAgain,
}

impl StartOutcome {
    /// Whether its process is older than its row.
    pub(super) fn is_resumed(self) -> bool {
        matches!(self, Self::Survives | Self::ReportsAgain)
    }
}

/// How far an agent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Connected,
    /// A process of before the row, which has something to say to it.
    ReportingAgain,
    /// One that has not.
    StuckCreated,
    Starting,
    Ready,
    StartError,
    Lost {
        since: Time,
    },
    ShuttingDown,
    Off,
}

/// What a tick of an agent means to its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    None,
    Ready,
    StartError,
    Back { after: Time },
}
