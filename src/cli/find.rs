//! From what a person wrote to the workspace that is meant.

use anyhow::{anyhow, bail};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::SettingError;
use crate::fleet::latest::{Candidate, Latest};
use crate::fleet::printable::printable;
use crate::fleet::reference::Reference;
use crate::postgres::database::Database;
use crate::postgres::directory::Found;

use super::{CommandError, PATIENCE};

/// What was asked for, read.
pub(super) struct Meant {
    /// The workspace with the agents of its latest build.
    pub(super) latest: Latest,
    /// The one agent that was named, if one was; of whatever build when named by its id.
    pub(super) agent: Option<Uuid>,
}

/// Reads what was written on the command line.
///
/// # Errors
///
/// When it names nothing: a wrong argument.
pub(super) fn reference(text: &str) -> Result<Reference, SettingError> {
    text.parse::<Reference>().map_err(|error| {
        // Not repeated where it may be the database URL, with its password.
        let shown = match text.contains("://") {
            true => "that".to_owned(),
            false => printable(text),
        };
        SettingError::new(&shown, error.to_string())
    })
}

/// Finds what is meant.
///
/// # Errors
///
/// When nothing or more than one thing is called that, saying what there is; when the database
/// does not answer.
pub(super) async fn find(
    database: &Database,
    reference: &Reference,
) -> Result<Meant, CommandError> {
    let found = database.find(reference, Instant::now() + PATIENCE).await;
    let (workspace, agent) = match found.map_err(|failure| anyhow!("{failure}"))? {
        Found::One { workspace, agent } => (workspace, agent),
        Found::Nothing { near } => return Err(nothing(&near).into()),
        Found::Several(ids) => {
            let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
            let ids = ids.join("\n  ");
            return Err(
                anyhow!("several workspaces are called that; give one id:\n  {ids}").into(),
            );
        }
    };
    let ids = [workspace];
    let latest = database.latest_of(&ids, Instant::now() + PATIENCE);
    let mut latest = latest.await.map_err(|failure| anyhow!("{failure}"))?;
    let latest = latest.remove(&workspace);
    let latest = latest.ok_or_else(|| anyhow!("the workspace was deleted just now"))?;
    let named = match reference {
        Reference::Named {
            agent: Some(name), ..
        } => Some(agent_of(&latest, name)?),
        _ => agent,
    };
    Ok(Meant {
        latest,
        agent: named,
    })
}

fn nothing(near: &[String]) -> anyhow::Error {
    if near.is_empty() {
        return anyhow!("there is no such workspace or agent, nor one of the same owner or name");
    }
    let near: Vec<_> = near.iter().map(|it| printable(it)).collect();
    let near = near.join("\n  ");
    anyhow!("there is no such workspace or agent; there are:\n  {near}")
}

/// The agent of that name, which Coder compares without case.
fn agent_of(latest: &Latest, name: &str) -> anyhow::Result<Uuid> {
    let is_it = |it: &&Candidate| it.agent.name.to_lowercase() == name.to_lowercase();
    let named: Vec<_> = latest.agents.iter().filter(is_it).collect();
    match *named {
        [only] => Ok(only.agent.id),
        [] => {
            let names = latest.agents.iter().map(|it| printable(&it.agent.name));
            let names: Vec<_> = names.collect();
            match names.is_empty() {
                true => bail!("the latest build of that workspace has no agent"),
                false => bail!("no agent is called that; there are: {}", names.join(", ")),
            }
        }
        _ => {
            let ids: Vec<_> = named.iter().map(|it| it.agent.id.to_string()).collect();
            bail!(
                "several agents are called that; give one id:\n  {}",
                ids.join("\n  ")
            )
        }
    }
}
