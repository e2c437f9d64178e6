//! Tests of the cache: when it is used, when entries are removed, and how calls share them.

use std::time::Duration;

use tokio::join;
use tokio::time::sleep;
use uuid::Uuid;

use super::super::rows::{self, Row};
use super::super::world::{Connection, Dial, Manner, WORKSPACE, World, fails, said};
use super::super::{NoChoice, Resolved, Resolver, ResolverSettings, Unresolved};
use super::{connect, connect_to};

/// A resolver with a cached connection to `old`, and a simulated Coder with an empty log, at 0
/// seconds.
async fn connected() -> (World, Resolver<World, World>) {
    let world = World::new();
    world.dials("old", [Dial::Reached(0.0)]);
    let resolver = world.bound_resolver();
    connect(&resolver).await.unwrap();
    world.diary();
    (world, resolver)
}

#[tokio::test(start_paused = true)]
async fn connection_of_a_live_or_connecting_agent_is_used() {
    let (world, resolver) = connected().await;
    for row in [
        Row::Beating,
        Row::SilentFor(30.0),
        Row::NeverConnectedFor(120.0),
    ] {
        world.row("old", row);
        assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached old");
        assert_eq!(world.diary(), ["0 read old"], "{row:?}");
    }
}

/// The result of a call that finds this row. Checks that the cached connection is closed and that
/// the next call does not use it.
async fn refused_by(row: Row) -> Unresolved {
    let (world, resolver) = connected().await;
    world.row("old", row);
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(world.diary(), ["0 read old", "0 released old", "0 ask"]);
    assert_eq!(resolver.bound(WORKSPACE), None);
    world.row("old", Row::Beating);
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed old");
    assert_eq!(world.diary(), ["0 ask", "0 dial old", "0 reached old"]);
    error
}

#[tokio::test(start_paused = true)]
async fn connection_of_a_disconnected_agent_is_released_and_forgotten_at_once() {
    let error = refused_by(Row::SilentFor(30.001)).await;
    assert_eq!(error, Unresolved::Disconnected);
}

#[tokio::test(start_paused = true)]
async fn connection_of_an_agent_that_timed_out_is_released_and_forgotten_at_once() {
    let error = refused_by(Row::NeverConnectedFor(120.001)).await;
    assert_eq!(error, Unresolved::NeverConnected);
}

/// What comes of a connection to a lost agent when the directory then says so.
async fn lost_and_then(world: &World, resolver: &Resolver<World, World>) -> String {
    world.row("old", Row::SilentFor(600.0));
    let result = connect(resolver).await;
    result.map_or_else(|error| error.to_string(), |it| said(&it))
}

