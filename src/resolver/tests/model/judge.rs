//! The reference: it walks through the events of a call, and checks each step and the result
//! against the rules of `docs/spec/resolver.md`.

use std::slice::Iter;
use std::time::Duration;

use super::super::super::world::failure;
use super::super::super::{DialError, NoChoice, Unresolved};
use super::history::{
    Answer, Call, Event, Number, Told, What, has_been_lost, has_connected, has_timed_out,
    is_disconnected,
};

const DELAY: Duration = Duration::from_secs(5);
const DIAL: Duration = Duration::from_secs(30);
/// Resolution of tokio's timers: one millisecond, rounded up.
const TICK: Duration = Duration::from_millis(1);

/// The result that a call with these events must have.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// Over the cached connection to this agent.
    Hit(Number),
    /// By its own dial.
    Reached {
        agent: Number,
        connection: usize,
        switched: Switched,
    },
    Refused(Unresolved),
    /// The call was dropped or its caller left.
    CutOff,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Switched {
    Yes,
    No,
}

/// Which rule the call violates.
pub(super) type Wrong = String;

/// What a remembered connection comes to.
enum Rechecked {
    Over(End),
    Another(Number),
    Gone,
}

/// Ends the walk early: the call has ended, or it violates a rule.
enum Stop {
    End(End),
    Wrong(Wrong),
}

type Step<T> = Result<T, Stop>;

struct Walk<'a> {
    call: &'a Call,
    events: Iter<'a, Event>,
}

/// Returns the result that the call must have, or the rule that it violates.
pub(super) fn walk(call: &Call, events: &[Event]) -> Result<End, Wrong> {
    let mut walk = Walk {
        call,
        events: events.iter(),
    };
    let end = match walk.whole() {
        Ok(end) | Err(Stop::End(end)) => end,
        Err(Stop::Wrong(wrong)) => return Err(wrong),
    };
    match (walk.events.next(), &end) {
        (Some(more), _) => Err(format!("it was over, and yet there was {more:?}")),
        (None, End::CutOff) if call.gives_up_at.is_none_or(|at| !is_at(call.ended, at)) => {
            Err("it was cut off, and nobody had given up".into())
        }
        _ => Ok(end),
    }
}

impl<'a> Walk<'a> {
    fn whole(&mut self) -> Step<End> {
        let mut first = self.next()?;
        match (&first.what, self.call.bound_before) {
            (&What::Read(agent), Some(bound)) if agent == bound => {
                match self.recheck(agent)? {
                    Rechecked::Over(end) => return Ok(end),
                    Rechecked::Another(other) => first = self.dial_of(other)?,
                    // Whatever another call has remembered meanwhile is dialed, too.
                    Rechecked::Gone => first = self.next()?,
                }
            }
            (&What::Dial(agent), Some(bound)) if agent == bound => {}
            (What::Ask, None) => {}
            (what, bound) => return wrong(format!("bound to {bound:?} it began with {what:?}")),
        }
        if first.what == What::Ask {
            match self.answer(self.call.began + DELAY)? {
                Answer::Agent(agent, _) => first = self.dial_of(agent)?,
                answer => return refused(refusal(&answer)),
            }
        }
        let What::Dial(bound) = first.what else {
            return wrong(format!("it should have dialed, instead of {first:?}"));
        };
        self.dialed(bound, first.at)
    }

    /// A cached connection, whose agent's row is read again.
    fn recheck(&mut self, agent: Number) -> Step<Rechecked> {
        let seen = self.next()?;
        let gone = match seen.what {
            What::Seen(Some(row)) if is_disconnected(row) => Unresolved::Disconnected,
            What::Seen(Some(row)) if has_timed_out(row) => Unresolved::NeverConnected,
            What::Seen(None) => return Ok(Rechecked::Gone),
            What::Seen(Some(_)) | What::ReadFailed => return Ok(Rechecked::Over(End::Hit(agent))),
            What::CancelRead if is_at(seen.at, self.call.began + DELAY) => {
                return Ok(Rechecked::Over(End::Hit(agent)));
            }
            _ => {
                return wrong(format!(
                    "it should have awaited the row, instead of {seen:?}"
                ));
            }
        };
        if self.next()?.what != What::Ask {
            return wrong("before it fails the directory should be asked");
        }
        match self.answer(self.call.began + DELAY)? {
            Answer::Agent(other, _) if other != agent => Ok(Rechecked::Another(other)),
            Answer::Agent(..) | Answer::Failed => refused(gone),
            answer => refused(refusal(&answer)),
        }
    }

