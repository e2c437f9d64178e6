//! Dial first, ask only when in doubt: what is done, in which order, and what comes of it.

use std::time::Duration;

use crate::error::Failure;

use super::super::world::{Connection, Dial, Manner, WORKSPACE, World, failed, fails};
use super::super::{
    Dialed, Directory, NoChoice, Target, Trace, Undialed, choose_agent, dial_with_lazy_validation,
    rows,
};

const DELAY: Duration = Duration::from_secs(5);

async fn validate(world: &World) -> Result<Result<Target, NoChoice>, Failure> {
    let latest = world.latest(WORKSPACE).await?.unwrap();
    Ok(choose_agent(&latest.agents).map(|it| Target::of(&it.agent)))
}

async fn lazily(world: &World) -> Result<Dialed<Connection>, Undialed> {
    let (bound, trace) = (rows::target("old"), Trace::default());
    let dialed = dial_with_lazy_validation(world, &bound, DELAY, || validate(world), &trace).await;
    if let Ok(dialed) = &dialed {
        assert_eq!(dialed.switched, dialed.target != bound);
    }
    dialed
}

async fn reached(world: &World) -> String {
    lazily(world).await.unwrap().target.agent.to_string()
}

#[tokio::test(start_paused = true)]
async fn fast_dial_is_done_without_asking_the_directory() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [Dial::Reached(4.9)]);
    assert_eq!(reached(&world).await, "old");
    assert_eq!(
        world.diary(),
        ["0 dial old", "4.9 reached old", "4.9 released old"]
    );
}

#[tokio::test(start_paused = true)]
async fn dial_that_succeeds_just_as_the_delay_passes_wins() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [Dial::Reached(5.0)]);
    assert_eq!(reached(&world).await, "old");
    assert_eq!(
        world.diary(),
        ["0 dial old", "5 reached old", "5 released old"]
    );
}

