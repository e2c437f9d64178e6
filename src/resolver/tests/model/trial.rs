//! Compares the result that a caller got with the reference.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;

use super::super::super::{DialError, Route, Unresolved};
use super::history::{Call, Event, Told};
use super::judge::{End, Switched, Wrong, walk};

/// Maximum duration of a call: dial timeout plus validation delay, plus the rounding of timers.
const LONGEST: Duration = Duration::from_millis(35_002);

/// Number of calls by kind of result.
pub(super) type Tally = BTreeMap<&'static str, usize>;

/// The kind of the call's result, or the rule that it violates.
pub(super) fn try_call(
    call: &Call,
    events: &[Event],
    released: &[Vec<Duration>],
) -> Result<&'static str, Wrong> {
    if call.ended > call.began + LONGEST {
        return Err("it took longer than dial timeout and validation delay".into());
    }
    if let Some(late) = events.iter().find(|it| it.at > call.ended) {
        return Err(format!("it was over, and yet there was {late:?}"));
    }
    let end = walk(call, events)?;
    let is_given_up = call.gives_up_at.is_some_and(|at| at <= call.ended);
    match (&call.told, &end) {
        (
            &Told::Resolved {
                route,
                agent,
                connection,
            },
            _,
        ) => {
            if released[connection].iter().any(|at| *at < call.ended) {
                return Err("its connection had been released".into());
            }
            let label = route_of(&end, route, agent, connection)?;
            if route != Route::Cached && call.bound_after != Some(agent) {
                return Err("it was reached and not remembered".into());
            }
            let own = match end {
                End::Reached { connection, .. } => connection,
                _ => connection,
            };
            if own != connection && released[own] != [call.ended] {
                return Err("it shares another's, and its own was not released at once".into());
            }
            Ok(if own == connection { label } else { "shared" })
        }
        (Told::Unresolved(_), _) if is_given_up => {
            Err("its caller had given up, and was told an error all the same".into())
        }
        (Told::Unresolved(told), End::Refused(due)) if is_same(told, due) => {
            let forgets = matches!(told, Unresolved::NoWorkspace | Unresolved::NoChoice(_));
            match forgets && call.bound_after.is_some() {
                true => Err("there was no agent, and the workspace was not forgotten".into()),
                false => {
                    let outcome = told.outcome().map(ProbeOutcome::as_str);
                    outcome.map_err(|_| "nothing is out of scope here".into())
                }
            }
        }
        (Told::GaveUp(reason), End::CutOff | End::Refused(_)) if is_given_up => {
            match *reason == call.id {
                true => Ok("gave_up"),
                false => Err("it was told a reason that was not its own".into()),
            }
        }
        (Told::Dropped, End::CutOff) => Ok("dropped"),
        (told, end) => Err(format!("it should have been {end:?} and was {told:?}")),
    }
}

fn route_of(
    end: &End,
    route: Route,
    agent: usize,
    connection: usize,
) -> Result<&'static str, Wrong> {
    match (end, route) {
        (&End::Hit(hit), Route::Cached) if hit == agent => Ok("cached"),
        (
            &End::Reached {
                agent: reached,
                switched,
                connection: own,
            },
            _,
        ) => match (switched, route, reached == agent, own == connection) {
            (Switched::Yes, Route::Switched, true, _) => Ok("switched"),
            (Switched::No, Route::Dialed, true, _) => Ok("ok"),
            // Another call had repaired the binding meanwhile.
            (Switched::No, Route::Cached, false, false) => Ok("ok"),
            _ => Err(format!(
                "it reached {reached}, {switched:?}, and was {route:?}"
            )),
        },
        _ => Err(format!("it was told {route:?}, and came to {end:?}")),
    }
}

/// Whether the errors are equal. The text of the directory's failure is ignored.
fn is_same(told: &Unresolved, due: &Unresolved) -> bool {
    match (told, due) {
        (Unresolved::Directory(_), Unresolved::Directory(_)) => true,
        (Unresolved::Unvalidated { dial, .. }, Unresolved::Unvalidated { dial: due, .. }) => {
            dial == due
        }
        (
            Unresolved::Dial(DialError::Exporter(told)),
            Unresolved::Dial(DialError::Exporter(due)),
        ) => told.kind == due.kind,
        (Unresolved::NoChoice(_), Unresolved::NoChoice(_)) => told.to_string() == due.to_string(),
        _ => told == due,
    }
}
