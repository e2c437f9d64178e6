//! What was asked and answered on the way to an agent, and how long each phase took.

use std::time::Duration;

use enum_map::{Enum, EnumMap};
use parking_lot::Mutex;
use strum::{EnumString, IntoStaticStr, VariantArray};
use tokio::time::Instant;

/// A part of the way; `probe_phase_duration_seconds{phase}` (`docs/spec/probe.md`).
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
    /// Asking the database which agent is bound, or how it is.
    Lookup,
    /// Dialing the bound agent.
    Dial,
    /// Asking the database which agent is the right one by now.
    Validate,
    /// Dialing once more, or another agent.
    Redial,
}

/// One thing that was asked or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Since the trace began.
    pub at: Duration,
    /// What it was part of.
    pub phase: Phase,
    /// One line for a person; no secret.
    pub text: String,
}

/// The story of one call, for its caller. Shared by reference with all that happens
/// in the call, some of it at the same time.
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
    /// Since the trace began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Everything so far, in the order in which it happened.
    pub fn steps(&self) -> Vec<Step> {
        self.recorded.lock().steps.clone()
    }

    /// How long each phase took, all its parts together.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, Duration)> {
        self.recorded.lock().spent.into_iter()
    }

    /// Notes what is asked; the answer is noted at the end of the span.
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

/// A question under way. Dropped before there was an answer, it was given up.
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
