//! A call can be dropped at any await point: no connection leaks, and the cache stays consistent.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

use super::super::rows::{self, Row};
use super::super::world::{Dial, Manner, WORKSPACE, World, fails};
use super::connect;

/// Simulated Coders in which calls take all possible paths.
const SCENES: [fn(&World); 9] = [
    |world| world.dials("old", [Dial::Reached(1.0)]),
    |world| world.dials("old", [Dial::Reached(20.0)]),
    |world| world.dials("old", [Dial::ReachedByTask(6.5)]),
    |world| world.dials("old", [fails(1.0, "reset"), Dial::Reached(1.0)]),
    |world| world.dials("old", [Dial::Never]),
    |world| {
        world.dials("old", [Dial::Never]);
        world.row("old", Row::SilentFor(600.0));
        world.build(WORKSPACE, &["new"]);
    },
    |world| {
        world.dials("old", [fails(1.0, "refused")]);
        world.row("old", Row::Gone);
        world.build(WORKSPACE, &["new"]);
    },
    |world| {
        world.dials("old", [Dial::Never]);
        world.row("old", Row::Gone);
        world.build(WORKSPACE, &[]);
    },
    |world| world.directory(Manner::Hangs),
];

/// Content of the cache before the call.
#[derive(Debug, Clone, Copy)]
enum Memory {
    Nothing,
    Binding,
    Connection,
}

/// How a call is dropped after a number of polls.
#[derive(Debug, Clone, Copy)]
enum Leaves {
    /// Immediately after the last poll.
    AtOnce,
    /// When it is woken again, with a ready result that is never polled.
    WhenWoken,
}

/// Polls the future this many times and drops it. Returns `None` if it has not completed.
async fn poll_times<T>(times: usize, leaves: Leaves, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == times {
            return Poll::Ready(None);
        }
        polled += 1;
        match (future.as_mut().poll(context), leaves) {
            (Poll::Ready(output), _) => Poll::Ready(Some(output)),
            (Poll::Pending, Leaves::AtOnce) if polled == times => Poll::Ready(None),
            (Poll::Pending, _) => Poll::Pending,
        }
    })
    .await
}

/// Returns whether the call completed before it was dropped.
async fn call(scene: fn(&World), memory: Memory, times: usize, leaves: Leaves) -> bool {
    let world = World::new();
    world.dials("old", [Dial::Reached(0.0)]);
    let resolver = match memory {
        Memory::Nothing => world.resolver(),
        Memory::Binding | Memory::Connection => world.bound_resolver(),
    };
    if let Memory::Connection = memory {
        connect(&resolver).await.unwrap();
    }
    world.directory(Manner::Answers(1.0));
    world.dials("new", [Dial::ReachedByTask(1.0)]);
    scene(&world);
    let result = poll_times(times, leaves, connect(&resolver)).await;
    let is_over = result.is_some();
    drop(result);

    // What arrives later finds no caller, and the next call finds its way whatever was left.
    sleep(Duration::from_secs(60)).await;
    let story = format!("{memory:?}, {times} polls, {leaves:?}: {:?}", world.diary());
    assert!(world.open() <= 1, "{story}");
    world.build(WORKSPACE, &["old"]);
    world.row("old", Row::Beating);
    world.directory(Manner::Answers(0.0));
    world.dials("old", [Dial::Reached(0.0)]);
    world.dials("new", [Dial::Reached(0.0)]);
    connect(&resolver).await.expect(&story);
    assert_eq!(world.open(), 1, "{story}");
    assert_ne!(resolver.bound(WORKSPACE), None, "{story}");
    resolver.release(WORKSPACE);
    assert_eq!(world.open(), 0, "{story}");
    is_over
}

#[tokio::test(start_paused = true)]
async fn call_that_is_dropped_at_any_await_point_leaks_nothing_and_leaves_the_memory_whole() {
    const MOST_POLLS: usize = 50;
    let mut dropped = 0;
    for scene in SCENES {
        for memory in [Memory::Nothing, Memory::Binding, Memory::Connection] {
            for leaves in [Leaves::AtOnce, Leaves::WhenWoken] {
                let mut times = 0;
                while !call(scene, memory, times, leaves).await {
                    times += 1;
                    assert!(times < MOST_POLLS, "the call has no end");
                }
                dropped += times;
            }
        }
    }
    // A scene in which nothing is ever awaited would prove nothing.
    assert!(
        dropped > 2 * SCENES.len() * 3,
        "only {dropped} calls were dropped"
    );
}

#[tokio::test(start_paused = true)]
async fn call_that_is_dropped_gives_up_all_it_had_under_way() {
    let world = World::new();
    world.directory(Manner::Hangs);
    let resolver = world.bound_resolver();
    let call = connect(&resolver);
    assert!(
        tokio::time::timeout(Duration::from_secs(7), call)
            .await
            .is_err()
    );
    let story = ["0 dial old", "5 ask", "7 cancel ask", "7 cancel old"];
    assert_eq!(world.diary(), story);
    assert_eq!(resolver.bound(WORKSPACE), Some(rows::target("old")));
}
