//! Probes one workspace on request, in the style of multi-target exporters.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Label, Name};
use crate::fleet::model::latest::{Candidate, WorkspaceAt};
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::reference::Reference;
use crate::fleet::probe::probed::{Probed, ProbedAgent, Story};
use crate::fleet::probe::scope::SkipReason;
use crate::fleet::rules::health::{Assessment, assess};
use crate::postgres::lookup::directory::Found;
use crate::resolver::{Dialer, Phase, Trace};

use super::Probe;
use super::gate::Reach;
use super::round::{Tried, story};
use super::source::Source;

/// How long a request waits for a permit; one is usually free within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of a request for one workspace.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The probe, or the reason why there was none.
    pub answer: Answer,
    /// The agent's status and health from the database, before the dial.
    pub assessment: Option<Assessment>,
}

/// A probe, or the reason why there was none.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The workspace was probed, and this was added to the history.
    Probed(Arc<Probed>),
    /// The workspace is out of scope and was not dialed.
    Skipped(Skipped),
}

/// A workspace that was not dialed, because it is out of the probe's scope.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// `users.username` of its owner.
    pub owner: Label,
    /// `workspaces.name`.
    pub workspace: Name,
    /// The agent that a dial would have reached.
    pub agent: Option<ProbedAgent>,
    /// Why it is out of scope.
    pub reason: SkipReason,
    /// Duration of the request.
    pub duration: Duration,
    /// The steps of the request.
    pub story: Story,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No workspace has this name or id. The sentence lists similar names.
    #[error("{0}")]
    Unknown(String),
    /// The maximum number of dials is in progress.
    #[error("too many concurrent probes: see --probe.concurrency")]
    Busy,
    /// The database did not answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl<L: Dialer, S: Source> Probe<L, S> {
    /// Probes one workspace by `deadline`, if it is in scope or forced.
    ///
    /// # Errors
    ///
    /// When the workspace does not exist, all permits are taken, or the database does not answer.
    pub async fn ask(
        &self,
        reference: &Reference,
        reach: Reach,
        deadline: Instant,
    ) -> Result<Asked, Refused> {
        let patience = deadline.min(Instant::now() + PATIENCE);
        let Ok(Ok(_place)) = timeout_at(patience, self.shared.places.acquire()).await else {
            return Err(Refused::Busy);
        };
        let trace = Trace::default();
        // A question of a round may be before ours, and take as long as it may itself.
        let found = timeout_at(deadline, self.find(reference, deadline)).await;
        let latest = found.map_err(|_| too_late())??;
        trace.add(Phase::Lookup, trace.elapsed());
        let allowed = deadline.saturating_duration_since(Instant::now());
        // Some of the time is kept for what the database is asked after a timeout.
        let settings = &self.shared.settings.resolver;
        let kept = settings.validation_delay.min(allowed / 4);
        let resolver = &self.shared.resolver;
        let dial_limit = resolver.dial_limit().min(allowed - kept);
        let workspace = latest.workspace_id;
        let dialer = self.dialer(reach);
        let caller = sleep_until(deadline);
        let connecting = resolver.connect_through(&dialer, workspace, dial_limit, caller, &trace);
        let result = connecting.await;
        resolver.release(workspace);
        let tried = match &result {
            Ok(result) => self.tried(&latest, result, &trace),
            // The scraper's time is up, which says nothing of the agent.
            Err(()) => {
                let message = "the deadline passed before the probe ended".into();
                let outcome = ProbeOutcome::ExporterError;
                Tried::Probed(Box::new(self.of(&latest, None, outcome, message, &trace)))
            }
        };
        let answer = self.answer(&latest, tried, &trace);
        Ok(Asked {
            assessment: self.assessment(&latest, answer.agent()),
            answer,
        })
    }

    /// Adds a probe to the history. A skipped workspace is not added.
    fn answer(&self, latest: &WorkspaceAt, tried: Tried, trace: &Trace) -> Answer {
        match tried {
            Tried::Probed(probed) => Answer::Probed(self.lock().probes.keep(*probed)),
            Tried::Skipped(reason) => Answer::Skipped(Skipped {
                owner: latest.owner.clone(),
                workspace: latest.workspace.clone(),
                agent: self.agent_of(latest, None),
                reason,
                duration: trace.elapsed(),
                story: story(trace),
            }),
        }
    }

    async fn find(&self, reference: &Reference, deadline: Instant) -> Result<WorkspaceAt, Refused> {
        let source = &self.shared.source;
        let unknown = |what: &str| Refused::Unknown(what.to_owned());
        let workspace = match source.find(reference, deadline).await? {
            Found::One {
                workspace,
                agent: None,
            } => workspace,
            Found::One { agent: Some(_), .. } => {
                return Err(unknown("this is an agent; use its workspace"));
            }
            Found::Nothing { near } if near.is_empty() => {
                return Err(unknown("there is no such workspace"));
            }
            Found::Nothing { near } => {
                let near = near.join(", ");
                return Err(Refused::Unknown(format!(
                    "there is no such workspace; there are: {near}"
                )));
            }
            Found::Several(ids) => {
                let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
                let ids = ids.join(", ");
                return Err(Refused::Unknown(format!(
                    "several workspaces have this name; use one of {ids}"
                )));
            }
        };
        let mut latest = source.latest_of(&[workspace]).await?;
        let latest = latest.remove(&workspace);
        latest
            .filter(|latest| !latest.deleted)
            .ok_or_else(|| unknown("there is no such workspace"))
    }

    fn assessment(&self, latest: &WorkspaceAt, agent: Option<&ProbedAgent>) -> Option<Assessment> {
        let id = agent?.id;
        let is_it = |it: &&Candidate| it.agent.id == id;
        let candidate = latest.agents.iter().find(is_it)?;
        let limits = &self.shared.settings.limits;
        Some(assess(&candidate.agent, limits, latest.now))
    }
}

impl Answer {
    /// The probed or skipped agent; `None` if no agent was chosen.
    pub fn agent(&self) -> Option<&ProbedAgent> {
        match self {
            Self::Probed(probed) => probed.agent.as_ref(),
            Self::Skipped(skipped) => skipped.agent.as_ref(),
        }
    }
}

fn too_late() -> Failure {
    let message = "the deadline passed before the database answered";
    Failure::new(ErrorKind::Timeout, message)
}
