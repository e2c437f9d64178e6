//! One workspace on demand, in the style of multi-target exporters.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

use super::Probe;
use crate::fleet::health::{Assessment, assess};
use crate::fleet::latest::{Candidate, Latest};
use crate::fleet::outcome::ProbeOutcome;
use crate::fleet::pass::{ErrorKind, Failure};
use crate::fleet::probed::Probed;
use crate::fleet::reference::Reference;
use crate::postgres::directory::Found;
use crate::resolver::{Dialer, Trace};

/// A place is free within milliseconds, most of the time.
const PATIENCE: Duration = Duration::from_secs(1);

/// What came of probing one workspace.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As it is recorded.
    pub probed: Arc<Probed>,
    /// The agent's status and health by the database, before it was dialed.
    pub assessment: Option<Assessment>,
}

/// Why a workspace was not probed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is called that; a sentence that says what comes near.
    #[error("{0}")]
    Unknown(String),
    /// All places are taken.
    #[error("too many probes at once: see --probe.concurrency")]
    Busy,
    /// The database did not say.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl<L: Dialer> Probe<L> {
    /// Probes one workspace by `deadline`.
    ///
    /// # Errors
    ///
    /// When there is no such workspace, no place for one more dial, or no answer from the
    /// database.
    pub async fn ask(&self, reference: &Reference, deadline: Instant) -> Result<Asked, Refused> {
        let patience = deadline.min(Instant::now() + PATIENCE);
        let Ok(Ok(_place)) = timeout_at(patience, self.shared.places.acquire()).await else {
            return Err(Refused::Busy);
        };
        let trace = Trace::default();
        // A question of a round may be before ours, and take as long as it may itself.
        let found = timeout_at(deadline, self.find(reference, deadline)).await;
        let latest = found.map_err(|_| too_late())??;
        let allowed = deadline.saturating_duration_since(Instant::now());
        // Some of the time is kept for what the database is asked after a timeout.
        let settings = &self.shared.settings.resolver;
        let kept = settings.validation_delay.min(allowed / 4);
        let dial_timeout = settings.dial_timeout.min(allowed - kept);
        let resolver = &self.shared.resolver;
        let workspace = latest.workspace_id;
        let connecting =
            resolver.connect_within(workspace, dial_timeout, sleep_until(deadline), &trace);
        let result = connecting.await;
        resolver.release(workspace);
        let probed = match &result {
            Ok(result) => self.probed(&latest, result, &trace),
            // The scraper's time is up, which says nothing of the agent.
            Err(()) => {
                let message = "the deadline passed first".into();
                let outcome = ProbeOutcome::ExporterError;
                self.of(&latest, None, outcome, message, &trace)
            }
        };
        let probed = self.lock().probes.keep(probed);
        Ok(Asked {
            assessment: self.assessment(&latest, &probed),
            probed,
        })
    }

    async fn find(&self, reference: &Reference, deadline: Instant) -> Result<Latest, Refused> {
        let directory = self.shared.resolver.directory();
        let unknown = |what: &str| Refused::Unknown(what.to_owned());
        let workspace = match directory.find(reference, deadline).await? {
            Found::One {
                workspace,
                agent: None,
            } => workspace,
            Found::One { agent: Some(_), .. } => {
                return Err(unknown("that is an agent: give its workspace"));
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
                    "several workspaces are called that: give one of {ids}"
                )));
            }
        };
        let mut latest = directory.latest_of(&[workspace]).await?;
        let latest = latest.remove(&workspace);
        latest
            .filter(|latest| !latest.deleted)
            .ok_or_else(|| unknown("there is no such workspace"))
    }

    fn assessment(&self, latest: &Latest, probed: &Probed) -> Option<Assessment> {
        let id = probed.agent.as_ref()?.id;
        let is_it = |it: &&Candidate| it.agent.id == id;
        let candidate = latest.agents.iter().find(is_it)?;
        let limits = &self.shared.settings.limits;
        Some(assess(&candidate.agent, limits, latest.now))
    }
}

fn too_late() -> Failure {
    let message = "the deadline passed before the database answered";
    Failure::new(ErrorKind::Timeout, message)
}
