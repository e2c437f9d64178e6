//! How the start of an agent goes, its phases, and what its workspace hears of it.

use super::rows::Time;

/// How the start of an agent goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartOutcome {
    /// It is ready within a minute.
    Well,
    /// Its startup script runs for minutes.
    Slow,
    /// Its startup script exceeds its timeout and is ended; the agent works.
    Overdue,
    /// Its startup script never ends.
    Hangs,
    /// Its startup script fails.
    Fails,
    /// It never connects to Coder.
    NeverConnects,
    /// It is outside Coder, and connects when its user starts it, if ever.
    WaitsForOwner,
    /// Its process was suspended with its machine and has an old version: it connects to the new
    /// row and reports nothing, because nothing changed.
    Survives,
    /// As [`Survives`](Self::Survives), but its version reports again, so the row does not stay in
    /// `created`.
    ReportsAgain,
}

impl StartOutcome {
    /// Whether its process is older than its row.
    pub(super) fn is_resumed(self) -> bool {
        matches!(self, Self::Survives | Self::ReportsAgain)
    }
}

/// The current phase of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Connected,
    /// A process older than the row, which reports its lifecycle state again.
    ReportingAgain,
    /// A process older than the row, which does not report again.
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

/// The result of an agent's tick for its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    None,
    Ready,
    StartError,
    Back { after: Time },
}
