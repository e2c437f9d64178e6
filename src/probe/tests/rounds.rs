//! Rounds and gauges, with a dialer that does as it is told, on tokio's paused clock.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::reference::Reference;
use crate::fleet::probe::scope::ProbeScope;
use crate::probe::{Answer, Probe, Reach, Refused};
use crate::resolver::{DialError, Dialer, Target};

use super::coder::{Coder, Habit, Workspace, agent_id, workspace_id};
use super::day::settings;

/// How the dials of an agent go.
#[derive(Clone)]
enum Dial {
    Reached(f64),
    Fails(DialError),
    Never,
}

/// A dialer that does as it is told; an agent that it was told nothing about answers at once.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    dials: HashMap<Uuid, Dial>,
    is_down: bool,
    under_way: usize,
    most_under_way: usize,
}

impl Scripted {
    fn dial(&self, agent: usize, dial: Dial) {
        self.0.lock().unwrap().dials.insert(agent_id(agent), dial);
    }

    fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    fn most_under_way(&self) -> usize {
        self.0.lock().unwrap().most_under_way
    }
}

/// A dial under way.
struct UnderWay<'a>(&'a Scripted);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().under_way -= 1;
    }
}

impl Dialer for Scripted {
    type Connection = ();

    async fn dial(&self, target: &Target) -> Result<(), DialError> {
        let dial = {
            let mut script = self.0.lock().unwrap();
            script.under_way += 1;
            script.most_under_way = script.most_under_way.max(script.under_way);
            script.dials.get(&target.agent_id).cloned()
        };
        let _under_way = UnderWay(self);
        match dial {
            None => Ok(()),
            Some(Dial::Reached(seconds)) => {
                sleep(Duration::from_secs_f64(seconds)).await;
                Ok(())
            }
            Some(Dial::Fails(error)) => Err(error),
            Some(Dial::Never) => pending().await,
        }
    }

    async fn check_up(&self) -> Result<(), Failure> {
        match self.0.lock().unwrap().is_down {
            true => Err(Failure::new(ErrorKind::Connect, "refused")),
            false => Ok(()),
        }
    }

    fn counts_as_use(&self) -> bool {
        false
    }
}

type Simulated = Probe<Scripted, Coder>;

/// A probe of so many workspaces whose agents are all connected.
fn probe_of(count: usize) -> (Scripted, Simulated) {
    let workspaces = (0..count).map(|_| Workspace::new(0, Habit::Idle));
    let coder = Coder::new(workspaces.collect());
    let dialer = Scripted::default();
    let probe = Probe::new(coder, dialer.clone(), settings(ProbeScope::All));
    (dialer, probe)
}

/// How often each outcome was counted that was counted at all.
fn outcomes(probe: &Simulated) -> Vec<(ProbeOutcome, u64)> {
    let outcomes = probe.stats().outcomes.into_iter();
    outcomes.filter(|(_, count)| *count > 0).collect()
}

fn disagreements(probe: &Simulated) -> u64 {
    let pairs = probe.stats().disagreements.into_iter().flatten();
    pairs.map(|(_, _, count)| count).sum()
}

#[tokio::test(start_paused = true)]
async fn coder_that_is_down_makes_no_round_and_has_no_outcome() {
    let (dialer, probe) = probe_of(3);
    dialer.set_down(true);
    probe.round().await;
    assert_eq!(outcomes(&probe), []);
    assert_eq!(probe.stats().last, None, "there was no round");
    assert_eq!(probe.history().len(), 0);
    dialer.set_down(false);
    probe.round().await;
    assert_eq!(outcomes(&probe), [(ProbeOutcome::Ok, 3)]);
}

#[tokio::test(start_paused = true)]
async fn outcome_counts_as_its_dial_ends_and_not_when_the_round_does() {
    let (dialer, probe) = probe_of(3);
    dialer.dial(0, Dial::Never);
    dialer.dial(1, Dial::Reached(2.0));
    dialer.dial(2, Dial::Fails(DialError::Failed("reset".into())));
    let mut round = JoinSet::new();
    let rounds = probe.clone();
    round.spawn(async move { rounds.round().await });
    sleep(Duration::from_secs(3)).await;
    let expected = [(ProbeOutcome::Ok, 1), (ProbeOutcome::DialError, 1)];
    assert_eq!(outcomes(&probe), expected);
    assert_eq!(disagreements(&probe), 1);
    assert_eq!(probe.stats().last, None, "the round is under way");
    round.join_next().await.unwrap().unwrap();
    let timed_out = (ProbeOutcome::DialTimeout, 1);
    assert!(
        outcomes(&probe).contains(&timed_out),
        "{:?}",
        outcomes(&probe)
    );
    assert!(probe.stats().last.is_some());
}

#[tokio::test(start_paused = true)]
async fn round_never_takes_the_last_place() {
    let (dialer, probe) = probe_of(8);
    let concurrency = probe.settings().concurrency;
    (0..7).for_each(|agent| dialer.dial(agent, Dial::Never));
    let mut asking = JoinSet::new();
    let rounds = probe.clone();
    asking.spawn(async move { rounds.round().await });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(dialer.most_under_way(), concurrency);
    let ask = |agent| {
        let probe = probe.clone();
        async move {
            let deadline = Instant::now() + Duration::from_secs(10);
            let reference = Reference::Id(workspace_id(agent));
            probe.ask(&reference, Reach::Forced, deadline).await
        }
    };
    let Ok(Answer::Probed(probed)) = ask(7).await.map(|it| it.answer) else {
        panic!("there is a place for it");
    };
    assert_eq!(probed.outcome, ProbeOutcome::Ok);
    // The place is one, and taken by whoever asks.
    let slow = ask(6);
    asking.spawn(async move { drop(slow.await) });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ask(7).await.unwrap_err(), Refused::Busy);
    assert_eq!(dialer.most_under_way(), concurrency + 1);
}

#[tokio::test(start_paused = true)]
async fn token_that_may_not_see_agents_blames_none_and_each_has_its_turn() {
    let (dialer, probe) = probe_of(20);
    (0..20).for_each(|agent| dialer.dial(agent, Dial::Fails(DialError::NoSuchAgent)));
    // One of another organization, which the token may see.
    dialer.dial(7, Dial::Reached(0.1));
    probe.round().await;
    let expected = [(ProbeOutcome::Ok, 1), (ProbeOutcome::ExporterError, 19)];
    assert_eq!(outcomes(&probe), expected);
    assert_eq!(disagreements(&probe), 0);
    let hidden = &probe.failures()[0];
    assert!(hidden.message.contains("template admin"), "{hidden:?}");
    assert_eq!(hidden.trouble, Some(ErrorKind::Permission));
}

#[tokio::test(start_paused = true)]
async fn rows_that_contradict_their_dials_are_read_again_by_one_question_a_second() {
    let (dialer, probe) = probe_of(20);
    let failed = Dial::Fails(DialError::Failed("reset".into()));
    (0..20).for_each(|agent| dialer.dial(agent, failed.clone()));
    let began = Instant::now();
    probe.round().await;
    assert_eq!(outcomes(&probe), [(ProbeOutcome::DialError, 20)]);
    assert_eq!(disagreements(&probe), 20);
    assert!(
        began.elapsed() <= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}
