//! Queries about single workspaces and agents, for the resolver and the commands
//! (`docs/spec/resolver.md` and `docs/spec/command-line.md`).
//!
//! Each query is one statement in its own read-only transaction, for any number of workspaces.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::Agent;
use crate::fleet::model::latest::{AgentAt, Build, Candidate, WorkspaceAt};
use crate::fleet::model::reference::Reference;
use crate::fleet::stats::collection::Collector;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::collectors::agents::Reader;
use crate::postgres::collectors::row;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::connection::session::Session;
use crate::postgres::database::Database;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;
use crate::resolver::{Directory, Target};

pub(crate) const LATEST: &str = include_str!("latest.sql");
pub(crate) const AGENT_AT: &str = include_str!("agent_at.sql");
const STALE_BINDINGS: &str = include_str!("stale_bindings.sql");
const FIND: &str = include_str!("find.sql");

/// Timeout of a query, which usually takes milliseconds. It is the default of the validation delay,
/// after which the resolver does not wait.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Columns that are read in addition to those of the agents collector.
const MORE: &[ColumnSet] = &[
    ColumnSet::of("provisioner_jobs", &["id", "job_status", "error"]),
    ColumnSet::of("workspace_agents", &[]).since(&["display_order"]),
];

/// Columns that these queries read.
pub fn reads() -> Vec<ColumnSet> {
    [row(Collector::Agents).reads, MORE].concat()
}

/// The result of a lookup by name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One workspace, and the agent if the reference is an agent's id.
    One {
        /// `workspaces.id`.
        workspace: Uuid,
        /// `workspace_agents.id`, of any build.
        agent: Option<Uuid>,
    },
    /// No workspace or agent matches.
    Nothing {
        /// Workspaces with the same owner or the same name, as `owner/workspace`; the number is
        /// limited.
        near: Vec<String>,
    },
    /// Several matches, by id: names that differ only in case.
    Several(Vec<Uuid>),
}

impl Database {
    /// These workspaces with the agents of their latest builds. Workspaces that do not exist are
    /// left out.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline, or a grant is missing.
    pub async fn latest_of(
        &self,
        workspaces: &[Uuid],
        deadline: Instant,
    ) -> Result<HashMap<Uuid, WorkspaceAt>, Failure> {
        let session = self.open(reads(), deadline).await?;
        let params: &[(&(dyn ToSql + Sync), Type)] = &[(&workspaces, Type::UUID_ARRAY)];
        let rows = ask(&session, "latest", LATEST, params).await?;
        let latest = read_latest(&rows, &session)?;
        session.finish().await;
        Ok(latest)
    }

    /// The agent with this id, of any build; `None` if its row does not exist or is soft-deleted.
    ///
    /// # Errors
    ///
    /// The same as [`latest_of`](Self::latest_of).
    pub async fn agent_at(
        &self,
        agent: Uuid,
        deadline: Instant,
    ) -> Result<Option<AgentAt>, Failure> {
        let session = self.open(reads(), deadline).await?;
        let rows = ask(&session, "sighting", AGENT_AT, &[(&agent, Type::UUID)]).await?;
        let row = rows.first();
        let agent = row.map(read_agent).transpose()?;
        let now = session.moment.now;
        session.finish().await;
        Ok(agent.map(|agent| AgentAt { now, agent }))
    }

    /// Workspaces with a chat that is bound to an agent of an earlier build, each with that agent;
    /// empty if this Coder has no bound chats.
    ///
    /// # Errors
    ///
    /// The same as [`latest_of`](Self::latest_of).
    pub async fn stale_bindings(
        &self,
        deadline: Instant,
    ) -> Result<HashMap<Uuid, Target>, Failure> {
        let bindings = row(Collector::Bindings).reads;
        let wanted = [reads(), bindings.to_vec()].concat();
        let session = self.open(wanted, deadline).await?;
        if !session.catalog.has("chats", "agent_id") {
            session.finish().await;
            return Ok(HashMap::new());
        }
        session.catalog.check(bindings)?;
        let rows = ask(&session, "stale_bindings", STALE_BINDINGS, &[]).await?;
        session.finish().await;
        let columns = Columns::default();
        rows.iter()
            .map(|row| {
                let row = columns.of(row);
                let workspace_id = row.get("workspace_id")?.unwrap_or_default();
                let target = Target {
                    workspace_id,
                    workspace: row.string("workspace")?.into(),
                    owner: row.string("owner")?.into(),
                    agent_id: row.get("agent_id")?.unwrap_or_default(),
                    agent: row.string("agent")?.into(),
                    // What is bound here is not the latest build's.
                    is_external: false,
                };
                Ok((workspace_id, target))
            })
            .collect()
    }

    /// Finds the workspace or agent that `reference` names. The name of an agent is ignored,
    /// because it is looked up among the agents of the workspace.
    ///
    /// # Errors
    ///
    /// The same as [`latest_of`](Self::latest_of).
    pub async fn find(&self, reference: &Reference, deadline: Instant) -> Result<Found, Failure> {
        let session = self.open(reads(), deadline).await?;
        let found = find_in(&session, reference).await?;
        session.finish().await;
        Ok(found)
    }
}

