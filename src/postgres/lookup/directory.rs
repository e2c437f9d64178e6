//! Single workspaces and agents: what the resolver and the commands ask (`docs/spec/resolver.md`
//! and `docs/spec/command-line.md`).
//!
//! Each question is one statement in a read-only transaction of its own, whatever the number of
//! workspaces it is about.

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

/// A question about single workspaces takes milliseconds. The resolver does not wait longer for
/// an answer than its validation delay, which is this by default.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read besides what the agents collector reads.
const MORE: &[ColumnSet] = &[
    ColumnSet::of("provisioner_jobs", &["id", "job_status", "error"]),
    ColumnSet::of("workspace_agents", &[]).since(&["display_order"]),
];

/// What the questions about single workspaces read.
pub fn reads() -> Vec<ColumnSet> {
    [row(Collector::Agents).reads, MORE].concat()
}

/// What a person meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This workspace, and this agent of it if it was named by its id.
    One {
        /// `workspaces.id`.
        workspace: Uuid,
        /// `workspace_agents.id`, of whatever build.
        agent: Option<Uuid>,
    },
    /// Nothing of that name; these come near, as `owner/workspace`.
    Nothing {
        /// Of the same owner or the same name, some at most.
        near: Vec<String>,
    },
    /// More than one, by id: names that differ in case alone.
    Several(Vec<Uuid>),
}

impl Database {
    /// These workspaces with the agents of their latest builds, by id; those that do not exist
    /// are left out.
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

    /// One agent by its primary key, whatever build it belongs to; `None` when its row is gone
    /// or soft-deleted.
    ///
    /// # Errors
    ///
    /// As above.
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

    /// Workspaces with a chat that is bound to an agent of an earlier build, and that agent;
    /// none where this Coder has no bound chats.
    ///
    /// # Errors
    ///
    /// As above.
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
                };
                Ok((workspace_id, target))
            })
            .collect()
    }

    /// What a person meant by `reference`. An agent's name is not looked at: it is one of the
    /// workspace's.
    ///
    /// # Errors
    ///
    /// As above.
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
}

/// What a person meant, as this session sees it.
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

/// Runs one statement behind a savepoint; what it reads was looked up when the session began.
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

/// The agent of a row that is alone.
pub(crate) fn read_agent(row: &Row) -> Result<Agent, Failure> {
    Reader::default().read(Columns::default().of(row))
}

/// The build of a row.
pub(super) fn read_build(number: i32, row: Fields<'_>) -> Result<Build, Failure> {
    Ok(Build {
        number,
        transition: row.named("transition")?,
        job: row.named("job_status")?,
        error: row.text("job_error")?.map(Into::into),
    })
}

/// A workspace without its agents.
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
