//! Every result of a call has the outcome that `docs/spec/probe.md` defines.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::outcome::ProbeOutcome;

use super::super::world::failure;
use super::super::{DialError, NoChoice, Resolved, Route, Unresolved, outcome, rows};

fn unreachable(state: &str) -> Unresolved {
    let state = state.into();
    Unresolved::Dial(DialError::Unreachable { state })
}

#[test]
fn every_way_of_not_reaching_an_agent_has_its_outcome() {
    let cases = [
        (Unresolved::NoWorkspace, ProbeOutcome::ExporterError),
        (
            Unresolved::NoChoice(NoChoice::NoAgent),
            ProbeOutcome::NoAgent,
        ),
        (
            Unresolved::NoChoice(NoChoice::Ambiguous(Vec::new())),
            ProbeOutcome::Ambiguous,
        ),
        (Unresolved::Disconnected, ProbeOutcome::Disconnected),
        (Unresolved::NeverConnected, ProbeOutcome::NeverConnected),
        (
            Unresolved::DialTimeout(Duration::from_secs(30)),
            ProbeOutcome::DialTimeout,
        ),
        (unreachable("disconnected"), ProbeOutcome::Disconnected),
        (unreachable("connecting"), ProbeOutcome::NeverConnected),
        (unreachable("timeout"), ProbeOutcome::NeverConnected),
        (unreachable("sleepwalking"), ProbeOutcome::ExporterError),
        (DialError::NoSuchAgent.into(), ProbeOutcome::ExporterError),
        (DialError::Hidden.into(), ProbeOutcome::ExporterError),
        (
            Unresolved::Unvalidated {
                dial: DialError::Failed("refused".into()),
                directory: failure(),
            },
            ProbeOutcome::ExporterError,
        ),
        (
            DialError::Failed("dial timeout".into()).into(),
            ProbeOutcome::DialError,
        ),
        (
            DialError::Exporter(Failure::new(ErrorKind::Authentication, "token expired")).into(),
            ProbeOutcome::ExporterError,
        ),
        (
            DialError::Unaddressable("no label of a host's name".into()).into(),
            ProbeOutcome::ExporterError,
        ),
        (failure().into(), ProbeOutcome::ExporterError),
    ];
    for (unresolved, expected) in cases {
        assert_eq!(unresolved.outcome(), Ok(expected), "{unresolved:?}");
        let result: Result<Resolved<()>, _> = Err(unresolved);
        assert_eq!(outcome(&result), Ok(expected));
    }
}

#[test]
fn trouble_of_our_own_has_a_kind_and_an_agents_has_none() {
    let refused = Failure::new(ErrorKind::Authentication, "token expired");
    let cases = [
        (
            DialError::Exporter(refused).into(),
            Some(ErrorKind::Authentication),
        ),
        (
            Failure::new(ErrorKind::Permission, "no").into(),
            Some(ErrorKind::Permission),
        ),
        (
            Unresolved::Unvalidated {
                dial: DialError::Failed("refused".into()),
                directory: failure(),
            },
            Some(failure().kind),
        ),
        (DialError::Hidden.into(), Some(ErrorKind::Permission)),
        (DialError::Failed("dial timeout".into()).into(), None),
        (Unresolved::Disconnected, None),
    ];
    for (unresolved, expected) in cases {
        let unresolved: Unresolved = unresolved;
        assert_eq!(unresolved.kind(), expected, "{unresolved:?}");
    }
}

#[test]
fn only_a_repaired_binding_counts_as_switched() {
    let cases = [
        (Route::Cached, ProbeOutcome::Ok),
        (Route::Dialed, ProbeOutcome::Ok),
        (Route::Switched, ProbeOutcome::Switched),
    ];
    for (route, expected) in cases {
        let resolved = Resolved {
            connection: Arc::new(()),
            target: rows::target("old"),
            route,
        };
        assert_eq!(outcome(&Ok(resolved)), Ok(expected), "{route:?}");
    }
}
