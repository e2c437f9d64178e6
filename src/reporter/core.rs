//! What is to be reported next: a value, with no I/O and no clock.

use std::collections::VecDeque;
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::time::Timestamp;

/// Between the two reports of a replay: Coder orders them by their times.
const REPLAY_STEP: Duration = Duration::from_millis(1);

/// What a process does when it meets another row than the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It has nothing to say until its next transition: agents up to now.
    Never,
    /// It says where it stands.
    OnNewRow,
}

/// The lifecycle of one agent process, and what its present row does not know of it yet.
#[derive(Debug, Clone)]
pub struct Reporter {
    replay: Replay,
    state: Lifecycle,
    /// The row of the last connection.
    row: Option<Uuid>,
    connection: Connection,
    /// At most one for each state of [`Lifecycle`].
    untold: VecDeque<(Lifecycle, Timestamp)>,
    /// The latest time that went into `untold` for this row: a row's times never run backwards.
    latest: Timestamp,
}

/// Connections are numbered, so that an answer can be distinguished from one that comes too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Up(u64),
    Down(u64),
}

/// One thing to say to Coder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The agent row it is about.
    pub row: Uuid,
    /// What the agent has become.
    pub state: Lifecycle,
    /// When: what Coder writes to `started_at` and `ready_at`.
    pub at: Timestamp,
    connection: u64,
}

impl Reporter {
    /// A process that has just begun, and is not connected yet.
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

    /// Makes it a process that does this from its next connection on.
    pub fn set_replay(&mut self, replay: Replay) {
        self.replay = replay;
    }

    /// Where the process stands, whatever the rows know.
    pub fn state(&self) -> Lifecycle {
        self.state
    }

    /// The process becomes `state` at `at`.
    ///
    /// Lifecycles only go forward: what it already is, or was before, is no transition and
    /// changes nothing. A time before that of the transition before is moved up to it.
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

    /// The connection is down. What was not answered counts as not reported.
    pub fn disconnected(&mut self) {
        self.connection = Connection::Down(self.connection.number());
    }

    /// What to report now; the same until it is answered or the connection changes.
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

    /// Whether there is nothing left to tell, connected or not.
    pub fn is_reported(&self) -> bool {
        self.untold.is_empty()
    }

    /// Coder has taken it; that counts however late one hears of it. Said to another row it
    /// changes nothing, unless to have said it once is all that is wanted.
    pub fn reported(&mut self, report: Report) {
        let is_first = self.untold.front() == Some(&(report.state, report.at));
        if is_first && (self.row == Some(report.row) || self.replay == Replay::Never) {
            self.untold.pop_front();
        }
    }

    /// Coder has not taken it: its connection is given up, and the next one tries again.
    /// Nothing changes when its connection is not the present one.
    pub fn failed(&mut self, report: Report) {
        if self.connection == Connection::Up(report.connection) {
            self.disconnected();
        }
    }
}

/// What a row that knows nothing has to be told by a process that stands at `state`.
///
/// Nothing by one that never began. One on its way out says only that: it may have time for
/// one report, and `starting` would promise that the workspace is coming up.
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
