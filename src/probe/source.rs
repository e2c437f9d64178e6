//! The queries of the probe as a trait, so that tests need no database.

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

/// Reads the fleet, workspaces and agents for the probe.
///
/// An implementation runs one query at a time. So the probe uses at most one connection, and a
/// scrape finds one free.
pub trait Source: ReportSource + Clone {
    /// A collection of the whole fleet, by `deadline`.
    fn fleet(&self, deadline: Instant) -> impl Future<Output = Arc<CollectionResult>> + Send;

    /// These workspaces with the agents of their latest builds. Workspaces that do not exist are
    /// left out.
    fn latest_of(
        &self,
        workspaces: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, WorkspaceAt>, Failure>> + Send;

    /// The agent with this id; `None` if its row does not exist or is soft-deleted.
    fn agent(&self, agent: Uuid) -> impl Future<Output = Result<Option<AgentAt>, Failure>> + Send;

    /// Workspaces with a chat that is bound to an agent of an earlier build, each with that agent.
    fn stale_bindings(&self)
    -> impl Future<Output = Result<HashMap<Uuid, Target>, Failure>> + Send;

    /// The workspace or agent that a name or id refers to, by `deadline`.
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
