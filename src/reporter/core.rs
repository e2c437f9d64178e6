//! Decides the next report: a state machine without I/O and clock.

use std::collections::VecDeque;
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::time::Timestamp;

/// Time between two reports of a replay, because Coder sorts them by time.
const REPLAY_STEP: Duration = Duration::from_millis(1);

/// What a process reports when it connects to a new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Nothing before its next transition, as agents do today.
    Never,
    /// Its current state, so that the row does not stay in `created`.
    OnNewRow,
}

/// The lifecycle of an agent process, and the states that its current row lacks.
#[derive(Debug, Clone)]
pub struct Reporter {
    replay: Replay,
    state: Lifecycle,
    /// The row of the last connection.
    row: Option<Uuid>,
    connection: Connection,
    /// Unreported states, at most one for each value of [`Lifecycle`].
    untold: VecDeque<(Lifecycle, Timestamp)>,
    /// The latest time in `untold` for this row. The times of a row never decrease.
    latest: Timestamp,
}

/// The current connection. Its number distinguishes its answers from late ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Up(u64),
    Down(u64),
}

/// A report for Coder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Id of the agent row.
    pub row: Uuid,
    /// The new lifecycle state of the agent.
    pub state: Lifecycle,
    /// Time of the transition, which Coder stores in `started_at` or `ready_at`.
    pub at: Timestamp,
    connection: u64,
}

impl Reporter {
    /// A new process that is not connected yet.
    pub fn new(replay: Replay) -> Self {
        Self {
            replay,
            state: Lifecycle::Created,
            row: None,
            connection: Connection::Down(0),
            untold: VecDeque::new(),
            latest: Timestamp::BEGINNING,
        }
    }

    /// Changes the behaviour from the next connection on.
    pub fn set_replay(&mut self, replay: Replay) {
        self.replay = replay;
    }

    /// The current state of the process.
    pub fn state(&self) -> Lifecycle {
        self.state
    }

    /// Changes the state of the process to `state` at `at`.
    ///
    /// Lifecycle states only go forward: the current state and earlier ones are ignored. A time
    /// before the previous transition is set to the time of that transition.
    pub fn transition(&mut self, state: Lifecycle, at: Timestamp) {
        if state > self.state {
            self.state = state;
            self.latest = self.latest.max(at);
            self.untold.push_back((state, self.latest));
        }
    }

    /// A connection is up at `now`, as this row; one that was up before is no more.
    ///
    /// Another row than the last knows nothing: it is told where the process stands, with times
    /// of now, because the true ones may be older than the row. Whatever of the past the last
    /// row was still to be told is void. Whether it is another row than the last comes back.
    pub fn connected(&mut self, row: Uuid, now: Timestamp) -> bool {
        let last = self.row.replace(row);
        self.connection = Connection::Up(self.connection.number() + 1);
        let is_new = last.is_some_and(|last| last != row);
        if is_new && self.replay == Replay::OnNewRow {
            self.untold = replay_of(self.state, now);
            self.latest = self.untold.back().map_or(now, |(_, at)| *at);
        }
        is_new
    }

    /// The connection ended. A report without an answer counts as not reported.
    pub fn disconnected(&mut self) {
        self.connection = Connection::Down(self.connection.number());
    }

    /// The report to send now; the same one until it is answered or the connection changes.
    pub fn next(&self) -> Option<Report> {
        let Connection::Up(connection) = self.connection else {
            return None;
        };
        let (&(state, at), row) = (self.untold.front()?, self.row?);
        Some(Report {
            row,
            state,
            at,
            connection,
        })
    }

    /// Whether everything is reported, connected or not.
    pub fn is_reported(&self) -> bool {
        self.untold.is_empty()
    }

    /// Coder accepted the report, which counts even if the answer is late. If the report was for
    /// another row it changes nothing, except with [`Replay::Never`], where one report is enough.
    pub fn reported(&mut self, report: Report) {
        let is_first = self.untold.front() == Some(&(report.state, report.at));
        if is_first && (self.row == Some(report.row) || self.replay == Replay::Never) {
            self.untold.pop_front();
        }
    }

    /// Coder did not accept the report: its connection counts as failed, and the next connection
    /// tries again. Has no effect if the report belongs to an earlier connection.
    pub fn failed(&mut self, report: Report) {
        if self.connection == Connection::Up(report.connection) {
            self.disconnected();
        }
    }
}

/// The reports for a new row, for a process in this state.
///
/// A process that has not started reports nothing. A process that shuts down reports only that,
/// because it may have time for one report and `starting` would show that the workspace starts.
fn replay_of(state: Lifecycle, now: Timestamp) -> VecDeque<(Lifecycle, Timestamp)> {
    match state {
        Lifecycle::Created => VecDeque::new(),
        Lifecycle::Starting => [(state, now)].into(),
        _ if state.is_shutdown() => [(state, now)].into(),
        _ => [(Lifecycle::Starting, now), (state, now.after(REPLAY_STEP))].into(),
    }
}

impl Connection {
    const fn number(self) -> u64 {
        match self {
            Self::Up(number) | Self::Down(number) => number,
        }
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
