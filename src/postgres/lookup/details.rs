//! All there is to know about one workspace or agent, at one moment: what `explain` and an
//! agent's page ask.

use std::collections::HashMap;

use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::Agent;
use crate::fleet::model::latest::{PastAgent, PastBuild, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::model::snapshot::Cause;
use crate::fleet::rules::health::{Health, Limits, assess};
use crate::postgres::collectors::causes;
use crate::postgres::columns::Columns;
use crate::postgres::connection::session::Session;
use crate::postgres::database::Database;
use crate::postgres::lookup::directory::{
    AGENT_AT, Found, LATEST, ask, find_in, read_agent, read_build, read_latest, reads,
};

const BUILDS: &str = include_str!("builds.sql");

/// What the database says about what a person named.
#[derive(Debug, Clone, PartialEq)]
pub enum Gathered {
    /// All about the one workspace that is meant.
    One(Box<WorkspaceRows>),
    /// No workspace is meant, or several may be: [`Found::Nothing`] or [`Found::Several`].
    Not(Found),
}

/// One workspace, true at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceRows {
    /// The workspace with the agents of its latest build.
    pub latest: WorkspaceAt,
    /// The agent that was named by its id.
    pub named: Option<Uuid>,
    /// That agent as its row is, whatever build it belongs to; `None` when it is soft-deleted.
    pub seen: Option<Agent>,
    /// The last builds with agents, the newest first.
    pub builds: Vec<PastBuild>,
    /// Why agents are stuck in `created`; only those that are.
    pub causes: HashMap<Uuid, Cause>,
}

impl Database {
    /// Everything about the workspace or agent that is meant by `reference`; an agent's name is
    /// not looked at. At most five statements in one transaction, whatever there is.
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
        let session = self.open(reads(), deadline).await?;
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
    let (latest, builds, seen) = tokio::join!(
        biased;
        ask(session, "latest", LATEST, ids),
        ask(session, "builds", BUILDS, id),
        async {
            match named {
                Some(_) => ask(session, "sighting", AGENT_AT, agent).await,
                None => Ok(Vec::new()),
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
        causes,
    })))
}

async fn causes(
    session: &Session,
    latest: &WorkspaceAt,
    seen: Option<&Agent>,
    limits: &Limits,
) -> Result<HashMap<Uuid, Cause>, Failure> {
    let agents = latest.agents.iter().map(|it| &it.agent);
    let stuck: Vec<_> = agents
        .chain(seen)
        .filter(|it| assess(it, limits, latest.now).health == Health::StuckCreated)
        .map(|it| it.id)
        .collect();
    if stuck.is_empty() {
        return Ok(HashMap::new());
    }
    let work = async { causes::load(session.client()?, &stuck).await };
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
