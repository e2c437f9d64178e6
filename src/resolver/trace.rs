//! Records the steps of a call, and the time of each phase.

use std::time::Duration;

use enum_map::{Enum, EnumMap};
use parking_lot::Mutex;
use strum::{EnumString, IntoStaticStr, VariantArray};
use tokio::time::Instant;

/// A phase of a call, as in `probe_phase_duration_seconds{phase}` (`docs/spec/probe.md`).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Enum,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Queries the database for the bound agent or its row.
    Lookup,
    /// Dials the bound agent.
    Dial,
    /// Queries the database for the agent that serves the workspace now.
    Validate,
    /// Dials the same agent again, or another one.
    Redial,
}

/// A query, a dial or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Time since the start of the trace.
    pub at: Duration,
    /// The phase that it belongs to.
    pub phase: Phase,
    /// One line for a person, without secrets.
    pub text: String,
}

/// The record of one call, for its caller. The parts of the call share it by reference, and some of
/// them run at the same time.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    recorded: Mutex<Recorded>,
}

#[derive(Debug, Default)]
struct Recorded {
    steps: Vec<Step>,
    spent: EnumMap<Phase, Duration>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            recorded: Mutex::default(),
        }
    }
}

impl Trace {
    /// Time since the start of the trace.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// All steps so far, in the order in which they happened.
    pub fn steps(&self) -> Vec<Step> {
        self.recorded.lock().steps.clone()
    }

    /// Total time of each phase.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, Duration)> {
        self.recorded.lock().spent.into_iter()
    }

    /// Records a query or dial. The span records its answer.
    pub(super) fn ask(&self, phase: Phase, question: impl Into<String>) -> Span<'_> {
        self.note(phase, question.into());
        Span {
            trace: self,
            phase,
            began: Instant::now(),
            answered: false,
        }
    }

    /// Counts what took place as a part of this phase before the trace was handed on.
    pub fn add(&self, phase: Phase, took: Duration) {
        self.recorded.lock().spent[phase] += took;
    }

    fn note(&self, phase: Phase, text: String) {
        let at = self.began.elapsed();
        self.recorded.lock().steps.push(Step { at, phase, text });
    }
}

/// A query or dial in progress. Dropping it without an answer records that it was canceled.
pub(super) struct Span<'a> {
    trace: &'a Trace,
    phase: Phase,
    began: Instant,
    answered: bool,
}

impl Span<'_> {
    pub(super) fn answer(mut self, text: impl Into<String>) {
        self.answered = true;
        self.trace.note(self.phase, text.into());
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.trace.note(self.phase, "canceled".into());
        }
        let spent = self.began.elapsed();
        self.trace.recorded.lock().spent[self.phase] += spent;
    }
}
