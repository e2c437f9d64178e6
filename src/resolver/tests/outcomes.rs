//! Every end of a call counts as something an operator can act on (SPEC 5).

use std::sync::Arc;
use std::time::Duration;

use super::super::rows;
use super::super::world::failure;
use super::super::{DialError, NoChoice, Resolved, Route, Unresolved, outcome};
use crate::fleet::outcome::Outcome;

fn unreachable(state: &str) -> Unresolved {
    let state = state.into();
    Unresolved::Dial(DialError::Unreachable { state })
}

#[test]
fn every_way_of_not_reaching_an_agent_has_its_outcome() {
    let cases = [
        (Unresolved::NoWorkspace, Outcome::NoAgent),
        (Unresolved::NoChoice(NoChoice::NoAgent), Outcome::NoAgent),
        (
            Unresolved::NoChoice(NoChoice::Ambiguous(Vec::new())),
            Outcome::Ambiguous,
        ),
        (Unresolved::Disconnected, Outcome::Disconnected),
        (Unresolved::NeverConnected, Outcome::NeverConnected),
        (
            Unresolved::DialTimeout(Duration::from_secs(30)),
            Outcome::DialTimeout,
        ),
        (unreachable("disconnected"), Outcome::Disconnected),
        (unreachable("connecting"), Outcome::NeverConnected),
        (unreachable("timeout"), Outcome::NeverConnected),
        (unreachable("sleepwalking"), Outcome::DialError),
        (DialError::NoSuchAgent.into(), Outcome::DialError),
        (
            DialError::Failed("dial timeout".into()).into(),
            Outcome::DialError,
        ),
        (
            DialError::Exporter("token expired".into()).into(),
            Outcome::ExporterError,
        ),
        (
            DialError::Unaddressable("no label of a host's name".into()).into(),
            Outcome::ExporterError,
        ),
        (failure().into(), Outcome::ExporterError),
    ];
    for (unresolved, expected) in cases {
        assert_eq!(unresolved.outcome(), expected, "{unresolved:?}");
        let result: Result<Resolved<()>, _> = Err(unresolved);
        assert_eq!(outcome(&result), expected);
    }
}

#[test]
fn only_a_repaired_binding_counts_as_switched() {
    let cases = [
        (Route::Cached, Outcome::Ok),
        (Route::Dialed, Outcome::Ok),
        (Route::Switched, Outcome::Switched),
    ];
    for (route, expected) in cases {
        let resolved = Resolved {
            connection: Arc::new(()),
            target: rows::target("old"),
            route,
        };
        assert_eq!(outcome(&Ok(resolved)), expected, "{route:?}");
    }
}
