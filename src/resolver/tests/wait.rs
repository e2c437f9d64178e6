//! Tests of waiting for a workspace: which steps are taken, when, and for how long.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::fleet::model::agent::{Lifecycle, Transition};
use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::workspace::JobStatus;
use crate::fleet::rules::health::Limits;

use super::super::rows::{self, BEGAN, Row};
use super::super::wait::WHOLE_LIMIT;
use super::super::world::{Dial, Manner, WORKSPACE, World, failed, fails};
use super::super::{Progress, Stage, Unresolved, Verdict, Waited};

/// A simulated Coder with an agent that answers at once.
fn world() -> World {
    let world = World::new();
    world.dials("old", [Dial::Reached(0.0)]);
    world
}

/// The result of waiting for [`WORKSPACE`], and the second in which it ended.
async fn wait(world: &World) -> (Waited, f64) {
    wait_at_most(world, WHOLE_LIMIT).await
}

/// The same, with a limit on all of it.
async fn wait_at_most(world: &World, at_most: Duration) -> (Waited, f64) {
    let (resolver, began) = (world.resolver(), Instant::now());
    let ignored = |_: Progress<'_>| {};
    let limits = Limits::default();
    let waited = resolver.wait(WORKSPACE, &limits, at_most, ignored).await;
    drop(resolver);
    assert_eq!(world.open(), 0, "it keeps no connection");
    (
        waited,
        (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    )
}

/// As [`wait`], with only the verdict or the stage.
async fn ended(world: &World) -> (Result<Verdict, Stage>, f64) {
    let (waited, seconds) = wait(world).await;
    let end = match waited {
        Waited::Settled(readiness) => Ok(readiness.verdict),
        Waited::TimedOut { stage, .. } => Err(stage),
    };
    (end, seconds)
}

fn seconds(latest: &WorkspaceAt) -> f64 {
    latest.now.seconds_since(BEGAN)
}

fn running(latest: &mut WorkspaceAt) {
    rows::build(latest, Transition::Start, JobStatus::Running);
}

#[tokio::test(start_paused = true)]
async fn workspace_that_is_ready_and_answers_is_ready_at_once() {
    let world = world();
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 0.0));
    let story = ["0 ask", "0 dial old", "0 reached old", "0 released old"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn build_is_looked_at_every_two_seconds() {
    let world = world();
    world.edit(|latest| {
        if seconds(latest) < 5.0 {
            running(latest);
        }
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 6.0));
    let asked = ["0 ask", "2 ask", "4 ask", "6 ask"];
    assert_eq!(world.diary()[..4], asked);
}

#[tokio::test(start_paused = true)]
async fn build_is_waited_for_ten_minutes_and_no_longer() {
    let world = world();
    world.edit(|latest| {
        if seconds(latest) < 599.9 {
            running(latest);
        }
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 600.0));

    let world = self::world();
    world.edit(|latest| {
        if seconds(latest) < 600.1 {
            running(latest);
        }
    });
    assert_eq!(ended(&world).await, (Err(Stage::Build), 600.0));
}

#[tokio::test(start_paused = true)]
async fn build_that_fails_or_is_canceled_ends_the_waiting_with_the_jobs_error() {
    let edits: [fn(&mut WorkspaceAt); 2] = [
        |latest| rows::build(latest, Transition::Start, JobStatus::Failed),
        |latest| rows::build(latest, Transition::Start, JobStatus::Canceled),
    ];
    for edit in edits {
        let world = world();
        world.edit(edit);
        let (Waited::Settled(readiness), 0.0) = wait(&world).await else {
            panic!("it is over at once");
        };
        assert_eq!(readiness.verdict, Verdict::Gone);
    }

    let world = world();
    world.edit(|latest| {
        rows::build(latest, Transition::Start, JobStatus::Failed);
        let build = latest.build.as_mut().unwrap();
        build.error = Some("no capacity".into());
    });
    let (Waited::Settled(readiness), _) = wait(&world).await else {
        panic!("it is over");
    };
    assert!(readiness.detail.contains("no capacity"), "{readiness:?}");
}

#[tokio::test(start_paused = true)]
async fn stopped_workspace_is_not_waited_for() {
    let world = world();
    world.edit(|latest| rows::build(latest, Transition::Stop, JobStatus::Succeeded));
    assert_eq!(ended(&world).await, (Ok(Verdict::Stopped), 0.0));
}

#[tokio::test(start_paused = true)]
async fn dial_that_fails_is_tried_again_after_two_seconds() {
    let world = World::new();
    // Each attempt dials twice: the agent is the right one.
    let refused = || fails(0.0, "refused");
    let dials = [
        refused(),
        refused(),
        refused(),
        refused(),
        Dial::Reached(0.0),
    ];
    world.dials("old", dials);
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 4.0));
}