    /// The first dial started at `began`.
    fn dialed(&mut self, bound: Number, began: Duration) -> Step<End> {
        let by = began + DIAL;
        let next = self.next()?;
        match next.what {
            What::Failed(..) | What::Reached { .. } if next.at > began + DELAY + TICK => {
                wrong("a slow dial should have been doubted")
            }
            What::Failed(_, ref error) => {
                let asked = self.next()?;
                if asked.what != What::Ask || asked.at != next.at {
                    return wrong("a dial that fails should be validated at once");
                }
                let answer = self.answer(asked.at + DELAY)?;
                self.after_failure(bound, error, &answer, by)
            }
            What::Ask if is_at(next.at, began + DELAY) => self.doubted(bound, next.at, by),
            _ => self.over(next, Switched::No, by),
        }
    }

    /// The first dial is slow, and the directory was queried at `asked`.
    fn doubted(&mut self, bound: Number, asked: Duration, by: Duration) -> Step<End> {
        let next = self.next()?;
        let answer = match &next.what {
            What::Reached { .. } => {
                let given_up = self.events.next();
                if given_up.is_none_or(|it| it.what != What::CancelAsk) {
                    return wrong("nobody waits for the directory any more");
                }
                return self.over(next, Switched::No, by);
            }
            What::Failed(_, error) => {
                let answer = self.answer(asked + DELAY)?;
                return self.after_failure(bound, error, &answer, by);
            }
            What::CancelDial(_) => return wrong("a dial has longer than that"),
            What::Told(answer) => answer.clone(),
            What::CancelAsk if is_at(next.at, asked + DELAY) => Answer::Failed,
            _ => return wrong(format!("it should have awaited an answer, not {next:?}")),
        };
        match answer {
            Answer::Agent(other, _) if other != bound => {
                self.cancel_of(bound)?;
                self.redialed(other, Switched::Yes, by)
            }
            Answer::Agent(..) => {
                let last = self.next()?;
                self.over(last, Switched::No, by)
            }
            // Nothing is proved.
            Answer::Ambiguous(_) | Answer::Failed => {
                let last = self.next()?;
                let What::Failed(_, error) = &last.what else {
                    return self.over(last, Switched::No, by);
                };
                let asked = self.next()?;
                if asked.what != What::Ask || asked.at != last.at {
                    return wrong("a dial that fails should be validated at once");
                }
                let answer_by = (asked.at + DELAY).min(by);
                match self.answer(answer_by)? {
                    Answer::Failed if self.is_time_up(answer_by, by) => self.timed_out(),
                    answer => self.after_failure(bound, error, &answer, by),
                }
            }
            Answer::NoWorkspace | Answer::NoAgent => {
                self.cancel_of(bound)?;
                refused(NoChoice::NoAgent.into())
            }
        }
    }

    /// The first dial failed, and the directory has answered.
    fn after_failure(
        &mut self,
        bound: Number,
        error: &DialError,
        answer: &Answer,
        by: Duration,
    ) -> Step<End> {
        match *answer {
            Answer::Agent(other, _) if other != bound => self.redialed(other, Switched::Yes, by),
            Answer::Agent(..) => match error {
                DialError::NoSuchAgent | DialError::GaveUp { .. } => self.explained(error),
                _ => self.redialed(bound, Switched::No, by),
            },
            Answer::Failed => refused(Unresolved::Unvalidated {
                dial: error.clone(),
                directory: failure(),
            }),
            _ => refused(refusal_by_validation(answer)),
        }
    }

    fn redialed(&mut self, agent: Number, switched: Switched, by: Duration) -> Step<End> {
        self.dial_of(agent)?;
        let end = self.next()?;
        self.over(end, switched, by)
    }

    /// The last dial ended with this event.
    fn over(&mut self, end: &Event, switched: Switched, by: Duration) -> Step<End> {
        match &end.what {
            &What::Reached { agent, connection } if end.at <= by + TICK => Ok(End::Reached {
                agent,
                connection,
                switched,
            }),
            What::Failed(_, error) => self.explained(error),
            What::CancelDial(_) if end.at >= by && is_at(end.at, by) => self.timed_out(),
            _ => wrong(format!("a dial should have ended, instead of {end:?}")),
        }
    }

