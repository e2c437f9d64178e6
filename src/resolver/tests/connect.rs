//! Tests of complete calls with an empty cache: timeouts, and callers that leave.

use std::future::ready;
use std::time::Duration;

use tokio::time::sleep;

use crate::error::ErrorKind;

use super::super::rows::{self, BEGAN, Row};
use super::super::world::{Dial, Manner, WORKSPACE, World, failed, fails, failure, said};
use super::super::{DialError, NoChoice, Resolver, Target, Trace, Unresolved};
use super::connect;
use crate::fleet::model::agent::Kind;

const TIMED_OUT: Unresolved = Unresolved::DialTimeout(Duration::from_secs(30));

#[tokio::test(start_paused = true)]
async fn unbound_workspace_is_looked_up_and_its_agent_bound() {
    let world = World::new();
    world.directory(Manner::Answers(1.0));
    world.dials("old", [Dial::Reached(1.0)]);
    let resolver = world.resolver();
    assert_eq!(resolver.bound(WORKSPACE), None);
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed old");
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("old")));
    assert_eq!(world.diary(), ["0 ask", "1 dial old", "2 reached old"]);
}

#[tokio::test(start_paused = true)]
async fn stale_binding_is_repaired_in_one_call_and_the_next_one_is_a_hit() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.row("old", Row::SilentFor(600.0));
    world.dials("new", [Dial::Reached(1.0)]);
    let resolver = world.bound_resolver();

    assert_eq!(said(&connect(&resolver).await.unwrap()), "Switched new");
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("new")));
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached new");
    let story = [
        "0 dial old",
        "5 ask",
        "5 cancel old",
        "5 dial new",
        "6 reached new",
        "6 read new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn crash_within_the_build_is_told_as_the_dials_error_and_not_as_disconnected() {
    let world = World::new();
    world.row("old", Row::SilentFor(600.0));
    world.dials("old", [fails(1.0, "connection reset")]);
    let resolver = world.bound_resolver();
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::Dial(failed("connection reset")));
    assert_eq!(error.to_string(), "connection reset");
}

#[tokio::test(start_paused = true)]
async fn workspace_that_is_unknown_or_deleted_is_not_dialed() {
    let world = World::new();
    let resolver = world.resolver();
    world.delete(WORKSPACE);
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::NoWorkspace);

    let unknown = uuid::Uuid::from_u128(404);
    let error = super::connect_to(&resolver, unknown).await;
    assert_eq!(error.unwrap_err(), Unresolved::NoWorkspace);
    assert_eq!(world.diary(), ["0 ask", "0 ask"]);
}

#[tokio::test(start_paused = true)]
async fn bound_workspace_that_was_deleted_has_no_agent_any_more() {
    let world = World::new();
    let resolver = world.bound_resolver();
    world.delete(WORKSPACE);
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::NoChoice(NoChoice::NoAgent));
    assert_eq!(resolver.bound(WORKSPACE), None);
}

