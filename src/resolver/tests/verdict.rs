//! Tests of each state of a workspace (`docs/spec/resolver.md#readiness`).

use crate::fleet::model::agent::{Lifecycle, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::latest::WorkspaceAt;
use crate::fleet::model::workspace::JobStatus;
use crate::fleet::rules::health::Limits;

use super::super::rows::{self, BEGAN, Row};
use super::super::world::WORKSPACE;
use super::super::{Verdict, verdict};

/// A started workspace with one agent whose row has this state.
fn with(row: Row) -> WorkspaceAt {
    rows::latest(WORKSPACE, [("old", row)].into_iter(), BEGAN)
}

fn built(transition: Transition, job: JobStatus) -> WorkspaceAt {
    let mut latest = with(Row::Beating);
    rows::build(&mut latest, transition, job);
    latest
}

fn living(lifecycle: Lifecycle) -> WorkspaceAt {
    let mut latest = with(Row::Beating);
    rows::lifecycle(&mut latest, lifecycle);
    latest
}

#[track_caller]
fn check(latest: &WorkspaceAt, expected: Verdict) {
    let readiness = verdict(Some(latest), &Limits::default());
    assert_eq!(readiness.verdict, expected, "{readiness:?}");
    // What is about an agent names it, and nothing else does.
    let is_about_agent = matches!(
        expected,
        Verdict::Ready
            | Verdict::Connecting
            | Verdict::Starting
            | Verdict::Unreachable
            | Verdict::ShutDown
            | Verdict::StartFailed
    );
    assert_eq!(readiness.agent.is_some(), is_about_agent, "{readiness:?}");
}

#[test]
fn workspace_that_does_not_exist_is_gone() {
    let readiness = verdict(None, &Limits::default());
    assert_eq!(readiness.verdict, Verdict::Gone);
}

#[test]
fn deleted_workspace_is_gone_whatever_its_build() {
    for job in [JobStatus::Running, JobStatus::Succeeded] {
        let mut latest = built(Transition::Start, job);
        latest.deleted = true;
        check(&latest, Verdict::Gone);
    }
}

#[test]
fn workspace_that_was_never_built_is_gone() {
    let mut latest = with(Row::Beating);
    latest.build = None;
    check(&latest, Verdict::Gone);
}

#[test]
fn build_under_way_is_building_whatever_it_builds() {
    for transition in [Transition::Start, Transition::Stop, Transition::Delete] {
        check(&built(transition, JobStatus::Pending), Verdict::Building);
        check(&built(transition, JobStatus::Running), Verdict::Building);
        check(&built(transition, JobStatus::Canceling), Verdict::Building);
    }
}

#[test]
fn successful_stop_is_stopped_and_successful_delete_is_gone() {
    let job = JobStatus::Succeeded;
    check(&built(Transition::Stop, job), Verdict::Stopped);
    check(&built(Transition::Delete, job), Verdict::Gone);
}

#[test]
fn failed_or_canceled_build_is_gone_and_tells_the_jobs_error() {
    for job in [JobStatus::Failed, JobStatus::Canceled] {
        let mut latest = built(Transition::Start, job);
        let build = latest.build.as_mut().unwrap();
        build.error = Some("no capacity in zone b".into());
        check(&latest, Verdict::Gone);
        let detail = verdict(Some(&latest), &Limits::default()).detail;
        assert!(detail.contains("no capacity in zone b"), "{detail}");
    }
}

#[test]
fn build_in_a_state_nobody_knows_is_not_waited_for() {
    let mut latest = with(Row::Beating);
    latest.build.as_mut().unwrap().job = DbEnum::parse(Some("paused"));
    check(&latest, Verdict::Gone);
}

#[test]
fn started_workspace_is_what_its_agent_is() {
    check(&living(Lifecycle::Ready), Verdict::Ready);
    check(&living(Lifecycle::StartTimeout), Verdict::Ready);
    check(&living(Lifecycle::Created), Verdict::Starting);
    check(&living(Lifecycle::Starting), Verdict::Starting);
    check(&living(Lifecycle::StartError), Verdict::StartFailed);
    check(&living(Lifecycle::ShuttingDown), Verdict::ShutDown);
    check(&living(Lifecycle::Off), Verdict::ShutDown);
}

#[test]
fn agent_is_unreachable_only_after_more_than_its_time() {
    check(&with(Row::SilentFor(30.0)), Verdict::Ready);
    check(&with(Row::SilentFor(30.001)), Verdict::Unreachable);
    check(&with(Row::NeverConnectedFor(120.0)), Verdict::Connecting);
    check(&with(Row::NeverConnectedFor(120.001)), Verdict::Unreachable);
}

#[test]
fn started_workspace_without_one_agent_to_reach_says_which_it_lacks() {
    let mut latest = with(Row::Gone);
    check(&latest, Verdict::NoAgent);
    let two = ["b-coderd-chat", "a-coderd-chat"].map(|name| (name, Row::Beating));
    latest = rows::latest(WORKSPACE, two.into_iter(), BEGAN);
    check(&latest, Verdict::Ambiguous);
    let detail = verdict(Some(&latest), &Limits::default()).detail;
    assert!(detail.contains("a-coderd-chat, b-coderd-chat"), "{detail}");
}