#[tokio::test(start_paused = true)]
async fn lost_agent_that_is_not_the_latest_one_any_more_makes_way_in_the_same_call() {
    let (world, resolver) = connected().await;
    world.build(WORKSPACE, &["new"]);
    world.dials("new", [Dial::Reached(1.0)]);
    assert_eq!(lost_and_then(&world, &resolver).await, "Dialed new");
    let story = [
        "0 read old",
        "0 released old",
        "0 ask",
        "0 dial new",
        "1 reached new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn lost_agent_without_a_successor_fails_without_a_dial() {
    let (world, resolver) = connected().await;
    world.build(WORKSPACE, &[]);
    let none = NoChoice::NoAgent.to_string();
    assert_eq!(lost_and_then(&world, &resolver).await, none);

    let (world, resolver) = connected().await;
    let late = async {
        sleep(Duration::from_secs(1)).await;
        world.directory(Manner::Fails(0.0));
    };
    // The row is read in time, and the directory is not.
    world.directory(Manner::Answers(1.0));
    let (lost, ()) = join!(lost_and_then(&world, &resolver), late);
    assert_eq!(lost, Unresolved::Disconnected.to_string());
}

#[tokio::test(start_paused = true)]
async fn connection_whose_row_cannot_be_read_is_used_and_checked_again_next_time() {
    let (world, resolver) = connected().await;
    world.row("old", Row::SilentFor(600.0));
    world.directory(Manner::Fails(1.0));
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached old");
    world.directory(Manner::Answers(0.0));
    let error = connect(&resolver).await.unwrap_err();
    assert_eq!(error, Unresolved::Disconnected);
    assert_eq!(
        world.diary(),
        ["0 read old", "1 read old", "1 released old", "1 ask"]
    );
}

#[tokio::test(start_paused = true)]
async fn connection_whose_row_is_read_for_too_long_is_used() {
    let (world, resolver) = connected().await;
    world.directory(Manner::Hangs);
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached old");
    assert_eq!(world.diary(), ["0 read old", "5 cancel read old"]);
}

#[tokio::test(start_paused = true)]
async fn connection_whose_row_is_gone_is_released_and_the_workspace_resolved_anew() {
    let (world, resolver) = connected().await;
    world.row("old", Row::Gone);
    world.build(WORKSPACE, &["new"]);
    world.dials("new", [Dial::Reached(1.0)]);
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Dialed new");
    let story = [
        "0 read old",
        "0 released old",
        "0 ask",
        "0 dial new",
        "1 reached new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn slow_questions_before_a_dial_leave_it_its_whole_time() {
    let (world, resolver) = connected().await;
    world.row("old", Row::Gone);
    world.build(WORKSPACE, &["new"]);
    world.directory(Manner::Answers(2.4));
    connect(&resolver).await.unwrap_err();
    let story = [
        "0 read old",
        "2.4 released old",
        "2.4 ask",
        "4.8 dial new",
        "9.8 ask",
        "34.8 cancel new",
        "34.8 ask",
        "35 cancel ask",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn questions_before_a_dial_have_one_validation_delay_between_them() {
    let (world, resolver) = connected().await;
    world.row("old", Row::Gone);
    world.directory(Manner::Answers(3.0));
    let error = connect(&resolver).await.unwrap_err();
    assert!(matches!(error, Unresolved::Directory(_)), "{error}");
    let story = ["0 read old", "3 released old", "3 ask", "5 cancel ask"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn heartbeat_of_long_ago_does_not_make_a_remembered_agent_look_lost() {
    let (_world, resolver) = connected().await;
    // The row beats on; what it was when we connected is an hour old.
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached old");
}

#[tokio::test(start_paused = true)]
async fn two_callers_at_once_share_the_first_connection_and_release_the_other() {
    let world = World::new();
    world.dials("old", [Dial::Reached(2.0), Dial::Reached(1.0)]);
    let resolver = world.bound_resolver();
    let (slow, fast) = join!(connect(&resolver), connect(&resolver));
    assert_eq!(address(&slow.unwrap()), address(&fast.unwrap()));
    let story = [
        "0 dial old",
        "0 dial old",
        "1 reached old",
        "2 reached old",
        "2 released old",
    ];
    assert_eq!(world.diary(), story);
    drop(resolver);
    assert_eq!(world.open(), 0);
}

fn address(resolved: &Resolved<Connection>) -> *const Connection {
    &raw const *resolved.connection
}

#[tokio::test(start_paused = true)]
async fn agent_of_the_latest_build_takes_the_place_of_an_old_one_that_answered_first() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [Dial::Never, Dial::Reached(2.0)]);
    world.dials("new", [Dial::Reached(1.0)]);
    let resolver = world.bound_resolver();
    let (switched, dialed) = join!(connect(&resolver), connect(&resolver));
    let dialed = dialed.unwrap();
    assert_eq!(said(&dialed), "Dialed old");
    assert_eq!(said(&switched.unwrap()), "Switched new");
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("new")));
    assert_eq!(world.open(), 2, "the old one is held by its caller");
    drop(dialed);
    assert_eq!(world.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn old_agent_that_answers_late_does_not_displace_the_one_of_the_latest_build() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [fails(0.5, "refused"), Dial::Reached(3.0)]);
    world.dials("new", [Dial::Reached(1.0)]);
    let resolver = world.bound_resolver();
    let (switched, late) = join!(connect(&resolver), connect(&resolver));
    assert_eq!(said(&switched.unwrap()), "Switched new");
    assert_eq!(said(&late.unwrap()), "Cached new");
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("new")));
}