#[tokio::test(start_paused = true)]
async fn one_dial_takes_five_seconds_at_most_and_all_of_them_two_minutes() {
    let world = World::new();
    assert_eq!(ended(&world).await, (Err(Stage::Dial), 120.0));
    let diary = world.diary();
    let dialed: Vec<_> = diary.iter().filter(|it| it.contains("dial old")).collect();
    assert_eq!(dialed[..3], ["0 dial old", "5 dial old", "10 dial old"]);
    assert_eq!(dialed.last().unwrap().as_str(), "115 dial old");
}

#[tokio::test(start_paused = true)]
async fn agent_that_answers_within_an_attempts_five_seconds_is_reached() {
    let world = World::new();
    world.dials("old", [Dial::Reached(4.9)]);
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 4.9));
    world.dials("old", [Dial::Reached(5.1)]);
    assert_eq!(ended(&world).await, (Err(Stage::Dial), 120.0));
}

#[tokio::test(start_paused = true)]
async fn row_that_calls_an_agent_lost_does_not_keep_it_from_being_dialed() {
    let world = world();
    world.row("old", Row::SilentFor(600.0));
    world.edit(|latest| {
        if seconds(latest) > 1.0 {
            latest.agents[0].agent.last_connected_at = Some(latest.now);
        }
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 2.0));
    assert_eq!(world.diary()[..2], ["0 ask", "0 dial old"]);
}

#[tokio::test(start_paused = true)]
async fn startup_script_is_looked_at_every_two_seconds_once_the_agent_has_answered() {
    let world = world();
    world.edit(|latest| {
        if seconds(latest) < 3.0 {
            rows::lifecycle(latest, Lifecycle::Starting);
        }
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 4.0));
    let story = [
        "0 ask",
        "0 dial old",
        "0 reached old",
        "0 released old",
        "2 ask",
        "4 ask",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn startup_script_that_fails_ends_the_waiting() {
    let world = world();
    world.edit(|latest| {
        let failed = seconds(latest) > 3.0;
        let starting = [Lifecycle::Starting, Lifecycle::StartError];
        rows::lifecycle(latest, starting[usize::from(failed)]);
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::StartFailed), 4.0));
}

#[tokio::test(start_paused = true)]
async fn startup_script_is_waited_for_ten_minutes_from_the_first_answer() {
    let cases: [(fn(&mut WorkspaceAt), _); 2] = [
        (|latest| starting_until(latest, 609.9), Ok(Verdict::Ready)),
        (|latest| starting_until(latest, 610.1), Err(Stage::Start)),
    ];
    for (edit, end) in cases {
        let world = World::new();
        world.edit(edit);
        // Two attempts in vain: the agent answers at 10.
        world.dials("old", [Dial::Never, Dial::Never, Dial::Reached(0.0)]);
        assert_eq!(ended(&world).await, (end, 610.0));
    }
}

fn starting_until(latest: &mut WorkspaceAt, end: f64) {
    if seconds(latest) < end {
        rows::lifecycle(latest, Lifecycle::Starting);
    }
}

#[tokio::test(start_paused = true)]
async fn workspace_that_is_built_again_and_again_is_given_up_in_the_end() {
    let world = world();
    world.edit(|latest| match seconds(latest) as u64 / 100 % 2 {
        0 => running(latest),
        _ => rows::lifecycle(latest, Lifecycle::Starting),
    });
    let (end, seconds) = ended(&world).await;
    assert!(end.is_err(), "{end:?}");
    assert_eq!(seconds, 1320.0);
}

#[tokio::test(start_paused = true)]
async fn directory_that_fails_is_asked_again() {
    let world = world();
    world.directory(Manner::Fails(0.0));
    let recover = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.directory(Manner::Answers(0.0));
    };
    let (ended, ()) = tokio::join!(ended(&world), recover);
    assert_eq!(ended, (Ok(Verdict::Ready), 4.0));

    world.directory(Manner::Fails(0.0));
    let (waited, 600.0) = wait(&world).await else {
        panic!("it takes as long as a build may");
    };
    let never_seen = Waited::TimedOut {
        stage: Stage::Build,
        last: None,
        unanswered: None,
    };
    assert_eq!(waited, never_seen);
}

