//! Tests of lazy validation: which steps are taken in which order, and their result.

use std::time::Duration;

use crate::error::Failure;

use super::super::world::{Connection, Dial, Manner, WORKSPACE, World, failed, fails, failure};
use super::super::{
    DialError, DialLimits, Dialed, Directory, NoChoice, Target, Trace, Undialed, choose_agent,
    dial_with_lazy_validation, rows,
};

const LIMITS: DialLimits = DialLimits {
    delay: Duration::from_secs(5),
    one_dial: Duration::from_secs(35),
};

async fn validate(world: &World) -> Result<Result<Target, NoChoice>, Failure> {
    let latest = world.latest(WORKSPACE).await?.unwrap();
    Ok(choose_agent(&latest.agents).map(|it| Target::of(&it.agent)))
}

async fn lazily(world: &World) -> Result<Dialed<Connection>, Undialed> {
    let (bound, trace) = (rows::target("old"), Trace::default());
    let dialed = dial_with_lazy_validation(world, &bound, LIMITS, || validate(world), &trace).await;
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

/// Two agents that could both be meant.
fn make_ambiguous(world: &World) {
    world.build(WORKSPACE, &["b-coderd-chat", "a-coderd-chat"]);
}

fn ambiguous() -> Undialed {
    let names = vec!["a-coderd-chat".into(), "b-coderd-chat".into()];
    Undialed::NoChoice(NoChoice::Ambiguous(names))
}

#[tokio::test(start_paused = true)]
async fn ambiguous_names_prove_nothing_while_a_dial_is_slow() {
    let world = World::new();
    make_ambiguous(&world);
    world.dials("old", [Dial::Reached(20.0)]);
    assert_eq!(reached(&world).await, "old");
    let story = ["0 dial old", "5 ask", "20 reached old", "20 released old"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn slow_dial_that_fails_after_nothing_was_proved_is_validated_again() {
    let world = World::new();
    make_ambiguous(&world);
    world.dials("old", [fails(20.0, "reset")]);
    assert_eq!(lazily(&world).await.unwrap_err(), ambiguous());
    let story = ["0 dial old", "5 ask", "20 failed old", "20 ask"];
    assert_eq!(world.diary(), story);

    world.dials("old", [fails(20.0, "reset")]);
    world.dials("new", [Dial::Reached(1.0)]);
    let rebuilt = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.build(WORKSPACE, &["new"]);
    };
    let (switched, ()) = tokio::join!(reached(&world), rebuilt);
    assert_eq!(switched, "new");
}

#[tokio::test(start_paused = true)]
async fn fast_failure_with_ambiguous_names_is_ambiguous() {
    let world = World::new();
    make_ambiguous(&world);
    world.dials("old", [fails(1.0, "refused")]);
    assert_eq!(lazily(&world).await.unwrap_err(), ambiguous());
    assert_eq!(world.diary(), ["0 dial old", "1 failed old", "1 ask"]);
}

#[tokio::test(start_paused = true)]
async fn agent_that_coderd_does_not_know_and_the_database_does_is_hidden_from_our_token() {
    let unknown = |seconds| Dial::Fails(seconds, DialError::NoSuchAgent);
    let hidden = || Undialed::Dial(DialError::Hidden);
    let world = World::new();
    for (seconds, story) in [
        (1.0, ["0 dial old", "1 failed old", "1 ask"]),
        (6.0, ["1 dial old", "6 ask", "7 failed old"]),
    ] {
        world.dials("old", [unknown(seconds), Dial::Reached(0.0)]);
        assert_eq!(lazily(&world).await.unwrap_err(), hidden());
        assert_eq!(world.diary(), story, "it is not dialed again");
    }
    // The one that the directory names in its place is, too.
    world.build(WORKSPACE, &["new"]);
    world.dials("old", [unknown(0.0)]);
    world.dials("new", [unknown(0.0)]);
    assert_eq!(lazily(&world).await.unwrap_err(), hidden());
    // Where the directory fails, all that is known is what the dial said.
    world.directory(Manner::Fails(0.0));
    let unvalidated = Undialed::Unvalidated(DialError::NoSuchAgent, failure());
    assert_eq!(lazily(&world).await.unwrap_err(), unvalidated);
}

#[tokio::test(start_paused = true)]
async fn dial_that_used_up_its_time_is_not_made_again() {
    let gave_up = DialError::GaveUp {
        after: Duration::from_secs(30),
        message: "unreachable".into(),
    };
    let world = World::new();
    world.dials("old", [Dial::Fails(30.0, gave_up.clone())]);
    let error = lazily(&world).await.unwrap_err();
    assert_eq!(error, Undialed::Dial(gave_up.clone()));
    assert_eq!(world.diary(), ["0 dial old", "5 ask", "30 failed old"]);

    // Not when nothing was proved, either: it is asked again who is the right one.
    let world = World::new();
    world.directory(Manner::Fails(0.0));
    world.dials("old", [Dial::Fails(30.0, gave_up.clone())]);
    let works = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.directory(Manner::Answers(0.0));
    };
    let (error, ()) = tokio::join!(lazily(&world), works);
    assert_eq!(error.unwrap_err(), Undialed::Dial(gave_up));
    let story = ["0 dial old", "5 ask", "30 failed old", "30 ask"];
    assert_eq!(world.diary(), story);
}

#[tokio::test(start_paused = true)]
async fn each_dial_has_its_own_time() {
    let unanswered = Undialed::Dial(DialError::Unanswered(LIMITS.one_dial));
    let world = World::new();
    assert_eq!(lazily(&world).await.unwrap_err(), unanswered);
    assert_eq!(world.diary(), ["0 dial old", "5 ask", "35 cancel old"]);
    world.build(WORKSPACE, &["new"]);
    assert_eq!(lazily(&world).await.unwrap_err(), unanswered);
    let story = [
        "35 dial old",
        "40 ask",
        "40 cancel old",
        "40 dial new",
        "75 cancel new",
    ];
    assert_eq!(world.diary(), story);
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
async fn directory_that_fails_after_a_fast_failure_adds_its_error_to_the_dials() {
    let world = World::new();
    world.directory(Manner::Fails(1.0));
    world.dials("old", [fails(1.0, "refused")]);
    assert_eq!(
        lazily(&world).await.unwrap_err(),
        Undialed::Unvalidated(failed("refused"), failure())
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
