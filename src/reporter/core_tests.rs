use Lifecycle::*;

use crate::fleet::model::label_value::Variants;

use super::*;

const A: Uuid = Uuid::from_u128(0xA);
const B: Uuid = Uuid::from_u128(0xB);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000)
}

/// One millisecond after `seconds`.
fn just_after(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000 + 1_000)
}

/// All reports until none is left, when each one is accepted.
fn say_all(reporter: &mut Reporter) -> Vec<(Uuid, Lifecycle, Timestamp)> {
    let mut said = Vec::new();
    while let Some(report) = reporter.next() {
        said.push((report.row, report.state, report.at));
        reporter.reported(report);
        assert!(
            said.len() <= Lifecycle::ALL.len(),
            "it never ends: {said:?}"
        );
    }
    said
}

/// A process that went through `states`, one second each, and reported them to row A.
fn reporter_after(replay: Replay, states: &[Lifecycle]) -> Reporter {
    let mut reporter = Reporter::new(replay);
    reporter.connected(A, at(0));
    for (second, state) in (1..).zip(states) {
        reporter.transition(*state, at(second));
    }
    say_all(&mut reporter);
    reporter
}

/// The reports to a new row at second 100, from a process that went through `states`.
fn replayed(states: &[Lifecycle]) -> Vec<(Uuid, Lifecycle, Timestamp)> {
    let mut reporter = reporter_after(Replay::OnNewRow, states);
    reporter.connected(B, at(100));
    say_all(&mut reporter)
}

#[test]
fn each_transition_is_reported_once_with_its_own_time() {
    let mut reporter = Reporter::new(Replay::OnNewRow);
    reporter.connected(A, at(0));
    reporter.transition(Starting, at(1));
    assert_eq!(say_all(&mut reporter), [(A, Starting, at(1))]);
    reporter.transition(Ready, at(2));
    assert_eq!(say_all(&mut reporter), [(A, Ready, at(2))]);
    assert_eq!(say_all(&mut reporter), []);
}

#[test]
fn transitions_of_before_the_first_connection_are_reported_by_it() {
    let mut reporter = Reporter::new(Replay::OnNewRow);
    reporter.transition(Starting, at(1));
    reporter.transition(Ready, at(2));
    assert_eq!(reporter.next(), None);
    reporter.connected(A, at(3));
    let said = say_all(&mut reporter);
    assert_eq!(said, [(A, Starting, at(1)), (A, Ready, at(2))]);
}

#[test]
fn what_is_no_step_forward_is_no_transition() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting, Ready]);
    for state in [Created, Starting, StartTimeout, StartError, Ready] {
        reporter.transition(state, at(10));
        assert_eq!(reporter.state(), Ready);
    }
    assert_eq!(say_all(&mut reporter), []);
}

#[test]
fn clock_that_is_set_back_does_not_turn_a_row_around() {
    let mut reporter = Reporter::new(Replay::OnNewRow);
    reporter.connected(A, at(0));
    reporter.transition(Starting, at(9));
    reporter.transition(Ready, at(5));
    let said = say_all(&mut reporter);
    assert_eq!(said, [(A, Starting, at(9)), (A, Ready, at(9))]);

    reporter.connected(B, at(3));
    reporter.transition(ShuttingDown, at(2));
    let said = say_all(&mut reporter);
    assert_eq!(
        said[1..],
        [(B, Ready, just_after(3)), (B, ShuttingDown, just_after(3))]
    );
}

#[test]
fn same_row_is_told_nothing_twice() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting, Ready]);
    reporter.disconnected();
    reporter.connected(A, at(100));
    assert_eq!(say_all(&mut reporter), []);
    // Without a word that the last connection had ended.
    reporter.connected(A, at(200));
    assert_eq!(say_all(&mut reporter), []);
}

#[test]
fn new_row_is_told_starting_and_the_last_state_a_millisecond_apart() {
    for state in [StartTimeout, StartError, Ready] {
        let expected = [(B, Starting, at(100)), (B, state, just_after(100))];
        assert_eq!(replayed(&[Starting, state]), expected, "{state:?}");
    }
    let skipped = replayed(&[Starting, StartTimeout, Ready]);
    assert_eq!(
        skipped,
        [(B, Starting, at(100)), (B, Ready, just_after(100))]
    );
}