#[tokio::test(start_paused = true)]
async fn slow_dial_of_the_right_agent_is_waited_for() {
    let world = World::new();
    world.dials("old", [Dial::Reached(20.0)]);
    assert_eq!(reached(&world).await, "old");
    let story = ["0 dial old", "5 ask", "20 reached old", "20 released old"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn slow_dial_of_the_right_agent_that_fails_in_the_end_is_not_dialed_again() {
    let world = World::new();
    world.dials("old", [fails(20.0, "reset")]);
    assert_eq!(
        lazily(&world).await.unwrap_err(),
        Undialed::Dial(failed("reset"))
    );
    assert_eq!(world.diary(), ["0 dial old", "5 ask", "20 failed old"]);
}

#[tokio::test(start_paused = true)]
async fn slow_dial_is_cancelled_at_once_when_there_is_no_agent() {
    let world = World::new();
    world.build(WORKSPACE, &[]);
    world.directory(Manner::Answers(1.0));
    let error = lazily(&world).await.unwrap_err();
    assert_eq!(error, Undialed::NoChoice(NoChoice::NoAgent));
    assert_eq!(world.diary(), ["0 dial old", "5 ask", "6 cancel old"]);
}

#[tokio::test(start_paused = true)]
async fn slow_dial_is_cancelled_at_once_when_the_choice_is_ambiguous() {
    let world = World::new();
    world.build(WORKSPACE, &["b-coderd-chat", "a-coderd-chat"]);
    let error = lazily(&world).await.unwrap_err();
    let names = vec!["a-coderd-chat".into(), "b-coderd-chat".into()];
    assert_eq!(error, Undialed::NoChoice(NoChoice::Ambiguous(names)));
    assert_eq!(world.diary(), ["0 dial old", "5 ask", "5 cancel old"]);
}

#[tokio::test(start_paused = true)]
async fn slow_dial_is_cancelled_before_another_agent_is_dialed() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("new", [Dial::Reached(1.0)]);
    assert_eq!(reached(&world).await, "new");
    let story = [
        "0 dial old",
        "5 ask",
        "5 cancel old",
        "5 dial new",
        "6 reached new",
        "6 released new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn other_agent_whose_dial_fails_is_not_dialed_again() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("new", [fails(1.0, "refused")]);
    assert_eq!(
        lazily(&world).await.unwrap_err(),
        Undialed::Dial(failed("refused"))
    );
    let story = [
        "0 dial old",
        "5 ask",
        "5 cancel old",
        "5 dial new",
        "6 failed new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn fast_failure_is_validated_at_once_and_another_agent_dialed() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [fails(1.0, "refused")]);
    world.dials("new", [Dial::Reached(9.0)]);
    assert_eq!(reached(&world).await, "new");
    let story = [
        "0 dial old",
        "1 failed old",
        "1 ask",
        "1 dial new",
        "10 reached new",
        "10 released new",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn fast_failure_of_the_right_agent_is_dialed_once_more() {
    let world = World::new();
    world.dials("old", [fails(1.0, "refused"), Dial::Reached(1.0)]);
    world.directory(Manner::Answers(2.0));
    assert_eq!(reached(&world).await, "old");
    let story = [
        "0 dial old",
        "1 failed old",
        "1 ask",
        "3 dial old",
        "4 reached old",
        "4 released old",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn second_failure_of_the_right_agent_is_the_one_that_is_told() {
    let world = World::new();
    world.dials(
        "old",
        [
            fails(1.0, "first"),
            fails(1.0, "second"),
            Dial::Reached(0.0),
        ],
    );
    assert_eq!(
        lazily(&world).await.unwrap_err(),
        Undialed::Dial(failed("second"))
    );
    let story = [
        "0 dial old",
        "1 failed old",
        "1 ask",
        "1 dial old",
        "2 failed old",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn fast_failure_without_an_agent_is_no_agent() {
    let world = World::new();
    world.build(WORKSPACE, &[]);
    world.dials("old", [fails(1.0, "refused")]);
    let error = lazily(&world).await.unwrap_err();
    assert_eq!(error, Undialed::NoChoice(NoChoice::NoAgent));
    assert_eq!(world.diary(), ["0 dial old", "1 failed old", "1 ask"]);
}

#[tokio::test(start_paused = true)]
async fn directory_that_fails_while_the_dial_is_slow_proves_nothing() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.directory(Manner::Fails(1.0));
    world.dials("old", [Dial::Reached(20.0)]);
    assert_eq!(reached(&world).await, "old");
    let story = ["0 dial old", "5 ask", "20 reached old", "20 released old"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn directory_that_fails_after_a_fast_failure_leaves_the_dials_error() {
    let world = World::new();
    world.directory(Manner::Fails(1.0));
    world.dials("old", [fails(1.0, "refused")]);
    assert_eq!(
        lazily(&world).await.unwrap_err(),
        Undialed::Dial(failed("refused"))
    );
    assert_eq!(world.diary(), ["0 dial old", "1 failed old", "1 ask"]);
}

#[tokio::test(start_paused = true)]
async fn dial_that_succeeds_while_the_directory_is_asked_wins() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.directory(Manner::Answers(2.0));
    world.dials("old", [Dial::Reached(6.0)]);
    assert_eq!(reached(&world).await, "old");
    let story = [
        "0 dial old",
        "5 ask",
        "6 reached old",
        "6 cancel ask",
        "6 released old",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn dial_that_succeeds_at_the_moment_of_the_directorys_answer_wins() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.directory(Manner::Answers(2.0));
    world.dials("old", [Dial::Reached(7.0)]);
    assert_eq!(reached(&world).await, "old");
    let story = [
        "0 dial old",
        "5 ask",
        "7 reached old",
        "7 cancel ask",
        "7 released old",
    ];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn dial_that_fails_while_the_directory_is_asked_waits_for_its_answer() {
    let world = World::new();
    world.build(WORKSPACE, &["new"]);
    world.directory(Manner::Answers(2.0));
    world.dials("old", [fails(6.0, "reset")]);
    world.dials("new", [Dial::Reached(1.0)]);
    assert_eq!(reached(&world).await, "new");
    let story = [
        "0 dial old",
        "5 ask",
        "6 failed old",
        "7 dial new",
        "8 reached new",
        "8 released new",
    ];
    assert_eq!(world.diary(), story);
}
