//! What the probe asks of the database, so that rounds can be tested without one.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use uuid::Uuid;

use crate::activity::ReportSource;
use crate::collect::Collect;
use crate::error::Failure;
use crate::fleet::model::latest::{AgentAt, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::stats::collection::CollectionResult;
use crate::postgres::lookup::directory::{Found, QUESTION_TIMEOUT};
use crate::resolver::Target;

/// Where the probe reads fleet, workspaces and agents.
///
/// Implementations answer one question at a time, so that the probe never takes more than one
/// connection and a scrape finds one of its own.
pub trait Source: ReportSource + Clone {
    /// The whole fleet, by `deadline`.
    fn fleet(&self, deadline: Instant) -> impl Future<Output = Arc<CollectionResult>> + Send;

    /// These workspaces with the agents of their latest builds; those that do not exist are left
    /// out.
    fn latest_of(
        &self,
        workspaces: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, WorkspaceAt>, Failure>> + Send;

    /// One agent by its id; `None` when its row is gone or soft-deleted.
    fn agent(&self, agent: Uuid) -> impl Future<Output = Result<Option<AgentAt>, Failure>> + Send;

    /// Workspaces with a chat that is bound to an agent of an earlier build, and that agent.
    fn stale_bindings(&self)
    -> impl Future<Output = Result<HashMap<Uuid, Target>, Failure>> + Send;

    /// What a person meant, by `deadline`.
    fn find(
        &self,
        reference: &Reference,
        deadline: Instant,
    ) -> impl Future<Output = Result<Found, Failure>> + Send;
}

impl Source for Collect {
    async fn fleet(&self, deadline: Instant) -> Arc<CollectionResult> {
        self.collection(deadline).await
    }

    async fn latest_of(&self, workspaces: &[Uuid]) -> Result<HashMap<Uuid, WorkspaceAt>, Failure> {
        let _turn = self.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.database().latest_of(workspaces, deadline).await
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        let _turn = self.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.database().agent_at(agent, deadline).await
    }

    async fn stale_bindings(&self) -> Result<HashMap<Uuid, Target>, Failure> {
        let _turn = self.turn().await;
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        self.database().stale_bindings(deadline).await
    }

    async fn find(&self, reference: &Reference, deadline: Instant) -> Result<Found, Failure> {
        let _turn = self.turn().await;
        let deadline = deadline.min(Instant::now() + QUESTION_TIMEOUT);
        self.database().find(reference, deadline).await
    }
}
