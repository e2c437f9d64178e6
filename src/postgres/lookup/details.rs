//! The details of a workspace or agent, for `explain` and for the page of an agent.

use std::collections::HashMap;

use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::Agent;
use crate::fleet::model::agent_parts::AgentParts;
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::latest::{PastAgent, PastBuild, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::rules::health::Limits;
use crate::postgres::collectors::causes::{self, Causes, ToAsk};
use crate::postgres::columns::Columns;
use crate::postgres::connection::session::Session;
use crate::postgres::database::Database;
use crate::postgres::lookup::directory::{
    AGENT_AT, Found, LATEST, ask, find_in, read_agent, read_build, read_latest, reads,
};
use crate::postgres::lookup::parts::{self, parts_of};

const BUILDS: &str = include_str!("builds.sql");

/// The result of a lookup by name or id.
#[derive(Debug, Clone, PartialEq)]
pub enum Gathered {
    /// The details of the workspace.
    One(Box<WorkspaceRows>),
    /// No workspace or several match: [`Found::Nothing`] or [`Found::Several`].
    Not(Found),
}

/// The rows of one workspace, read in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceRows {
    /// The workspace with the agents of its latest build.
    pub latest: WorkspaceAt,
    /// The agent, if the reference is an agent's id.
    pub named: Option<Uuid>,
    /// The row of that agent, of any build; `None` if it is soft-deleted.
    pub seen: Option<Agent>,
    /// The last builds with their agents, newest first.
    pub builds: Vec<PastBuild>,
    /// Why agents have their problems, by their ids.
    pub causes: HashMap<Uuid, Cause>,
    /// The scripts that explain them.
    pub scripts: HashMap<Uuid, Vec<Script>>,
    /// What the template gives the named agent; `None` without one, or if it may not be read.
    pub parts: Option<AgentParts>,
}

impl Database {
    /// Everything about the workspace or agent that is meant by `reference`; an agent's name is
    /// not looked at. At most twelve statements in one transaction, whatever there is.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline, or a grant is missing.
    pub async fn gather(
        &self,
        reference: &Reference,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Gathered, Failure> {
        let wanted = [reads(), causes::READS.to_vec(), parts::READS.to_vec()].concat();
        let session = self.open(wanted, deadline).await?;
        let gathered = match find_in(&session, reference).await? {
            Found::One { workspace, agent } => {
                workspace_rows(&session, workspace, agent, limits).await?
            }
            other => Gathered::Not(other),
        };
        session.finish().await;
        Ok(gathered)
    }
}

async fn workspace_rows(
    session: &Session,
    workspace: Uuid,
    named: Option<Uuid>,
    limits: &Limits,
) -> Result<Gathered, Failure> {
    let ids = [workspace].to_vec();
    let ids: &[(&(dyn ToSql + Sync), Type)] = &[(&ids, Type::UUID_ARRAY)];
    let id: &[(&(dyn ToSql + Sync), Type)] = &[(&workspace, Type::UUID)];
    let agent: &[(&(dyn ToSql + Sync), Type)] = &[(&named, Type::UUID)];
    // They need nothing of each other, and share one round trip.
    let (latest, builds, seen, parts) = tokio::join!(
        biased;
        ask(session, "latest", LATEST, ids),
        ask(session, "builds", BUILDS, id),
        async {
            match named {
                Some(_) => ask(session, "sighting", AGENT_AT, agent).await,
                None => Ok(Vec::new()),
            }
        },
        async {
            match named {
                Some(agent) => parts_of(session, agent).await,
                None => Ok(None),
            }
        }
    );
    let mut latest = read_latest(&latest?, session)?;
    let Some(latest) = latest.remove(&workspace) else {
        // One transaction sees one database: what was found is there.
        return Ok(Gathered::Not(Found::Nothing { near: Vec::new() }));
    };
    let seen = seen?;
    let seen = seen.first().map(read_agent).transpose()?;
    let builds = read_builds(&builds?)?;
    let causes = causes(session, &latest, seen.as_ref(), limits).await?;
    Ok(Gathered::One(Box::new(WorkspaceRows {
        latest,
        named,
        seen,
        builds,
        causes: causes.of_agents,
        scripts: causes.scripts,
        parts: parts?,
    })))
}

/// Causes that may not be read cost the causes alone.
async fn causes(
    session: &Session,
    latest: &WorkspaceAt,
    seen: Option<&Agent>,
    limits: &Limits,
) -> Result<Causes, Failure> {
    let catalog = &session.catalog;
    if catalog.check(causes::READS).is_err() {
        return Ok(Causes::default());
    }
    let agents = latest.agents.iter().map(|it| &it.agent);
    let to_ask = ToAsk::about(agents.chain(seen), limits, latest.now);
    let work = async { causes::load(session.client()?, catalog, &to_ask, latest.now).await };
    session.guarded("causes", work).await
}

fn read_builds(rows: &[Row]) -> Result<Vec<PastBuild>, Failure> {
    let mut builds: Vec<PastBuild> = Vec::new();
    let columns = Columns::default();
    for row in rows {
        let row = columns.of(row);
        let agent = PastAgent {
            id: row
                .get("id")?
                .ok_or_else(|| Failure::new(ErrorKind::Decode, "an agent has no id"))?,
            name: row.string("name")?.into(),
            lifecycle: row.named("lifecycle_state")?,
            created_at: row.get("created_at")?,
            first_connected_at: row.get("first_connected_at")?,
            ready_at: row.get("ready_at")?,
        };
        let number = row.get("build_number")?.unwrap_or_default();
        match builds.last_mut().filter(|it| it.build.number == number) {
            Some(same) => same.agents.push(agent),
            None => builds.push(PastBuild {
                build: read_build(number, row)?,
                agents: vec![agent],
            }),
        }
    }
    Ok(builds)
}
