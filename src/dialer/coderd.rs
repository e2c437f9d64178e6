//! Asks Coder which ports an agent listens on: coderd then dials the agent itself, and answers
//! within 30 s.

use std::sync::Arc;
use std::time::Duration;

use crate::coder_api::CoderApi;
use crate::error::Failure;
use crate::resolver::{DialError, Dialer, Target};

use super::answer::judge;

/// coderd bounds a dial at 30 s and answers then: its answer is worth waiting for.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(35);

/// Has Coder dial, with our token.
#[derive(Debug, Clone)]
pub struct Coderd(Arc<CoderApi>);

impl Coderd {
    /// One that asks this Coder.
    pub fn new(api: Arc<CoderApi>) -> Self {
        Self(api)
    }
}

impl Dialer for Coderd {
    /// Nothing: the connection was coderd's, and is over.
    type Connection = ();

    async fn dial(&self, target: &Target) -> Result<(), DialError> {
        let id = target.agent_id.to_string();
        let path = ["api", "v2", "workspaceagents", &id, "listening-ports"];
        let answer = self.0.ask_with_token(&path).await;
        judge(answer.map_err(DialError::Exporter)?)
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(TIME_LIMIT)
    }

    async fn check_up(&self) -> Result<(), Failure> {
        self.0.healthz().await.map(drop)
    }

    /// The agent reports the connection that coderd makes to it.
    fn counts_as_use(&self) -> bool {
        true
    }
}
