//! Compares the core with a reference without state, for random histories of a process.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::agent::Lifecycle::{Created, ShuttingDown, Starting};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;

use super::core::{Replay, Reporter};

#[derive(Debug, Clone, Copy)]
enum Step {
    Transition(Lifecycle),
    Connect(Uuid),
    Disconnect,
    Succeed,
    Fail,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::sample::select(Lifecycle::ALL).prop_map(Step::Transition),
        2 => (0_u128..3).prop_map(|row| Step::Connect(Uuid::from_u128(row))),
        1 => Just(Step::Disconnect),
        3 => Just(Step::Succeed),
        1 => Just(Step::Fail),
    ]
}

/// The time of a step: as many seconds as its index.
fn second(index: usize) -> Timestamp {
    Timestamp::from_unix_micros(i64::try_from(index).unwrap() * 1_000_000)
}

fn state_after(story: &[Step]) -> Lifecycle {
    let states = story.iter().filter_map(|step| match step {
        Step::Transition(state) => Some(*state),
        _ => None,
    });
    states.max().unwrap_or(Created)
}

/// The row of the last connection, and the index at which it replaced another row.
fn present_row(story: &[Step]) -> Option<(Uuid, Option<usize>)> {
    let connections = story
        .iter()
        .enumerate()
        .filter_map(|(index, step)| match step {
            Step::Connect(row) => Some((index, *row)),
            _ => None,
        });
    let connections: Vec<_> = connections.collect();
    let (_, row) = *connections.last()?;
    let changes = connections.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    Some((row, changes.map(|pair| pair[1].0).next_back()))
}

/// The reports to a new row at this index of the history.
fn replay_at(index: usize, story: &[Step]) -> Vec<(Lifecycle, Timestamp)> {
    let (now, state) = (second(index), state_after(&story[..index]));
    if Starting < state && state < ShuttingDown {
        vec![
            (Starting, now),
            (state, now.after(Duration::from_millis(1))),
        ]
    } else if state == Created {
        Vec::new()
    } else {
        vec![(state, now)]
    }
}

/// The next report at the end of a history, computed from the complete history.
fn expected(replay: Replay, story: &[Step]) -> Option<(Uuid, Lifecycle, Timestamp)> {
    let (row, changed) = present_row(story)?;
    let changed = changed.filter(|_| replay == Replay::OnNewRow);
    let mut all = changed.map_or_else(Vec::new, |index| replay_at(index, story));
    let (mut reported, mut is_up) = (0, false);
    for (index, step) in story.iter().enumerate().skip(changed.unwrap_or(0)) {
        match step {
            Step::Transition(state) if *state > state_after(&story[..index]) => {
                all.push((*state, second(index)));
            }
            Step::Connect(_) => is_up = true,
            Step::Disconnect => is_up = false,
            Step::Succeed if is_up && reported < all.len() => reported += 1,
            Step::Fail if reported < all.len() => is_up = false,
            Step::Transition(_) | Step::Succeed | Step::Fail => {}
        }
    }
    let (state, at) = *all.get(reported)?;
    is_up.then_some((row, state, at))
}

proptest! {
    #[test]
    fn any_story_says_what_the_whole_of_it_demands(
        replay in prop::sample::select(vec![Replay::Never, Replay::OnNewRow]),
        story in prop::collection::vec(step(), 0..40),
    ) {
        let mut reporter = Reporter::new(replay);
        for (index, step) in story.iter().enumerate() {
            match (*step, reporter.next()) {
                (Step::Transition(state), _) => reporter.transition(state, second(index)),
                (Step::Connect(row), _) => {
                    reporter.connected(row, second(index));
                }
                (Step::Disconnect, _) => reporter.disconnected(),
                (Step::Succeed, Some(report)) => reporter.reported(report),
                (Step::Fail, Some(report)) => reporter.failed(report),
                (Step::Succeed | Step::Fail, None) => {}
            }
            let next = reporter.next().map(|it| (it.row, it.state, it.at));
            prop_assert_eq!(next, expected(replay, &story[..=index]), "after step {}", index);
        }
    }
}

proptest! {
    #[test]
    fn times_that_a_row_is_told_never_come_before_the_row(
        story in prop::collection::vec(step(), 0..40),
        late in 0..5_usize,
    ) {
        let mut reporter = Reporter::new(Replay::OnNewRow);
        let mut created = HashMap::new();
        for (index, step) in story.iter().enumerate() {
            let now = second(index);
            match *step {
                // The process saw it a while ago.
                Step::Transition(state) => {
                    reporter.transition(state, second(index.saturating_sub(late)));
                }
                Step::Connect(row) => {
                    // The first row is there before its process is.
                    let is_first = created.is_empty();
                    let at = if is_first { Timestamp::BEGINNING } else { now };
                    created.entry(row).or_insert(at);
                    reporter.connected(row, now);
                }
                Step::Disconnect => reporter.disconnected(),
                Step::Succeed => {
                    if let Some(report) = reporter.next() {
                        reporter.reported(report);
                    }
                }
                Step::Fail => {
                    if let Some(report) = reporter.next() {
                        reporter.failed(report);
                    }
                }
            }
            if let Some(report) = reporter.next() {
                prop_assert!(report.at >= created[&report.row], "{report:?}");
            }
        }
    }
}
