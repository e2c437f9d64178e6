//! Tests of the scope, dial by dial.

use std::time::Duration;

use tokio::time::{Instant, advance};

use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::reference::Reference;
use crate::fleet::probe::scope::{ProbeScope, SkipReason, WARM_UP};
use crate::probe::{Answer, Probe, Reach};

use super::coder::{Coder, Habit, Workspace, workspace_id};
use super::day::settings;

const ALWAYS: Habit = Habit::BusySession(0, 1_000_000);

type Simulated = Probe<Coder, Coder>;

/// A probe of one workspace, after the warm-up time.
async fn warmed_up(workspace: Workspace) -> (Coder, Simulated) {
    let coder = Coder::new(vec![workspace]);
    let probe = Probe::new(coder.clone(), coder.clone(), settings(ProbeScope::InUse));
    advance(WARM_UP).await;
    probe.activity().read().await;
    (coder, probe)
}

async fn ask(probe: &Simulated, reach: Reach) -> Result<ProbeOutcome, SkipReason> {
    let reference = Reference::Id(workspace_id(0));
    let deadline = Instant::now() + Duration::from_secs(10);
    match probe.ask(&reference, reach, deadline).await.unwrap().answer {
        Answer::Probed(probed) => Ok(probed.outcome),
        Answer::Skipped(skipped) => Err(skipped.reason),
    }
}

#[tokio::test(start_paused = true)]
async fn agent_in_use_is_dialed_and_an_idle_one_is_skipped() {
    let (coder, probe) = warmed_up(Workspace::new(0, ALWAYS)).await;
    assert_eq!(ask(&probe, Reach::InScope).await, Ok(ProbeOutcome::Ok));
    assert_eq!(coder.workspaces()[0].dials.len(), 1);
    let (coder, probe) = warmed_up(Workspace::new(0, Habit::Idle)).await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::NotInUse));
    assert_eq!(coder.workspaces()[0].dials.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn lost_agent_has_its_outcome_from_its_row_and_coder_is_not_asked() {
    let (coder, probe) = warmed_up(Workspace::new(0, Habit::Lost)).await;
    assert_eq!(
        ask(&probe, Reach::InScope).await,
        Ok(ProbeOutcome::Disconnected)
    );
    probe.round().await;
    assert_eq!(coder.workspaces()[0].dials.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn stale_binding_is_repaired_without_dialing_the_old_agent() {
    let in_use = Workspace::new(0, ALWAYS).with_stale_binding();
    let (_, probe) = warmed_up(in_use).await;
    probe.round().await;
    let probed = &probe.history()[0];
    assert_eq!(probed.outcome, ProbeOutcome::Switched);
    let dialed = |text: &str| text.contains("dial agent");
    let dials = probed.story.steps.iter().filter(|it| dialed(&it.text));
    assert_eq!(dials.count(), 2, "{:?}", probed.story);
}

#[tokio::test(start_paused = true)]
async fn switch_to_an_agent_that_is_not_in_use_is_no_dial_and_no_outcome() {
    let idle = Workspace::new(0, Habit::Idle).with_stale_binding();
    let (coder, probe) = warmed_up(idle).await;
    probe.round().await;
    assert_eq!(probe.history().len(), 0);
    assert_eq!(coder.workspaces()[0].dials.len(), 0);
    assert!(probe.stats().outcomes.iter().all(|(_, count)| *count == 0));
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::NotInUse));
}

#[tokio::test(start_paused = true)]
async fn forced_probe_dials_and_is_not_taken_for_use_afterwards() {
    let idle_session = Habit::IdleSession(0, 1_000_000);
    let (coder, probe) = warmed_up(Workspace::new(0, idle_session)).await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::NotInUse));
    assert_eq!(ask(&probe, Reach::Forced).await, Ok(ProbeOutcome::Ok));
    advance(Duration::from_secs(45)).await;
    probe.activity().read().await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::OwnDial));
    assert_eq!(coder.workspaces()[0].dials.len(), 1);
    advance(Duration::from_secs(75)).await;
    probe.activity().read().await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::NotInUse));
}

#[tokio::test(start_paused = true)]
async fn nothing_connected_is_dialed_in_the_first_four_minutes() {
    let coder = Coder::new(vec![Workspace::new(0, ALWAYS)]);
    let probe = Probe::new(coder.clone(), coder.clone(), settings(ProbeScope::InUse));
    assert_eq!(
        ask(&probe, Reach::InScope).await,
        Err(SkipReason::NoReports)
    );
    advance(WARM_UP - Duration::from_secs(1)).await;
    probe.activity().read().await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::Starting));
    advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&probe, Reach::InScope).await, Ok(ProbeOutcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn reading_that_is_old_shows_no_use() {
    let (_, probe) = warmed_up(Workspace::new(0, ALWAYS)).await;
    advance(Duration::from_secs(61)).await;
    assert_eq!(ask(&probe, Reach::InScope).await, Err(SkipReason::NotInUse));
}

#[tokio::test(start_paused = true)]
async fn sample_follows_what_the_horizon_needs_unless_it_is_set() {
    let mut settings = settings(ProbeScope::InUse);
    let samples = [0, 300, 301, 3000, 100_000].map(|it| settings.pace().sample_of(it));
    assert_eq!(samples, [20, 20, 21, 200, 200]);
    settings.sample = Some(7);
    assert_eq!(settings.pace().sample_of(100_000), 7);
}