#[tokio::test(start_paused = true)]
async fn connection_that_is_let_go_of_stays_usable_until_its_holder_drops_it() {
    let (world, resolver) = connected().await;
    let held = connect(&resolver).await.unwrap();
    world.row("old", Row::SilentFor(600.0));
    connect(&resolver).await.unwrap_err();
    assert_eq!(world.open(), 1);
    assert_eq!(said(&held), "Cached old");
    drop(held);
    assert_eq!(world.open(), 0);
    assert_eq!(
        world.diary(),
        ["0 read old", "0 read old", "0 ask", "0 released old"]
    );
}

#[tokio::test(start_paused = true)]
async fn connection_that_took_the_place_of_a_lost_one_stays() {
    let (world, resolver) = connected().await;
    world.row("old", Row::SilentFor(600.0));
    world.directory(Manner::Answers(2.0));
    // While the first reads that its agent is lost, the second has already dialed anew.
    let late = async {
        sleep(Duration::from_secs(1)).await;
        resolver.release(WORKSPACE);
        connect(&resolver).await
    };
    let (lost, dialed) = join!(connect(&resolver), late);
    assert_eq!(lost.unwrap_err(), Unresolved::Disconnected);
    drop(dialed.unwrap());
    assert_eq!(world.open(), 1);
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("old")));
}

#[tokio::test(start_paused = true)]
async fn no_agent_found_by_a_look_up_forgets_what_another_caller_had_found() {
    let world = World::new();
    let resolver = world.resolver();
    world.build(WORKSPACE, &[]);
    world.directory(Manner::Answers(2.0));
    world.dials("old", [Dial::Reached(0.0)]);
    let other = async {
        sleep(Duration::from_secs(1)).await;
        resolver.bind(WORKSPACE, rows::target("old"));
        connect(&resolver).await.map(drop)
    };
    let (none, other) = join!(connect(&resolver), other);
    other.unwrap();
    let error = none.unwrap_err();
    assert_eq!(error, Unresolved::NoChoice(NoChoice::NoAgent));
    assert_eq!((resolver.bound(WORKSPACE), world.open()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn binding_leaves_a_live_connection_its_own_agent() {
    let (world, resolver) = connected().await;
    resolver.bind(WORKSPACE, rows::target("new"));
    assert_eq!(said(&connect(&resolver).await.unwrap()), "Cached old");

    resolver.release(WORKSPACE);
    assert_eq!(world.open(), 0);
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("old")));
    resolver.bind(WORKSPACE, rows::target("new"));
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("new")));
}

#[tokio::test(start_paused = true)]
async fn least_recently_used_workspace_goes_when_there_is_no_more_room() {
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    let world = World::new();
    for (workspace, agent) in [(first, "one"), (second, "two"), (third, "three")] {
        world.build(workspace, &[agent]);
        world.dials(agent, [Dial::Reached(0.0)]);
    }
    let settings = ResolverSettings {
        most_remembered: 2,
        ..ResolverSettings::default()
    };
    let resolver = world.resolver_with(settings);
    for workspace in [first, second, first, third] {
        connect_to(&resolver, workspace).await.unwrap();
    }
    let remembered = [first, second, third].map(|it| resolver.bound(it).is_some());
    assert_eq!(remembered, [true, false, true]);
    assert_eq!(world.open(), 2);
    let diary = world.diary();
    assert_eq!(diary.last().unwrap(), "0 released two");
}
