//! The details of one workspace or agent, for `explain` and for the page of an agent.

mod find;

use tokio::time::Instant;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind};
use crate::fleet::model::agent_parts::{AgentParts, Monitor, ScriptState};
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

/// The details of a workspace, read at the time [`WorkspaceAt::now`].
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceDetails {
    /// The workspace with all agents of its latest build.
    pub latest: WorkspaceAt,
    /// The verdict of `wait`: whether the workspace is ready.
    pub readiness: Readiness,
    /// The requested agent; otherwise all agents of the latest build.
    pub agents: Vec<AgentDetails>,
    /// The requested agent; `None` if a workspace was requested.
    pub asked: Option<Uuid>,
    /// The last builds with their agents, newest first.
    pub builds: Vec<PastBuild>,
    /// What the template gives the requested agent; `None` if it was not asked for by its id, or if
    /// that may not be read.
    pub parts: Option<AgentParts>,
    /// The limits that the rules used.
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
        let parts = self.parts.as_ref().map_or(0, |it| {
            let scripts = it.scripts.len() * (size_of::<ScriptState>() + TEXTS);
            let monitors = it.monitors.len() * (size_of::<Monitor>() + TEXTS);
            scripts + monitors + it.troubleshooting_url.as_ref().map_or(0, |it| it.len())
        });
        size_of::<Self>() + agents + builds.sum::<usize>() + parts
    }
}

/// The details of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentDetails {
    /// The agent's row, of the latest or an earlier build.
    pub agent: Agent,
    /// Status and health, with the rules that decided them.
    pub explanation: Explanation,
    /// Why it has its problem, where that is known.
    pub cause: Option<Cause>,
    /// The scripts that explain it.
    pub scripts: Vec<Script>,
    /// Whether it belongs to the latest build. Other agents are not counted in metrics.
    pub is_of_latest_build: bool,
}

impl AgentDetails {
    /// Whether it has a problem that others may have too, for one cause.
    pub fn may_be_in_an_incident(&self) -> bool {
        let is_problem = self.explanation.assessment.health.is_problem();
        let is_counted = matches!(self.agent.kind, Kind::Root | Kind::Prebuild);
        is_problem && is_counted && self.is_of_latest_build
    }
}

/// Reads the details of `reference` from the database, in one transaction.
///
/// # Errors
///
/// When no row or several rows match, with a list of candidates; when the database does not answer.
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
        parts,
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
        parts,
        limits,
    })
}