#[test]
fn new_row_of_a_process_that_is_still_starting_is_told_starting_alone() {
    assert_eq!(replayed(&[Starting]), [(B, Starting, at(100))]);
}

#[test]
fn new_row_of_a_process_that_never_began_is_told_nothing() {
    assert_eq!(replayed(&[]), []);
}

#[test]
fn new_row_of_a_process_on_its_way_out_is_told_that_and_no_more() {
    for state in [ShuttingDown, ShutdownTimeout, ShutdownError, Off] {
        let said = replayed(&[Starting, Ready, state]);
        assert_eq!(said, [(B, state, at(100))], "{state:?}");
    }
}

#[test]
fn process_that_does_not_replay_leaves_the_new_row_untold_until_its_next_transition() {
    let mut reporter = reporter_after(Replay::Never, &[Starting, Ready]);
    reporter.connected(B, at(100));
    assert_eq!(say_all(&mut reporter), []);
    reporter.transition(ShuttingDown, at(200));
    assert_eq!(say_all(&mut reporter), [(B, ShuttingDown, at(200))]);
}

#[test]
fn transition_of_while_it_was_disconnected_is_part_of_the_replay_and_not_said_again() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting]);
    reporter.disconnected();
    reporter.transition(Ready, at(50));
    reporter.connected(B, at(100));
    let said = say_all(&mut reporter);
    assert_eq!(said, [(B, Starting, at(100)), (B, Ready, just_after(100))]);
}

#[test]
fn transition_in_the_middle_of_a_replay_comes_after_it() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting, Ready]);
    reporter.connected(B, at(100));
    let starting = reporter.next().unwrap();
    reporter.transition(ShuttingDown, at(101));
    assert_eq!(reporter.next(), Some(starting));
    let said = say_all(&mut reporter);
    let states: Vec<_> = said.iter().map(|(_, state, _)| *state).collect();
    assert_eq!(states, [Starting, Ready, ShuttingDown]);
}

#[test]
fn replay_that_fails_midway_is_finished_by_the_next_connection_to_the_same_row() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting, Ready]);
    reporter.connected(B, at(100));
    reporter.reported(reporter.next().unwrap());
    reporter.failed(reporter.next().unwrap());
    assert_eq!(reporter.next(), None, "its connection is given up");
    reporter.connected(B, at(200));
    assert_eq!(say_all(&mut reporter), [(B, Ready, just_after(100))]);
}

#[test]
fn replay_that_fails_midway_begins_anew_on_yet_another_row() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting, Ready]);
    reporter.connected(B, at(100));
    reporter.reported(reporter.next().unwrap());
    reporter.failed(reporter.next().unwrap());
    reporter.connected(A, at(200));
    let said = say_all(&mut reporter);
    assert_eq!(said, [(A, Starting, at(200)), (A, Ready, just_after(200))]);
}

#[test]
fn late_answer_counts_for_its_row_and_for_no_other() {
    let mut reporter = Reporter::new(Replay::OnNewRow);
    reporter.transition(Starting, at(1));
    reporter.connected(A, at(2));
    let report = reporter.next().unwrap();
    reporter.disconnected();
    reporter.connected(A, at(3));
    reporter.reported(report);
    assert!(
        reporter.is_reported(),
        "row A knows it, whichever connection said so"
    );

    reporter.transition(Ready, at(4));
    let report = reporter.next().unwrap();
    reporter.connected(B, at(5));
    reporter.reported(report);
    let said = say_all(&mut reporter);
    assert_eq!(said, [(B, Starting, at(5)), (B, Ready, just_after(5))]);
}

#[test]
fn late_answer_of_any_row_counts_for_a_process_that_does_not_replay() {
    let mut reporter = Reporter::new(Replay::Never);
    reporter.transition(Starting, at(1));
    reporter.connected(A, at(2));
    let report = reporter.next().unwrap();
    reporter.connected(B, at(3));
    reporter.reported(report);
    assert_eq!(say_all(&mut reporter), []);
}

#[test]
fn late_failure_does_not_give_up_the_connection_that_came_after() {
    let mut reporter = reporter_after(Replay::OnNewRow, &[Starting]);
    reporter.transition(Ready, at(5));
    let report = reporter.next().unwrap();
    reporter.connected(A, at(6));
    reporter.failed(report);
    assert_eq!(say_all(&mut reporter), [(A, Ready, at(5))]);
}
