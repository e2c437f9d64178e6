//! Connections and running queries of the simulation, which record their end in every case.

use super::super::history::{Number, What};
use super::Fate;

tokio::task_local! {
    /// The number of the current call, since the traits do not pass it.
    pub(in super::super) static CALL: usize;
}

/// The connection to an agent that answered.
#[derive(Debug)]
pub(in super::super) struct Opened {
    pub(super) fate: Fate,
    pub(in super::super) agent: Number,
    pub(in super::super) number: usize,
}

impl std::fmt::Debug for Fate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("fate")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut state = self.fate.lock();
        let at = state.began.elapsed();
        state.released[self.number].push(at);
    }
}

/// A running query or dial, which records its end when dropped.
pub(super) struct Underway<'a> {
    fate: &'a Fate,
    call: usize,
    end: What,
}

impl<'a> Underway<'a> {
    pub(super) fn begin(fate: &'a Fate, what: What, cancelled: What) -> Self {
        let call = CALL.get();
        fate.record(call, what);
        Self {
            fate,
            call,
            end: cancelled,
        }
    }

    pub(super) fn end(mut self, what: What) {
        self.end = what;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.fate.record(self.call, self.end.clone());
    }
}
