//! A call from its first question to its end: nothing remembered, timeouts, callers who leave.

use std::future::ready;
use std::time::Duration;

use tokio::time::sleep;

use crate::error::ErrorKind;

use super::super::rows::{self, Row};
use super::super::world::{Dial, Manner, WORKSPACE, World, failed, fails, failure, said};
use super::super::{DialError, NoChoice, Resolver, Trace, Unresolved};
use super::connect;

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

/// The dial of a right agent never ends; its row has been silent for so long when the dial
/// times out.
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
    let never = Row::NeverConnectedFor(600.0);
    assert_eq!(timed_out_with(never).await, TIMED_OUT);
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

/// Who gives up after so many seconds says `reason`.
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
    assert_eq!(world.diary(), ["2 dial old", "3 reached old"]);
}
