//! Finds the workspace or agent that a name or id refers to.

use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::latest::{Candidate, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::report::sanitize::sanitize;
use crate::postgres::database::Database;
use crate::postgres::lookup::directory::Found;

/// The result of a lookup.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedName {
    /// The workspace with the agents of its latest build.
    pub latest: WorkspaceAt,
    /// The named agent; `None` if only a workspace was named. An id may belong to an agent of an
    /// earlier build.
    pub agent: Option<Uuid>,
}

/// Why the lookup has no single result. Names in the messages are sanitized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// No match. These names are similar, as `owner/workspace`.
    #[error("{}", nothing(.0))]
    Nothing(Vec<String>),
    /// Several workspaces match: their ids.
    #[error("several workspaces have this name; give one id:{}", lines(.0))]
    Workspaces(Vec<Uuid>),
    /// Several agents of the workspace match: their ids.
    #[error("several agents have this name; give one id:{}", lines(.0))]
    Agents(Vec<Uuid>),
    /// The workspace has no agent of this name. It has these agents.
    #[error("{}", no_agent(.0))]
    NoAgent(Vec<String>),
    /// The agent's row exists, but it is soft-deleted.
    #[error("the agent is soft-deleted, and Coder does not count it")]
    SoftDeleted {
        /// The workspace that the agent belonged to.
        workspace: Uuid,
    },
    /// The workspace was deleted between two queries.
    #[error("the workspace was deleted just now")]
    Gone,
    /// The database did not answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Looks up the workspace or agent.
///
/// # Errors
///
/// When no row or several rows match, with a list of candidates; when the database does not answer
/// by the deadline.
pub async fn find(
    database: &Database,
    reference: &Reference,
    deadline: Instant,
) -> Result<ResolvedName, Unclear> {
    let (workspace, agent) = match database.find(reference, deadline).await? {
        Found::One { workspace, agent } => (workspace, agent),
        other => return Err(unclear(other)),
    };
    let mut latest = database.latest_of(&[workspace], deadline).await?;
    let latest = latest.remove(&workspace).ok_or(Unclear::Gone)?;
    let agent = match reference {
        Reference::Named {
            agent: Some(name), ..
        } => Some(agent_of(&latest, name)?),
        _ => agent,
    };
    Ok(ResolvedName { latest, agent })
}

/// The error for a lookup without a single workspace.
pub(super) fn unclear(found: Found) -> Unclear {
    match found {
        Found::Nothing { near } => Unclear::Nothing(near),
        Found::Several(ids) => Unclear::Workspaces(ids),
        Found::One { .. } => Unclear::Gone,
    }
}

/// The agent of this name. Coder compares names without case.
pub(super) fn agent_of(latest: &WorkspaceAt, name: &str) -> Result<Uuid, Unclear> {
    let is_it = |it: &&Candidate| it.agent.name.to_lowercase() == name.to_lowercase();
    let named: Vec<_> = latest.agents.iter().filter(is_it).collect();
    match *named {
        [only] => Ok(only.agent.id),
        [] => {
            let names = latest.agents.iter().map(|it| it.agent.name.to_string());
            Err(Unclear::NoAgent(names.collect()))
        }
        _ => Err(Unclear::Agents(
            named.iter().map(|it| it.agent.id).collect(),
        )),
    }
}

fn nothing(near: &[String]) -> String {
    if near.is_empty() {
        return "there is no such workspace or agent, and no workspace with the same owner or name"
            .into();
    }
    let near: Vec<_> = near.iter().map(|it| sanitize(it)).collect();
    format!(
        "there is no such workspace or agent; there are:{}",
        lines(&near)
    )
}

fn no_agent(names: &[String]) -> String {
    if names.is_empty() {
        return "the latest build of that workspace has no agent".into();
    }
    let names: Vec<_> = names.iter().map(|it| sanitize(it)).collect();
    format!("no agent has this name; there are: {}", names.join(", "))
}

/// The items, each on a line of its own.
fn lines(what: &[impl ToString]) -> String {
    let lines = what.iter().map(|it| format!("\n  {}", it.to_string()));
    lines.collect()
}
