use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use super::super::core::Replay;
use super::*;
use Lifecycle::{Off, Ready, ShuttingDown, Starting};

const A: Uuid = Uuid::from_u128(0xA);
const B: Uuid = Uuid::from_u128(0xB);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000)
}

/// How Coder answers a report.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Accepted after this many milliseconds.
    Taken(u64),
    /// Refused after this many milliseconds.
    Refused(u64),
    /// No answer: the future never completes.
    Hangs,
}

/// Answers by a script, then accepts every report at once.
#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<Vec<Fate>>>,
    asked: Arc<Mutex<Vec<Report>>>,
    taken: Arc<Mutex<Vec<Report>>>,
}

impl Scripted {
    fn new(fates: &[Fate]) -> Self {
        let script = fates.iter().rev().copied().collect();
        Self {
            script: Arc::new(Mutex::new(script)),
            ..Self::default()
        }
    }

    fn taken(&self) -> Vec<(Uuid, Lifecycle)> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|it| (it.row, it.state)).collect()
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Coderd for Scripted {
    type Error = &'static str;

    async fn report(&self, report: Report) -> Result<(), Self::Error> {
        self.asked.lock().unwrap().push(report);
        let fate = self.script.lock().unwrap().pop().unwrap_or(Fate::Taken(0));
        match fate {
            Fate::Taken(millis) => sleep(Duration::from_millis(millis)).await,
            Fate::Refused(millis) => {
                sleep(Duration::from_millis(millis)).await;
                return Err("refused");
            }
            Fate::Hangs => std::future::pending().await,
        }
        self.taken.lock().unwrap().push(report);
        Ok(())
    }
}

/// A running process whose reports get these answers.
fn under_way(replay: Replay, fates: &[Fate]) -> (Handle, Scripted) {
    let handle = Handle::new(Reporter::new(replay));
    let coderd = Scripted::new(fates);
    tokio::spawn(run(handle.clone(), coderd.clone()));
    (handle, coderd)
}

