//! All there is to tell about one workspace or agent: what `explain` prints and an agent's page
//! shows.

mod find;

use tokio::time::Instant;
use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::latest::{Candidate, PastAgent, PastBuild, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::rules::explain::{Explanation, explain};
use crate::fleet::rules::health::Limits;
use crate::postgres::database::Database;
use crate::postgres::lookup::details::{Gathered, WorkspaceRows};
use crate::resolver::{Readiness, verdict};

pub use find::{ResolvedName, Unclear, find};
use find::{agent_of, unclear};

/// Everything that is known, true at the moment of [`WorkspaceAt::now`].
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceDetails {
    /// The workspace with all agents of its latest build.
    pub latest: WorkspaceAt,
    /// Whether it can be used.
    pub readiness: Readiness,
    /// The one agent that was asked about, else all of the latest build.
    pub agents: Vec<AgentDetails>,
    /// The agent that was asked about.
    pub asked: Option<Uuid>,
    /// The last builds with agents, the newest first.
    pub builds: Vec<PastBuild>,
    /// What the rules were applied with.
    pub limits: Limits,
}

impl WorkspaceDetails {
    /// About how much memory it takes, for a cache that has a limit. A name or version counts as
    /// long as it may be at most.
    pub fn memory_bytes(&self) -> usize {
        /// Of the names of an agent, and of the sentences that explain it.
        const TEXTS: usize = 1024;
        let agents = self.latest.agents.len() * (size_of::<Candidate>() + TEXTS)
            + self.agents.len() * (size_of::<AgentDetails>() + TEXTS);
        let builds = self.builds.iter().map(|it| {
            let error = it.build.error.as_ref().map_or(0, |it| it.len());
            size_of::<PastBuild>() + error + it.agents.len() * (size_of::<PastAgent>() + TEXTS)
        });
        size_of::<Self>() + agents + builds.sum::<usize>()
    }
}

/// One agent, and why it is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentDetails {
    /// Its row.
    pub agent: Agent,
    /// The rules that decided.
    pub explanation: Explanation,
    /// Why it has its problem, where that is known.
    pub cause: Option<Cause>,
    /// The scripts that explain it.
    pub scripts: Vec<Script>,
    /// One of an earlier build is not counted anywhere.
    pub is_of_latest_build: bool,
}

/// Asks the database about what is meant by `reference`, once and for one moment.
///
/// # Errors
///
/// When nothing or more than one thing is called that, saying what there is; when the database
/// does not answer.
pub async fn read_details(
    database: &Database,
    reference: &Reference,
    limits: Limits,
    deadline: Instant,
) -> Result<WorkspaceDetails, Unclear> {
    match database.gather(reference, &limits, deadline).await? {
        Gathered::One(rows) => details_of(*rows, reference, limits),
        Gathered::Not(found) => Err(unclear(found)),
    }
}

fn details_of(
    rows: WorkspaceRows,
    reference: &Reference,
    limits: Limits,
) -> Result<WorkspaceDetails, Unclear> {
    let WorkspaceRows {
        latest,
        named,
        seen,
        builds,
        causes,
        scripts,
    } = rows;
    let asked = match reference {
        Reference::Named {
            agent: Some(name), ..
        } => Some(agent_of(&latest, name)?),
        _ => named,
    };
    let agent_details = |agent: &Agent, is_of_latest_build| AgentDetails {
        explanation: explain(agent, &limits, latest.now),
        cause: causes.get(&agent.id).copied(),
        scripts: scripts.get(&agent.id).cloned().unwrap_or_default(),
        agent: agent.clone(),
        is_of_latest_build,
    };
    let is_asked = |it: &&Candidate| asked.is_none_or(|asked| asked == it.agent.id);
    let of_latest = latest.agents.iter().filter(is_asked);
    let mut agents: Vec<_> = of_latest.map(|it| agent_details(&it.agent, true)).collect();
    if asked.is_some() && agents.is_empty() {
        let workspace = latest.workspace_id;
        let seen = seen.ok_or(Unclear::SoftDeleted { workspace })?;
        agents.push(agent_details(&seen, false));
    }
    Ok(WorkspaceDetails {
        readiness: verdict(Some(&latest), &limits),
        latest,
        agents,
        asked,
        builds,
        limits,
    })
}