#[tokio::test(start_paused = true)]
async fn caller_who_goes_away_leaves_nothing_under_way() {
    let world = World::new();
    let gone = timeout(Duration::from_secs(3), wait(&world)).await;
    assert!(gone.is_err());
    assert_eq!(world.diary(), ["0 ask", "0 dial old", "3 cancel old"]);
    assert_eq!(world.open(), 0);
}

/// Why the agent did not answer last, and in which second it was given up.
async fn gave_up(world: &World, at_most: f64) -> (Option<Unresolved>, f64) {
    let (waited, seconds) = wait_at_most(world, Duration::from_secs_f64(at_most)).await;
    let Waited::TimedOut {
        stage: Stage::Dial,
        unanswered,
        ..
    } = waited
    else {
        panic!("{waited:?}");
    };
    (unanswered, seconds)
}

#[tokio::test(start_paused = true)]
async fn last_dial_error_is_in_the_result_and_says_how_long_it_tried() {
    let world = World::new();
    let tried = |seconds| Some(Unresolved::DialTimeout(Duration::from_secs_f64(seconds)));
    assert_eq!(gave_up(&world, 7.0).await, (tried(2.0), 7.0));
    // No dial is made for which there is no time.
    assert_eq!(gave_up(&world, 5.0).await, (tried(5.0), 5.0));
    world.dials("old", [fails(0.0, "refused")]);
    let refused = Some(Unresolved::Dial(failed("refused")));
    assert_eq!(gave_up(&world, 3.0).await, (refused, 3.0));
}

#[tokio::test(start_paused = true)]
async fn limit_on_all_of_it_ends_each_stage() {
    let limit = Duration::from_secs(9);
    let world = world();
    world.edit(running);
    let (waited, seconds) = wait_at_most(&world, limit).await;
    assert!(matches!(
        waited,
        Waited::TimedOut {
            stage: Stage::Build,
            ..
        }
    ));
    assert_eq!(seconds, 9.0);
    let world = self::world();
    world.edit(|latest| rows::lifecycle(latest, Lifecycle::Starting));
    let (waited, seconds) = wait_at_most(&world, limit).await;
    assert!(matches!(
        waited,
        Waited::TimedOut {
            stage: Stage::Start,
            ..
        }
    ));
    assert_eq!(seconds, 9.0);
}

#[tokio::test(start_paused = true)]
async fn build_that_is_being_canceled_is_still_waited_for() {
    let world = world();
    world.edit(|latest| {
        let is_over = seconds(latest) > 3.0;
        let job = [JobStatus::Canceling, JobStatus::Canceled];
        rows::build(latest, Transition::Start, job[usize::from(is_over)]);
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Gone), 4.0));
}

#[tokio::test(start_paused = true)]
async fn agent_that_shuts_down_is_not_waited_for() {
    for lifecycle in [Lifecycle::ShuttingDown, Lifecycle::Off] {
        let world = world();
        world.edit(match lifecycle {
            Lifecycle::Off => |latest| rows::lifecycle(latest, Lifecycle::Off),
            _ => |latest| rows::lifecycle(latest, Lifecycle::ShuttingDown),
        });
        assert_eq!(ended(&world).await, (Ok(Verdict::ShutDown), 0.0));
        assert_eq!(world.diary(), ["0 ask"]);
    }
}

#[tokio::test(start_paused = true)]
async fn restart_is_waited_for_through_the_gap_between_stop_and_start() {
    let world = world();
    world.queue_start(|second| second < 5.0);
    world.edit(|latest| {
        if seconds(latest) < 5.0 {
            rows::build(latest, Transition::Stop, JobStatus::Succeeded);
        }
    });
    assert_eq!(ended(&world).await, (Ok(Verdict::Ready), 6.0));

    // A start that is not queued any more does not come.
    let world = self::world();
    world.queue_start(|second| second < 5.0);
    world.edit(|latest| rows::build(latest, Transition::Stop, JobStatus::Succeeded));
    assert_eq!(ended(&world).await, (Ok(Verdict::Stopped), 6.0));
}