async fn a_while() {
    sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn transition_that_comes_while_a_report_is_in_flight_is_sent_after_it() {
    let (handle, coderd) = under_way(Replay::OnNewRow, &[Fate::Taken(500)]);
    handle.connected(A, at(0));
    handle.transition(Starting, at(1));
    sleep(Duration::from_millis(100)).await;
    handle.transition(Ready, at(2));
    handle.reported().await;
    assert_eq!(coderd.taken(), [(A, Starting), (A, Ready)]);
    assert_eq!(coderd.asked(), 2, "the one in flight was not disturbed");
}

#[tokio::test(start_paused = true)]
async fn transition_that_comes_while_disconnected_waits_for_the_connection() {
    let (handle, coderd) = under_way(Replay::OnNewRow, &[]);
    handle.transition(Starting, at(1));
    a_while().await;
    assert_eq!(coderd.asked(), 0);
    handle.connected(A, at(2));
    handle.reported().await;
    assert_eq!(coderd.taken(), [(A, Starting)]);
}

#[tokio::test(start_paused = true)]
async fn failure_is_not_tried_again_before_the_next_connection() {
    let (handle, coderd) = under_way(Replay::OnNewRow, &[Fate::Refused(10)]);
    handle.connected(A, at(0));
    handle.transition(Starting, at(1));
    a_while().await;
    handle.transition(Ready, at(2));
    a_while().await;
    assert_eq!(coderd.asked(), 1, "no storm");
    handle.connected(A, at(3));
    handle.reported().await;
    assert_eq!(coderd.taken(), [(A, Starting), (A, Ready)]);
}

#[tokio::test(start_paused = true)]
async fn report_that_hangs_is_given_up_with_its_connection() {
    let (handle, coderd) = under_way(Replay::OnNewRow, &[Fate::Hangs]);
    handle.connected(A, at(0));
    handle.transition(Starting, at(1));
    a_while().await;
    handle.disconnected();
    a_while().await;
    assert_eq!(coderd.asked(), 1);
    handle.connected(A, at(2));
    handle.reported().await;
    assert_eq!(coderd.taken(), [(A, Starting)]);
}

#[tokio::test(start_paused = true)]
async fn replay_broken_off_midway_goes_on_with_the_next_connection_to_the_same_row() {
    let script = [
        Fate::Taken(0),
        Fate::Taken(0),
        Fate::Taken(5),
        Fate::Refused(5),
    ];
    let (handle, coderd) = under_way(Replay::OnNewRow, &script);
    handle.connected(A, at(0));
    handle.transition(Starting, at(1));
    handle.transition(Ready, at(2));
    handle.reported().await;
    handle.connected(B, at(100));
    a_while().await;
    assert_eq!(coderd.taken()[2..], [(B, Starting)]);
    handle.connected(B, at(200));
    handle.reported().await;
    assert_eq!(coderd.taken()[2..], [(B, Starting), (B, Ready)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_a_row_that_was_left_while_the_report_was_in_flight() {
    let (handle, coderd) = under_way(Replay::OnNewRow, &[Fate::Taken(500)]);
    handle.connected(A, at(0));
    handle.transition(Starting, at(1));
    sleep(Duration::from_millis(100)).await;
    handle.connected(B, at(2));
    handle.reported().await;
    assert_eq!(coderd.taken(), [(B, Starting)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_wake_up_is_lost_between_threads() {
    for _ in 0..300 {
        let (handle, coderd) = under_way(Replay::Never, &[]);
        let connecting = handle.clone();
        let connecting = tokio::spawn(async move { connecting.connected(A, at(0)) });
        for state in [Starting, Ready, ShuttingDown, Off] {
            handle.transition(state, at(1));
            tokio::task::yield_now().await;
        }
        connecting.await.unwrap();
        let reported = timeout(Duration::from_secs(10), handle.reported()).await;
        assert!(reported.is_ok(), "asleep after {:?}", coderd.taken());
        let expected = [Starting, Ready, ShuttingDown, Off].map(|state| (A, state));
        assert_eq!(coderd.taken(), expected);
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Transition(Lifecycle),
    Connect(Uuid),
    Disconnect,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::sample::select(Lifecycle::ALL).prop_map(Step::Transition),
        2 => prop::sample::select(vec![A, B]).prop_map(Step::Connect),
        1 => Just(Step::Disconnect),
        4 => (0_u64..20).prop_map(Step::Wait),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => (0_u64..20).prop_map(Fate::Taken),
        1 => (0_u64..20).prop_map(Fate::Refused),
        1 => Just(Fate::Hangs),
    ]
}

/// The accepted reports of a process with these steps, which at the end connects to row B without
/// further failures.
fn live(replay: Replay, steps: &[Step], fates: &[Fate]) -> Vec<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (handle, coderd) = under_way(replay, fates);
        for (second, step) in (1..).zip(steps) {
            match *step {
                Step::Transition(state) => handle.transition(state, at(second)),
                Step::Connect(row) => handle.connected(row, at(second)),
                Step::Disconnect => handle.disconnected(),
                Step::Wait(millis) => sleep(Duration::from_millis(millis)).await,
            }
        }
        for again in 0..=fates.len() {
            handle.connected(B, at(1_000 + i64::try_from(again).unwrap()));
            a_while().await;
        }
        handle.reported().await;
        coderd.taken.lock().unwrap().clone()
    })
}

fn forward(steps: &[Step]) -> Vec<Lifecycle> {
    let mut states = vec![Lifecycle::Created];
    for step in steps {
        if let Step::Transition(state) = step
            && Some(state) > states.last()
        {
            states.push(*state);
        }
    }
    states.split_off(1)
}

proptest! {
    #[test]
    fn without_replay_each_transition_is_taken_once_and_in_order(
        steps in prop::collection::vec(step(), 0..25),
        fates in prop::collection::vec(fate(), 0..12),
    ) {
        let taken = live(Replay::Never, &steps, &fates);
        let states: Vec<_> = taken.iter().map(|it| it.state).collect();
        prop_assert_eq!(states, forward(&steps));
    }

    #[test]
    fn with_replay_the_last_row_knows_all_it_must_and_nothing_twice(
        steps in prop::collection::vec(step(), 0..25),
        fates in prop::collection::vec(fate(), 0..12),
    ) {
        let taken = live(Replay::OnNewRow, &steps, &fates);
        let distinct: BTreeSet<_> = taken.iter().map(|it| (it.row, it.state, it.at)).collect();
        prop_assert_eq!(distinct.len(), taken.len(), "twice: {:?}", taken);
        let last = forward(&steps).last().copied();
        let told_b: Vec<_> = taken.iter().filter(|it| it.row == B).collect();
        prop_assert_eq!(told_b.last().map(|it| it.state), last);
        if last.is_some_and(|last| !last.is_shutdown()) {
            let says_starting = told_b.iter().any(|it| it.state == Starting);
            prop_assert!(says_starting || !forward(&steps).contains(&Starting));
        }
        let times: Vec<_> = told_b.iter().map(|it| it.at).collect();
        prop_assert!(times.is_sorted(), "a row's times run backwards: {:?}", told_b);
    }
}
