//! What is handed out and what is under way, so that its end is recorded whatever it is.

use super::super::history::{Number, What};
use super::Fate;

tokio::task_local! {
    /// Which call is asking: the traits do not say.
    pub(in super::super) static CALL: usize;
}

/// Proof that an agent answered.
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

/// A question or a dial; its end is recorded whatever it is.
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
