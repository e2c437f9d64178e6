//! Decides the state of a workspace, and whether it is ready (`docs/spec/resolver.md#readiness`).

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::Transition;
use crate::fleet::model::label_value::{DbEnum, Variants};
use crate::fleet::model::latest::{Build, WorkspaceAt};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::workspace::JobStatus;
use crate::fleet::rules::health::{Assessment, Health, Limits, assess};

use super::choose::{NoChoice, choose_agent};
use super::parts::Target;

/// The state of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Its latest build is pending, under way or being canceled.
    Building,
    /// Its latest build stopped it.
    Stopped,
    /// The workspace is deleted, or its latest build failed or was canceled.
    Gone,
    /// Started, but the build has no agent to dial.
    NoAgent,
    /// Started, but several agents may serve it and no rule prefers one.
    Ambiguous,
    /// Its agent has not connected yet.
    Connecting,
    /// Its agent is disconnected, or never connected within its timeout.
    Unreachable,
    /// Its agent reported that it shuts down, and only a start from outside brings it back.
    ShutDown,
    /// Its agent is connected, and its startup script has not ended.
    Starting,
    /// Its agent's startup script failed.
    StartFailed,
    /// Its agent is connected and ready.
    Ready,
}

/// A verdict with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    /// State of the workspace.
    pub verdict: Verdict,
    /// The agent that decides, with its assessment; `None` if the build decides.
    pub agent: Option<(Target, Assessment)>,
    /// One line for a person: the build, the job's error, and the names.
    pub detail: String,
}

impl Readiness {
    /// What to do about the workspace. The advice about an agent follows from its health.
    pub fn advice(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Stopped | Verdict::NoAgent => Some(ProbeOutcome::NoAgent.advice()),
            Verdict::Ambiguous => Some(ProbeOutcome::Ambiguous.advice()),
            _ => None,
        }
    }
}

/// Judges a workspace at the time of its data. `None` means that it does not exist.
pub fn verdict(latest: Option<&WorkspaceAt>, limits: &Limits) -> Readiness {
    let about_build = |verdict, detail: String| Readiness {
        verdict,
        agent: None,
        detail,
    };
    let Some(latest) = latest else {
        return about_build(Verdict::Gone, "there is no such workspace".into());
    };
    if latest.deleted {
        return about_build(Verdict::Gone, "it is deleted".into());
    }
    let Some(build) = &latest.build else {
        return about_build(Verdict::Gone, "it was never built".into());
    };
    if let Some(verdict) = of_build(build) {
        return about_build(verdict, describe(build));
    }
    match choose_agent(&latest.agents) {
        Ok(candidate) => {
            let assessment = assess(&candidate.agent, limits, latest.now);
            Readiness {
                verdict: of_health(assessment.health),
                agent: Some((Target::of(&candidate.agent), assessment)),
                detail: format!(
                    "agent {} is {}, lifecycle {}",
                    candidate.agent.name,
                    assessment.status.as_str(),
                    candidate.agent.lifecycle.as_str(),
                ),
            }
        }
        Err(no_choice) => {
            let verdict = match no_choice {
                NoChoice::NoAgent => Verdict::NoAgent,
                NoChoice::Ambiguous(_) => Verdict::Ambiguous,
            };
            about_build(verdict, no_choice.to_string())
        }
    }
}

/// The verdict of a build; `None` for a successful start, where the agent decides.
fn of_build(build: &Build) -> Option<Verdict> {
    let DbEnum::Known(job) = &build.job else {
        return Some(Verdict::Gone);
    };
    match (job, &build.transition) {
        (JobStatus::Pending | JobStatus::Running | JobStatus::Canceling, _) => {
            Some(Verdict::Building)
        }
        (JobStatus::Succeeded, DbEnum::Known(Transition::Start)) => None,
        (JobStatus::Succeeded, DbEnum::Known(Transition::Stop)) => Some(Verdict::Stopped),
        _ => Some(Verdict::Gone),
    }
}

/// The verdict of an agent in a started workspace. It follows from the health class.
fn of_health(health: Health) -> Verdict {
    match health {
        Health::Connecting | Health::StuckConnecting => Verdict::Connecting,
        Health::ConnectTimeout | Health::Disconnected => Verdict::Unreachable,
        // Shut down from within, though Coder was not asked for it: there is nothing to reach.
        Health::Shutdown | Health::Terminated => Verdict::ShutDown,
        Health::StuckCreated | Health::StuckStarting | Health::Starting => Verdict::Starting,
        Health::StartError => Verdict::StartFailed,
        Health::Healthy => Verdict::Ready,
    }
}

fn describe(build: &Build) -> String {
    let (number, transition) = (build.number, build.transition.as_str());
    let job = build.job.as_str();
    match &build.error {
        Some(error) => format!("build {number} ({transition}) {job}: {error}"),
        None => format!("build {number} ({transition}) {job}"),
    }
}
