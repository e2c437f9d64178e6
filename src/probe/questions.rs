//! The database as a round uses it: one query for all workspaces of the round.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::resolver::Directory;

use super::source::Source;

/// Maximum age of an answer for a validation. A build takes longer than this.
const FRESH: Duration = Duration::from_secs(1);

/// Combines queries of a round: a query for one workspace is made for all of them. So the number of
/// queries depends on the duration of the round and not on its size.
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

    /// Starts a round of these workspaces, and reads them.
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

    /// A workspace as it is after this moment. All who want to know of the workspaces of a round
    /// within a second are answered by one question.
    pub(super) async fn latest_after(
        &self,
        workspace: Uuid,
        moment: Instant,
    ) -> Result<Option<WorkspaceAt>, Failure> {
        loop {
            let mut round = self.round.lock().await;
            if !round.workspaces.contains(&workspace) {
                drop(round);
                return self.only(workspace).await;
            }
            if let Some(asked) = round.asked.filter(|asked| *asked <= moment) {
                let next = asked + FRESH;
                if Instant::now() < next {
                    // Others ask meanwhile.
                    drop(round);
                    sleep_until(next).await;
                    continue;
                }
                self.refresh(&mut round).await?;
            }
            return Ok(round.latest.get(&workspace).cloned());
        }
    }

    async fn only(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        let mut latest = self.source.latest_of(&[workspace]).await?;
        Ok(latest.remove(&workspace))
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
            return self.only(workspace).await;
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