    /// Whether it was the dial's own time that was over, and not the question's alone.
    fn is_time_up(&self, answer_by: Duration, by: Duration) -> bool {
        let next = self.events.clone().next();
        answer_by == by && next.is_some_and(|it| it.what == What::Ask && is_at(it.at, by))
    }

    /// The last dial has failed like this, of an agent that the directory has named.
    fn explained(&mut self, error: &DialError) -> Step<End> {
        match error {
            DialError::NoSuchAgent => refused(DialError::Hidden.into()),
            DialError::GaveUp { .. } => self.timed_out(),
            DialError::Unreachable { state } if state == "timeout" => {
                match self.last_look()? {
                    // It comes to a failure whose words do not matter.
                    Answer::Agent(_, row) if has_connected(row) => {
                        refused(DialError::Exporter(failure()).into())
                    }
                    _ => refused(Unresolved::Dial(error.clone())),
                }
            }
            _ => refused(Unresolved::Dial(error.clone())),
        }
    }

    fn timed_out(&mut self) -> Step<End> {
        refused(match self.last_look()? {
            Answer::NoAgent | Answer::NoWorkspace => NoChoice::NoAgent.into(),
            Answer::Agent(_, row) if has_timed_out(row) => Unresolved::NeverConnected,
            Answer::Agent(_, row) if has_been_lost(row) => Unresolved::Disconnected,
            _ => Unresolved::DialTimeout(DIAL),
        })
    }

    /// What the directory says when the last dial is over.
    fn last_look(&mut self) -> Step<Answer> {
        if self.next()?.what != What::Ask {
            return wrong("the latest agent's row should be looked at once more");
        }
        self.answer(self.call.began + DELAY + DIAL)
    }

    fn dial_of(&mut self, agent: Number) -> Step<&'a Event> {
        let next = self.next()?;
        match next.what == What::Dial(agent) {
            true => Ok(next),
            false => wrong(format!(
                "it should have dialed {agent}, instead of {next:?}"
            )),
        }
    }

    /// The old dial is cancelled before the other agent is dialed.
    fn cancel_of(&mut self, agent: Number) -> Step<()> {
        let next = self.next()?;
        match next.what == What::CancelDial(agent) {
            true => Ok(()),
            false => wrong(format!("{agent} should be cancelled before {next:?}")),
        }
    }

    /// The directory's answer to the query, at `by` at the latest.
    fn answer(&mut self, by: Duration) -> Step<Answer> {
        let next = self.next()?;
        match &next.what {
            What::Told(answer) if next.at <= by + TICK => Ok(answer.clone()),
            What::CancelAsk if is_at(next.at, by) => Ok(Answer::Failed),
            _ => wrong(format!(
                "an answer was due by {by:?}, and there was {next:?}"
            )),
        }
    }

    /// The next event; ends the walk if the call was dropped there.
    fn next(&mut self) -> Step<&'a Event> {
        let is_cut_off = matches!(self.call.told, Told::GaveUp(_) | Told::Dropped);
        let is_last_word = |it: &Event| it.what.is_cancel() && it.at == self.call.ended;
        if is_cut_off && self.events.clone().all(is_last_word) {
            self.events = Iter::default();
            return Err(Stop::End(End::CutOff));
        }
        let over = || Stop::Wrong("it was told an end before there was one".into());
        self.events.next().ok_or_else(over)
    }
}

fn refused<T>(unresolved: Unresolved) -> Step<T> {
    Err(Stop::End(End::Refused(unresolved)))
}

fn wrong<T>(wrong: impl Into<Wrong>) -> Step<T> {
    Err(Stop::Wrong(wrong.into()))
}

/// Whether `at` is the given moment, within the resolution of timers and never before it.
fn is_at(at: Duration, moment: Duration) -> bool {
    at >= moment && at <= moment + TICK
}

fn refusal(answer: &Answer) -> Unresolved {
    match answer {
        Answer::NoWorkspace => Unresolved::NoWorkspace,
        Answer::Failed | Answer::Agent(..) => failure().into(),
        other => refusal_by_validation(other),
    }
}

/// The error that follows from a validation. A bound workspace that does not exist counts as one
/// without an agent.
fn refusal_by_validation(answer: &Answer) -> Unresolved {
    Unresolved::NoChoice(match answer {
        Answer::Ambiguous(names) => NoChoice::Ambiguous(names.clone()),
        _ => NoChoice::NoAgent,
    })
}
