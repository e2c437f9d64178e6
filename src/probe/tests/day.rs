//! A simulated day, in which the probe must not keep a workspace running (`docs/spec/probe.md`).

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::activity::ActivityReader;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::ProbeScope;
use crate::fleet::rules::health::Limits;
use crate::probe::{Probe, ProbeSettings};
use crate::resolver;

use super::coder::{Coder, Habit, Workspace};

const HOUR: u64 = 3600;
const DAY: Duration = Duration::from_secs(24 * HOUR);

/// Maximum delay of the stop of a workspace in use, compared with one that is not probed.
const LATE_SECONDS: u64 = 120;

pub(super) fn settings(scope: ProbeScope) -> ProbeSettings {
    ProbeSettings {
        scope,
        interval: Duration::from_secs(60),
        sample: None,
        concurrency: 4,
        horizon: Duration::from_secs(900),
        collect_timeout: Duration::from_secs(10),
        limits: Limits::default(),
        resolver: resolver::ResolverSettings::default(),
    }
}

/// A workspace of every habit, with and without a stale binding.
fn fleet() -> Vec<Workspace> {
    let habits = [
        Habit::Idle,
        Habit::IdleSession(HOUR, 20 * HOUR),
        Habit::IdleSession(7 * HOUR, 23 * HOUR),
        Habit::BusySession(6 * HOUR, 10 * HOUR),
        Habit::BusySession(9 * HOUR / 2, 15 * HOUR / 2),
        Habit::OccasionalSession(5 * HOUR, 14 * HOUR),
        Habit::WebApp(3 * HOUR, 9 * HOUR),
        Habit::Lost,
    ];
    let mut workspaces = Vec::new();
    for number in 0..5 {
        for habit in habits {
            let workspace = Workspace::new(number * 11, habit);
            workspaces.push(match number % 2 {
                0 => workspace,
                _ => workspace.with_stale_binding(),
            });
        }
    }
    workspaces
}

/// A day without a probe.
async fn unprobed_day() -> Vec<Workspace> {
    let coder = Coder::new(fleet());
    sleep(DAY).await;
    coder.workspaces()
}

/// The result of a simulated day.
struct Day {
    workspaces: Vec<Workspace>,
    /// The outcomes that the last exporter counted.
    outcomes: Vec<(ProbeOutcome, u64)>,
}

/// A day with a probe that restarts at this interval, and a second exporter without a probe.
async fn probed_day(scope: ProbeScope, restart_every: Duration) -> Day {
    let coder = Coder::new(fleet());
    let began = Instant::now();
    let mut beside = JoinSet::new();
    let other_exporter = ActivityReader::new(coder.clone());
    beside.spawn(async move { other_exporter.run().await });
    let mut outcomes = Vec::new();
    while began.elapsed() < DAY {
        let probe = Probe::new(coder.clone(), coder.clone(), settings(scope));
        let mut tasks = JoinSet::new();
        let (rounds, activity) = (probe.clone(), probe.activity().clone());
        tasks.spawn(async move { activity.run().await });
        tasks.spawn(async move { rounds.run().await });
        sleep(restart_every.min(DAY - began.elapsed())).await;
        outcomes = probe.stats().outcomes;
    }
    Day {
        workspaces: coder.workspaces(),
        outcomes,
    }
}

/// Checks that workspaces without a session stop at the same time as unprobed ones, and the others
/// at most [`LATE_SECONDS`] later.
#[track_caller]
fn assert_harmless(day: &[Workspace], twins: &[Workspace]) {
    for (number, (it, twin)) in day.iter().zip(twins).enumerate() {
        let late = it.deadline.saturating_sub(twin.deadline);
        if it.habit.has_session() {
            assert!(late <= LATE_SECONDS, "{number} {it:?} ends {late} s later");
        } else {
            assert_eq!(
                (it.deadline, it.moves),
                (twin.deadline, twin.moves),
                "{number} {it:?}"
            );
            assert!(it.dials.is_empty(), "{number} {it:?}");
        }
    }
}

fn dials(day: &[Workspace], habit: impl Fn(Habit) -> bool) -> usize {
    let of_habit = day.iter().filter(|it| habit(it.habit));
    of_habit.map(|it| it.dials.len()).sum()
}

fn count(day: &Day, outcome: ProbeOutcome) -> u64 {
    let mut outcomes = day.outcomes.iter();
    outcomes.find(|it| it.0 == outcome).unwrap().1
}

#[tokio::test(start_paused = true)]
async fn workspaces_end_as_if_nothing_probed_them() {
    let twins = unprobed_day().await;
    let day = probed_day(ProbeScope::InUse, DAY).await;
    assert_harmless(&day.workspaces, &twins);
    // It did look: at agents in use by dialing, at the lost ones by their rows.
    let busy = dials(&day.workspaces, |it| matches!(it, Habit::BusySession(..)));
    assert!(busy > 500, "{busy}");
    assert!(count(&day, ProbeOutcome::Ok) > 300, "{:?}", day.outcomes);
    assert!(
        count(&day, ProbeOutcome::Switched) > 100,
        "{:?}",
        day.outcomes
    );
    assert!(
        count(&day, ProbeOutcome::Disconnected) > 1000,
        "{:?}",
        day.outcomes
    );
    assert_eq!(
        count(&day, ProbeOutcome::DialError),
        0,
        "{:?}",
        day.outcomes
    );
    // An idle session is dialed for its first traffic, and does not go on by our own.
    let idle = dials(&day.workspaces, |it| matches!(it, Habit::IdleSession(..)));
    assert!((5..=20).contains(&idle), "{idle}");
}

#[tokio::test(start_paused = true)]
async fn exporter_that_restarts_every_two_minutes_dials_no_connected_agent() {
    let twins = unprobed_day().await;
    let day = probed_day(ProbeScope::InUse, Duration::from_secs(120)).await;
    assert_harmless(&day.workspaces, &twins);
    assert_eq!(dials(&day.workspaces, |_| true), 0);
}

#[tokio::test(start_paused = true)]
async fn exporter_that_restarts_every_ten_minutes_keeps_nothing_alive() {
    let twins = unprobed_day().await;
    let day = probed_day(ProbeScope::InUse, Duration::from_secs(600)).await;
    assert_harmless(&day.workspaces, &twins);
    let busy = dials(&day.workspaces, |it| matches!(it, Habit::BusySession(..)));
    assert!(busy > 200, "{busy}");
}

/// Control: with the scope `all` no connected workspace stops, so the simulation detects the
/// effect.
#[tokio::test(start_paused = true)]
async fn probe_of_the_whole_fleet_keeps_connected_workspaces_alive() {
    let twins = unprobed_day().await;
    let day = probed_day(ProbeScope::All, DAY).await;
    let is_connected = |it: &&Workspace| it.habit != Habit::Lost;
    let moved = |day: &[Workspace]| day.iter().map(|it| it.moves).sum::<u64>();
    let kept = day.workspaces.iter().filter(is_connected);
    assert!(kept.clone().all(|it| !it.is_stopped));
    assert!(twins.iter().filter(is_connected).all(|it| it.is_stopped));
    let in_use = probed_day(ProbeScope::InUse, DAY).await;
    println!(
        "deadlines moved in a day: not probed {}, all {}, in-use {}; idle workspaces dialed: all \
         {}, in-use {}",
        moved(&twins),
        moved(&day.workspaces),
        moved(&in_use.workspaces),
        dials(&day.workspaces, |it| it == Habit::Idle),
        dials(&in_use.workspaces, |it| it == Habit::Idle),
    );
}