#[tokio::test(start_paused = true)]
async fn without_an_agent_everything_about_the_workspace_is_forgotten() {
    let world = World::new();
    world.build(WORKSPACE, &[]);
    let resolver = world.bound_resolver();
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::NoChoice(NoChoice::NoAgent));
    assert_eq!(resolver.bound(WORKSPACE), None);

    // Next time nothing is dialed on old knowledge.
    connect(&resolver).await.unwrap_err();
    let story = ["0 dial old", "5 ask", "5 cancel old", "5 ask"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn directory_that_fails_when_nothing_is_bound_is_the_error() {
    let world = World::new();
    world.directory(Manner::Fails(1.0));
    let error = connect(&world.resolver()).await.unwrap_err();
    assert_eq!(error, Unresolved::Directory(failure()));
}

#[tokio::test(start_paused = true)]
async fn directory_that_hangs_for_ever_is_given_the_validation_delay() {
    let world = World::new();
    world.directory(Manner::Hangs);
    let Unresolved::Directory(late) = connect(&world.resolver()).await.unwrap_err() else {
        panic!("it is the directory's fault");
    };
    assert_eq!(late.kind, ErrorKind::Timeout);
    assert_eq!(world.diary(), ["0 ask", "5 cancel ask"]);

    // Hanging for ever it holds up no call for longer than its time.
    assert_eq!(
        connect(&world.bound_resolver()).await.unwrap_err(),
        TIMED_OUT
    );
    let story = [
        "5 dial old",
        "10 ask",
        "15 cancel ask",
        "35 cancel old",
        "35 ask",
        "40 cancel ask",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn slow_look_up_takes_nothing_from_the_dials_time() {
    let world = World::new();
    world.directory(Manner::Answers(4.0));
    world.dials("old", [Dial::Reached(30.0)]);
    let resolver = world.resolver();
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed old");
}

/// The result if the dial of the right agent hangs and its row has this state at the timeout.
async fn timed_out_with(row: Row) -> Unresolved {
    let world = World::new();
    world.row("old", row);
    let error = connect(&world.bound_resolver()).await.unwrap_err();
    let story = ["0 dial old", "5 ask", "30 cancel old", "30 ask"];
    assert_eq!(world.diary(), story);
    error
}

#[tokio::test(start_paused = true)]
async fn timeout_is_a_disconnect_only_once_the_row_said_so_for_the_recovery_threshold() {
    assert_eq!(timed_out_with(Row::SilentFor(89.999)).await, TIMED_OUT);
    let lost = Unresolved::Disconnected;
    assert_eq!(timed_out_with(Row::SilentFor(90.0)).await, lost);
    assert_eq!(timed_out_with(Row::SilentFor(90.001)).await, lost);
}

#[tokio::test(start_paused = true)]
async fn timeout_of_an_agent_whose_row_is_not_disconnected_is_a_timeout() {
    assert_eq!(timed_out_with(Row::Beating).await, TIMED_OUT);
}

#[tokio::test(start_paused = true)]
async fn timeout_of_an_agent_whose_row_is_in_timeout_is_one_that_never_connected() {
    // Its row may take two minutes, and is half a minute older when the dial times out.
    let just_in_time = Row::NeverConnectedFor(120.0);
    assert_eq!(timed_out_with(just_in_time).await, TIMED_OUT);
    let late = Row::NeverConnectedFor(120.001);
    assert_eq!(timed_out_with(late).await, Unresolved::NeverConnected);
}

#[tokio::test(start_paused = true)]
async fn timeout_of_a_workspace_without_an_agent_any_more_is_no_agent() {
    let world = World::new();
    let resolver = world.bound_resolver();
    let rebuilt = async {
        sleep(Duration::from_secs(20)).await;
        world.build(WORKSPACE, &[]);
    };
    let (error, ()) = tokio::join!(connect(&resolver), rebuilt);
    assert_eq!(error.unwrap_err(), NoChoice::NoAgent.into());
    assert_eq!(resolver.bound(WORKSPACE), None);
}

#[tokio::test(start_paused = true)]
async fn agent_is_not_blamed_for_a_dial_that_was_not_answered_while_coderd_is_down() {
    let world = World::new();
    world.row("old", Row::SilentFor(600.0));
    world.break_down();
    let error = connect(&world.bound_resolver()).await.unwrap_err();
    assert_eq!(error, DialError::Exporter(failure()).into());
}

#[tokio::test(start_paused = true)]
async fn coderds_own_deadline_is_judged_by_the_row_and_not_by_whether_it_is_up() {
    let world = World::new();
    world.break_down();
    let after = Duration::from_secs_f64(30.01);
    let message = "agent is unreachable".into();
    let gave_up = DialError::GaveUp { after, message };
    world.dials("old", [Dial::Fails(29.0, gave_up)]);
    let resolver = world.bound_resolver();
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::DialTimeout(after));
    assert_eq!(error.to_string(), "the agent did not answer within 30 s");
    world.row("old", Row::SilentFor(90.0));
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::Disconnected);
}

#[tokio::test(start_paused = true)]
async fn coderd_that_takes_a_connected_agent_for_a_new_one_could_not_read_its_database() {
    for state in ["timeout", "connecting"] {
        let unreachable = || DialError::Unreachable {
            state: state.into(),
        };
        let world = World::new();
        world.dials("old", [Dial::Fails(0.0, unreachable())]);
        let error = connect(&world.bound_resolver()).await.unwrap_err();
        assert!(
            matches!(error, Unresolved::Dial(DialError::Exporter(_))),
            "{error:?}"
        );
        world.row("old", Row::NeverConnectedFor(600.0));
        let error = connect(&world.bound_resolver()).await.unwrap_err();
        assert_eq!(error, unreachable().into());
    }
}

#[tokio::test(start_paused = true)]
async fn agent_that_connects_while_it_is_asked_about_is_no_contradiction() {
    let world = World::new();
    let state = "connecting".to_owned();
    let connecting = DialError::Unreachable { state };
    world.dials("old", [Dial::Fails(2.0, connecting.clone())]);
    // It connects a second after the dial began.
    world.edit(|latest| {
        latest.agents[0].agent.first_connected_at = Some(BEGAN.after(Duration::from_secs(1)));
    });
    let error = connect(&world.bound_resolver()).await.unwrap_err();
    assert_eq!(error, connecting.into());
}

#[tokio::test(start_paused = true)]
async fn error_that_arrives_late_or_speaks_of_a_timeout_is_not_taken_for_one() {
    for error in ["i/o timeout", "context deadline exceeded"] {
        let world = World::new();
        world.row("old", Row::SilentFor(600.0));
        // The very moment of our own deadline, and one before.
        for seconds in [30.0, 29.9] {
            world.dials("old", [fails(seconds, error)]);
            let result = connect(&world.bound_resolver()).await.unwrap_err();
            assert_eq!(result, Unresolved::Dial(failed(error)));
        }
    }
}

/// Leaves after this many seconds with the error `reason`.
async fn give_up(
    resolver: &Resolver<World, World>,
    seconds: f64,
) -> Result<Result<String, Unresolved>, &'static str> {
    let trace = Trace::default();
    let caller = async {
        sleep(Duration::from_secs_f64(seconds)).await;
        "closed the laptop"
    };
    let resolved = resolver.connect(WORKSPACE, caller, &trace).await?;
    Ok(resolved.map(|it| said(&it)))
}