impl Directory for Database {
    async fn latest(&self, workspace: Uuid) -> Result<Option<WorkspaceAt>, Failure> {
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        let mut latest = self.latest_of(&[workspace], deadline).await?;
        Ok(latest.remove(&workspace))
    }

    async fn agent(&self, agent: Uuid) -> Result<Option<AgentAt>, Failure> {
        self.agent_at(agent, Instant::now() + QUESTION_TIMEOUT)
            .await
    }

    async fn is_start_queued(&self, workspace: Uuid) -> Result<bool, Failure> {
        let deadline = Instant::now() + QUESTION_TIMEOUT;
        Database::is_start_queued(self, workspace, deadline).await
    }
}

/// As [`Database::find`], in an open session.
pub(crate) async fn find_in(session: &Session, reference: &Reference) -> Result<Found, Failure> {
    let (id, owner, workspace) = match reference {
        Reference::Id(id) => (Some(*id), None, None),
        Reference::Named {
            owner, workspace, ..
        } => (None, Some(&**owner), Some(&**workspace)),
    };
    let params: &[(&(dyn ToSql + Sync), Type)] = &[
        (&id, Type::UUID),
        (&owner, Type::TEXT),
        (&workspace, Type::TEXT),
    ];
    let rows = ask(session, "find", FIND, params).await?;
    found(&rows)
}

/// Runs one statement behind a savepoint. The session has already looked up its columns.
pub(crate) async fn ask(
    session: &Session,
    name: &str,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, Failure> {
    session.catalog.check_supported()?;
    session.catalog.check(&reads())?;
    let sql = for_catalog(sql, &session.catalog);
    let work = async {
        let rows = session.client()?.query_typed(&sql, params).await;
        rows.map_err(|error| from_driver("reading workspaces", error))
    };
    session.guarded(name, work).await
}

pub(crate) fn read_latest(
    rows: &[Row],
    session: &Session,
) -> Result<HashMap<Uuid, WorkspaceAt>, Failure> {
    let columns = Columns::default();
    let mut reader = Reader::default();
    let mut latest: HashMap<Uuid, WorkspaceAt> = HashMap::new();
    for row in rows {
        let row = columns.of(row);
        let workspace_id = row.get("workspace_id")?.ok_or_else(|| no_id("workspace"))?;
        let found = match latest.entry(workspace_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(workspace(row, workspace_id, session)?),
        };
        if row.get::<Uuid>("id")?.is_some() {
            found.agents.push(Candidate {
                agent: reader.read(row)?,
                display_order: row.get("display_order")?.unwrap_or_default(),
                parent_id: row.get("parent_id")?,
            });
        }
    }
    Ok(latest)
}

/// Decodes the agent of a single row.
pub(crate) fn read_agent(row: &Row) -> Result<Agent, Failure> {
    Reader::default().read(Columns::default().of(row))
}

/// Decodes the build of a row.
pub(super) fn read_build(number: i32, row: Fields<'_>) -> Result<Build, Failure> {
    Ok(Build {
        number,
        transition: row.named("transition")?,
        job: row.named("job_status")?,
        error: row.text("job_error")?.map(Into::into),
    })
}

/// Decodes a workspace without its agents.
fn workspace(
    row: Fields<'_>,
    workspace_id: Uuid,
    session: &Session,
) -> Result<WorkspaceAt, Failure> {
    let number: Option<i32> = row.get("build_number")?;
    let build = number.map(|number| read_build(number, row)).transpose()?;
    Ok(WorkspaceAt {
        now: session.moment.now,
        workspace_id,
        workspace: row.string("workspace")?.into(),
        owner: row.string("owner")?.into(),
        scope: row.scope()?,
        deleted: row.get("deleted")?.unwrap_or_default(),
        build,
        agents: Vec::new(),
    })
}

fn found(rows: &[Row]) -> Result<Found, Failure> {
    let mut matches: Vec<(Uuid, Option<Uuid>)> = Vec::new();
    let mut near = Vec::new();
    let columns = Columns::default();
    for row in rows {
        let row = columns.of(row);
        let workspace = row.get("workspace_id")?.ok_or_else(|| no_id("workspace"))?;
        match row.get("is_match")? {
            Some(true) => matches.push((workspace, row.get("agent_id")?)),
            _ => near.push(format!(
                "{}/{}",
                row.string("owner")?,
                row.string("workspace")?
            )),
        }
    }
    Ok(match *matches {
        [] => Found::Nothing { near },
        [(workspace, agent)] => Found::One { workspace, agent },
        _ => Found::Several(matches.iter().map(|it| it.0).collect()),
    })
}

fn no_id(what: &str) -> Failure {
    Failure::new(ErrorKind::Decode, format!("a {what} has no id"))
}
