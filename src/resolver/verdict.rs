//! What is the state of a workspace, and can it be used (`docs/spec/resolver.md#readiness`)?

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
    /// Its latest build failed or was called off, or it is deleted.
    Gone,
    /// Started; there is no agent to reach.
    NoAgent,
    /// Started; several agents could be meant.
    Ambiguous,
    /// Its agent has not connected yet.
    Connecting,
    /// Its agent is lost, or never connected in time.
    Unreachable,
    /// Its agent reported that it shuts down, and only a start from outside brings it back.
    ShutDown,
    /// Its agent is connected and has not come up yet.
    Starting,
    /// Its agent's startup script failed.
    StartFailed,
    /// It can be used.
    Ready,
}

/// A verdict, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    /// The verdict.
    pub verdict: Verdict,
    /// The agent it is about, judged; `None` when it is about the build.
    pub agent: Option<(Target, Assessment)>,
    /// One line for a person: the build, the job's error, the names.
    pub detail: String,
}

impl Readiness {
    /// What to do about the workspace; what to do about an agent is its health's advice.
    pub fn advice(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Stopped | Verdict::NoAgent => Some(ProbeOutcome::NoAgent.advice()),
            Verdict::Ambiguous => Some(ProbeOutcome::Ambiguous.advice()),
            _ => None,
        }
    }
}

/// Judges a workspace at its own moment; `None` is one that does not exist.
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

/// `None` for a start that succeeded: then its agent decides.
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

/// Health is the one definition; this is the same by another name, for a workspace whose build
/// started it.
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