#[tokio::test(start_paused = true)]
async fn caller_who_gives_up_while_dialing_gets_the_own_reason_back() {
    let world = World::new();
    let given_up = give_up(&world.bound_resolver(), 3.0).await;
    assert_eq!(given_up, Err("closed the laptop"));
    assert_eq!(world.diary(), ["0 dial old", "3 cancel old"]);
}

#[tokio::test(start_paused = true)]
async fn caller_who_gives_up_while_validating_gets_the_own_reason_back() {
    let world = World::new();
    world.directory(Manner::Hangs);
    let given_up = give_up(&world.bound_resolver(), 6.0).await;
    assert_eq!(given_up, Err("closed the laptop"));
    let story = ["0 dial old", "5 ask", "6 cancel ask", "6 cancel old"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn dial_that_is_ready_when_the_caller_gives_up_wins() {
    let world = World::new();
    for seconds in [3.0, 5.0, 7.0] {
        world.dials("old", [Dial::Reached(seconds)]);
        let resolved = give_up(&world.bound_resolver(), seconds).await;
        assert_eq!(resolved, Ok(Ok("Dialed old".into())));
    }
}

#[tokio::test(start_paused = true)]
async fn caller_who_gives_up_at_the_moment_of_a_failure_gets_the_own_reason_back() {
    let reason = Err("closed the laptop");
    let world = World::new();
    world.directory(Manner::Fails(0.0));
    world.dials("old", [fails(3.0, "refused")]);
    assert_eq!(give_up(&world.bound_resolver(), 3.0).await, reason);

    // Our own deadline and the caller's are the same: whose it was is the caller's to say.
    let world = World::new();
    assert_eq!(give_up(&world.bound_resolver(), 30.0).await, reason);
    assert_eq!(give_up(&world.resolver(), 30.0).await, reason);
}

#[tokio::test(start_paused = true)]
async fn caller_who_is_gone_already_is_not_told_of_an_error() {
    let world = World::new();
    world.build(WORKSPACE, &[]);
    let trace = Trace::default();
    let resolver = world.resolver();
    let given_up = resolver.connect(WORKSPACE, ready(7), &trace).await;
    assert_eq!(given_up.unwrap_err(), 7);
}

#[tokio::test(start_paused = true)]
async fn late_connection_nobody_waits_for_is_released_once() {
    let world = World::new();
    world.dials("old", [Dial::ReachedByTask(40.0)]);
    let resolver = world.bound_resolver();
    assert_eq!(connect(&resolver).await.unwrap_err(), TIMED_OUT);
    world.diary();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.diary(), ["40 released old"]);
    assert_eq!(world.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn failure_leaves_nothing_behind() {
    let world = World::new();
    let resolver = world.bound_resolver();
    world.dials("old", [Dial::Fails(1.0, DialError::NoSuchAgent)]);
    connect(&resolver).await.unwrap_err();
    world.dials("old", [Dial::Reached(1.0)]);
    world.diary();
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed old");
    assert_eq!(world.diary(), ["1 dial old", "2 reached old"]);
}

/// An external agent whose row is like this, bound to before the call or not.
async fn external(row: Row, is_bound: bool) -> (Result<String, Unresolved>, Vec<String>) {
    let world = World::new();
    world.row("old", row);
    world.edit(|latest| latest.agents[0].agent.kind = Kind::External);
    world.dials("old", [Dial::Reached(1.0)]);
    let resolver = world.resolver();
    if is_bound {
        let bound = Target {
            is_external: true,
            ..rows::target("old")
        };
        resolver.bind(WORKSPACE, bound);
    }
    let result = connect(&resolver).await.map(|it| said(&it));
    (result, world.diary())
}

#[tokio::test(start_paused = true)]
async fn external_agent_that_is_not_there_fails_at_once_and_any_other_is_dialed() {
    for is_bound in [true, false] {
        let (lost, diary) = external(Row::SilentFor(30.001), is_bound).await;
        assert_eq!(lost, Err(Unresolved::Disconnected));
        assert_eq!(diary, ["0 ask"]);
        let (never, diary) = external(Row::NeverConnectedFor(120.001), is_bound).await;
        assert_eq!(never, Err(Unresolved::NeverConnected));
        assert_eq!(diary, ["0 ask"]);
        for row in [Row::Beating, Row::NeverConnectedFor(120.0)] {
            let (dialed, _) = external(row, is_bound).await;
            assert_eq!(dialed, Ok("Dialed old".into()), "{row:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn external_agent_of_an_earlier_build_is_dialed_as_any_other() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.row("old", Row::SilentFor(600.0));
    world.dials("old", [fails(0.0, "refused")]);
    world.dials("new", [Dial::Reached(0.0)]);
    let resolver = world.resolver();
    let bound = Target {
        is_external: true,
        ..rows::target("old")
    };
    resolver.bind(WORKSPACE, bound.clone());
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Switched new");

    // A directory that fails does not keep it from being dialed.
    let world = World::new();
    world.directory(Manner::Fails(0.0));
    world.dials("old", [Dial::Reached(0.0)]);
    let resolver = world.resolver();
    resolver.bind(WORKSPACE, bound);
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed old");
}
