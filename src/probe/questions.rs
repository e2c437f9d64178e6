//! The database as a round of probes asks it: one question for all of its workspaces.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::resolver::Directory;

use super::source::Source;

/// An answer this young is good enough for a caller that doubts a binding: a build takes longer.
const FRESH: Duration = Duration::from_secs(1);

/// What one workspace of the round wants to know is asked for all of them: while a round lasts,
/// the number of questions follows its seconds and not its workspaces.
pub(super) struct Questions<S> {
    source: S,
    round: Mutex<Round>,
}

#[derive(Default)]
struct Round {
    workspaces: Vec<Uuid>,
    latest: HashMap<Uuid, WorkspaceAt>,
    asked: Option<Instant>,
}

impl<S: Source> Questions<S> {
    pub(super) fn new(source: S) -> Self {
        Self {
            source,
            round: Mutex::default(),
        }
    }

    /// Begins a round of these workspaces: how they are now.
    pub(super) async fn begin(
        &self,
        workspaces: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, WorkspaceAt>, Failure> {
        let mut round = self.round.lock().await;
        *round = Round {
            workspaces,
            ..Round::default()
        };
        self.refresh(&mut round).await?;
        Ok(round.latest.clone())
    }

    async fn refresh(&self, round: &mut Round) -> Result<(), Failure> {
        let asked = Instant::now();
        round.latest = self.source.latest_of(&round.workspaces).await?;
        round.asked = Some(asked);
        Ok(())
    }
}

impl<S: Source> Directory for Questions<S> {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        let mut round = self.round.lock().await;
        if !round.workspaces.contains(&workspace) {
            drop(round);
            let mut latest = self.source.latest_of(&[workspace]).await?;
            return Ok(latest.remove(&workspace));
        }
        if round.asked.is_none_or(|asked| asked.elapsed() > FRESH) {
            self.refresh(&mut round).await?;
        }
        Ok(round.latest.get(&workspace).cloned())
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        self.source.agent(agent).await
    }
}
