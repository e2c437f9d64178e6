//! The database as a round of probes asks it: one question for all of its workspaces.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::collect::Collect;
use crate::fleet::latest::{Latest, Sighting};
use crate::fleet::pass::Failure;
use crate::fleet::reference::Reference;
use crate::postgres::directory::{Found, QUESTION_TIMEOUT};
use crate::resolver::{Directory, Target};

/// An answer this young is good enough for whoever doubts a binding: a build takes longer.
const FRESH: Duration = Duration::from_secs(1);

/// Asks one question at a time, whatever the number of dials, so that the probe never takes
/// more than one connection and a scrape finds one of its own.
///
/// What one workspace of the round wants to know is asked for all of them: while a round lasts,
/// the number of questions follows its seconds and not its workspaces.
pub(super) struct Questions {
    collect: Collect,
    round: Mutex<Round>,
}

#[derive(Default)]
struct Round {
    workspaces: Vec<Uuid>,
    latest: HashMap<Uuid, Latest>,
    asked: Option<Instant>,
}

impl Questions {
    pub(super) fn new(collect: Collect) -> Self {
        Self {
            collect,
            round: Mutex::default(),
        }
    }

    /// Begins a round of these workspaces: how they are now.
    pub(super) async fn begin(
        &self,
        workspaces: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Latest>, Failure> {
        let mut round = self.round.lock().await;
        *round = Round {
            workspaces,
            ..Round::default()
        };
        self.refresh(&mut round).await?;
        Ok(round.latest.clone())
    }

    /// How these workspaces are now.
    pub(super) async fn latest_of(
        &self,
        workspaces: &[Uuid],
    ) -> Result<HashMap<Uuid, Latest>, Failure> {
        let _turn = self.collect.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.collect
            .database()
            .latest_of(workspaces, deadline)
            .await
    }

    /// Workspaces with a stale binding, and the agent they are bound to.
    pub(super) async fn stale_bindings(&self) -> Result<HashMap<Uuid, Target>, Failure> {
        let _turn = self.collect.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.collect.database().stale_bindings(deadline).await
    }

    /// What a person meant.
    pub(super) async fn find(
        &self,
        reference: &Reference,
        deadline: Instant,
    ) -> Result<Found, Failure> {
        let _turn = self.collect.turn().await;
        let deadline = deadline.min(Instant::now() + QUESTION_TIMEOUT);
        self.collect.database().find(reference, deadline).await
    }

    async fn refresh(&self, round: &mut Round) -> Result<(), Failure> {
        let asked = Instant::now();
        round.latest = self.latest_of(&round.workspaces).await?;
        round.asked = Some(asked);
        Ok(())
    }
}

impl Directory for Questions {
    async fn latest(&self, workspace: Uuid) -> Result<Option<Latest>, Failure> {
        let mut round = self.round.lock().await;
        if !round.workspaces.contains(&workspace) {
            drop(round);
            let mut latest = self.latest_of(&[workspace]).await?;
            return Ok(latest.remove(&workspace));
        }
        if round.asked.is_none_or(|asked| asked.elapsed() > FRESH) {
            self.refresh(&mut round).await?;
        }
        Ok(round.latest.get(&workspace).cloned())
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<Sighting>, Failure> {
        let _turn = self.collect.turn().await;
        self.collect.database().agent(agent).await
    }
}
