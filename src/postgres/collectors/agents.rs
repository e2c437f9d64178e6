//! The agents collector: reads the population of `docs/spec/population-and-kind.md` and the latest
//! builds. What cannot change of those is known from earlier collections; the agents themselves are
//! read in one query.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, RowStream};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Kind, Label, Name, Scope, ScopeId, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::{Origin, OriginId, Origins};
use crate::fleet::model::snapshot::Scopes;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{RECENTLY, StoppedWorkspace};
use crate::fleet::stats::duplicates::each_once;
use crate::postgres::builds::known::Identity;
use crate::postgres::builds::read::{self, Names, Workspace, Workspaces};
use crate::postgres::builds::{Build, Builds, HasAgent, Resource};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::{for_catalog, settings};

use super::causes::ToAsk;
use super::startups::JustStarted;
use super::workspaces::{LatestBuilds, read_unwanted};
use super::{Context, Loaded, Running};

const SQL: &str = include_str!("agents.sql");

/// In the order in which they are asked.
pub(super) const STATEMENTS: &[&str] = &[
    read::WORKSPACES,
    read::BUILDS,
    read::RESOURCES,
    read::NAMES,
    SQL,
];

/// Columns that the query reads.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of(
        "workspaces",
        &[
            "id",
            "name",
            "owner_id",
            "organization_id",
            "template_id",
            "deleted",
        ],
    ),
    ColumnSet::of(
        "workspace_builds",
        &[
            "workspace_id",
            "template_version_id",
            "build_number",
            "transition",
            "job_id",
            "created_at",
        ],
    ),
    ColumnSet::of("workspace_resources", &["id", "job_id", "type"]),
    ColumnSet::of(
        "workspace_agents",
        &[
            "id",
            "name",
            "version",
            "resource_id",
            "lifecycle_state",
            "created_at",
            "first_connected_at",
            "last_connected_at",
            "disconnected_at",
            "started_at",
            "ready_at",
            "connection_timeout_seconds",
        ],
    )
    .since(&["parent_id", "deleted"])
    // What incidents compare, and nothing else needs.
    .optional(&[
        "last_connected_replica_id",
        "operating_system",
        "architecture",
    ]),
    ColumnSet::of("users", &["id", "username"]),
    ColumnSet::of("organizations", &["id", "name"]),
    ColumnSet::of("templates", &["id", "name"]),
    ColumnSet::of("template_versions", &["id", "name"]),
];

/// The result of the queries.
struct Population {
    /// Organizations and templates of the agents.
    scopes: Scopes,
    /// Where agents run.
    origins: Origins,
    agents: Vec<Agent>,
    /// Workspaces that were stopped lately.
    stopped: Vec<StoppedWorkspace>,
    /// The latest build of each workspace, with or without agents.
    builds: LatestBuilds,
    just_started: JustStarted,
}

/// Capacity that is reserved for the list of agents. It is above the allocator's mmap threshold (32
/// MiB), so the list has a mapping of its own: it grows without a copy, and is returned to the
/// system after the collection. Pages that are never written use no memory.
const ROOM_BYTES: usize = 33 << 20;

/// Reads all agents of the population and the latest builds.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let population = load(context).await?;
        let (rows, limits) = (population.agents.len(), *context.limits);
        Ok(Loaded::new(rows, move |found| {
            // Before anything is asked about them: apps are counted by the agents' positions.
            let (agents, repeated) = each_once(population.agents);
            found.to_ask = ToAsk::about(&agents, &limits, found.snapshot.now);
            found.builds = Some(population.builds);
            found.just_started = population.just_started;
            found.snapshot.scopes = population.scopes;
            found.snapshot.origins = population.origins;
            found.snapshot.stopped = population.stopped;
            found.snapshot.agents = Some(agents);
            found.snapshot.repeated_agents = repeated;
        }))
    };
    work.boxed()
}

async fn load(context: &Context<'_>) -> Result<Population, Failure> {
    let (session, now) = (context.session, context.found.snapshot.now);
    let mut lease = context.known.take(Identity::of(session), now);
    let (workspaces, unfinished) = read::read(session, &mut lease.builds).await?;
    let sql = for_catalog(SQL, &session.catalog);
    let agents = load_agents(session.client()?, &sql, &workspaces, &mut lease.builds, now);
    let (agents, jobs) = tokio::join!(
        biased;
        session.guarded(read::SAVEPOINT, agents),
        read_unwanted(context, &unfinished)
    );
    let (names, loaded) = agents?;
    let stopped = stopped(&workspaces, &lease.builds, &names, now);
    let mut builds = LatestBuilds::new(workspaces.list(), lease, unfinished, &names);
    if let Some(jobs) = jobs {
        builds.take_in(&jobs);
    }
    Ok(Population {
        stopped,
        builds,
        scopes: loaded.reader.scopes,
        origins: loaded.reader.origins,
        agents: loaded.agents,
        just_started: loaded.just_started,
    })
}

/// The agents, and what was read with them.
struct LoadedAgents {
    reader: Reader,
    agents: Vec<Agent>,
    just_started: JustStarted,
}

/// Reads the names and the agents of these builds.
async fn load_agents(
    client: &Client,
    sql: &str,
    workspaces: &Workspaces,
    builds: &mut Builds,
    now: Timestamp,
) -> Result<(Names, LoadedAgents), Failure> {
    let settings = settings(SQL);
    let (names, set, rows) = tokio::join!(
        biased;
        Names::read(client, workspaces, builds),
        client.batch_execute(&settings),
        ask(client, sql, builds.resources())
    );
    let names = names?;
    set.map_err(failed)?;
    let mut rows = pin!(rows?);
    let columns = Columns::default();
    let mut loaded = LoadedAgents {
        reader: Reader::default(),
        agents: Vec::with_capacity(ROOM_BYTES / size_of::<Agent>()),
        just_started: JustStarted::default(),
    };
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let resource = row.get("resource_id")?.and_then(|it| builds.resource(it));
        let (place, resource) = resource.ok_or_else(|| no("an agent has no resource"))?;
        let index = resource.build as usize;
        let (Some(build), Some(workspace)) =
            (builds.list().get(index), workspaces.list().get(index))
        else {
            continue;
        };
        let resource_type = builds.resource_type(&resource);
        let kind = Kind::of(is_sub(row)?, &resource_type, workspaces.owner(workspace));
        let reader = &mut loaded.reader;
        let origin = reader.origin(row, resource_type)?;
        let home = reader.home(workspace, build, builds, &names, kind);
        let agent = Agent {
            origin,
            ..reader.agent(row, home)?
        };
        loaded.just_started.add(&agent, resource.id, now);
        builds.has_agent(place, kind.serves_workspace());
        loaded.agents.push(agent);
    }
    Ok((names, loaded))
}

fn no(what: &str) -> Failure {
    Failure::new(ErrorKind::Decode, what)
}

/// Asks for the agents of these resources. Streamed, not collected: a row costs three times its
/// agent.
async fn ask(client: &Client, sql: &str, resources: &[Resource]) -> Result<RowStream, Failure> {
    let ids = Array(resources, |it: &Resource| it.id);
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&ids, Type::UUID_ARRAY)];
    client.query_typed_raw(sql, params).await.map_err(failed)
}

fn failed(error: tokio_postgres::Error) -> Failure {
    from_driver("reading the agents", error)
}

/// The workspaces that were stopped lately and have no agent for that.
fn stopped(
    workspaces: &Workspaces,
    builds: &Builds,
    names: &Names,
    now: Timestamp,
) -> Vec<StoppedWorkspace> {
    let stop = DbEnum::Known(Transition::Stop);
    let is_stopped = |build: &Build| {
        let is_recent = build.built_at.is_some_and(|it| !now.is_past(it, RECENTLY));
        is_recent && build.has_agent == HasAgent::No && builds.transition(build) == stop
    };
    let all = workspaces.list().iter().zip(builds.list());
    let stopped = all.filter(|(_, build)| build.is_there() && is_stopped(build));
    let stopped = stopped.filter_map(|(workspace, build)| {
        Some(StoppedWorkspace {
            id: build.workspace,
            scope: names.scopes().get(workspace.scope as usize)?.clone(),
            owner: names.owner(workspace),
            template_version: names.template_version(build),
        })
    });
    let mut stopped: Vec<_> = stopped.collect();
    stopped.shrink_to_fit();
    stopped
}

/// What an agent has of its workspace and its build.
struct Home {
    workspace_id: Uuid,
    workspace: Name,
    owner: Label,
    scope: ScopeId,
    template_version: Label,
    transition: DbEnum<Transition>,
    kind: Kind,
}

/// Decodes rows to agents. Repeated names are stored once.
#[derive(Default)]
pub(in crate::postgres) struct Reader {
    scopes: Scopes,
    /// The number in `scopes` of each scope of the workspaces.
    scope_ids: HashMap<u32, ScopeId>,
    labels: HashSet<Label>,
    origins: Origins,
    /// The number of each origin, by its values one after the other.
    origin_ids: HashMap<Vec<u8>, OriginId>,
    key: Vec<u8>,
}

impl Reader {
    /// Decodes the agent in a row that has its workspace and its build too.
    pub(in crate::postgres) fn read(&mut self, row: Fields<'_>) -> Result<Agent, Failure> {
        let scope = Scope {
            organization: self.label(row.text("organization")?),
            template: self.label(row.text("template")?),
        };
        let resource_type = row.text("resource_type")?.unwrap_or_default();
        let home = Home {
            workspace_id: row.get("workspace_id")?.unwrap_or_default(),
            workspace: row.text("workspace")?.map(Into::into).unwrap_or_default(),
            owner: self.label(row.text("owner")?),
            scope: self.scopes.intern(scope),
            template_version: self.label(row.text("template_version")?),
            transition: row.named("transition")?,
            kind: Kind::of(is_sub(row)?, &resource_type, row.get("owner_id")?),
        };
        self.agent(row, home)
    }

    /// What an agent has of this workspace and its latest build.
    fn home(
        &mut self,
        workspace: &Workspace,
        build: &Build,
        builds: &Builds,
        names: &Names,
        kind: Kind,
    ) -> Home {
        let scopes = &mut self.scopes;
        let scope = self.scope_ids.entry(workspace.scope);
        let scope = scope.or_insert_with(|| {
            let names = names.scopes().get(workspace.scope as usize);
            // Every number has its names.
            scopes.intern(names.cloned().unwrap_or_default())
        });
        Home {
            workspace_id: build.workspace,
            workspace: workspace.name.clone(),
            owner: names.owner(workspace),
            scope: *scope,
            template_version: names.template_version(build),
            transition: builds.transition(build),
            kind,
        }
    }

    /// Decodes the agent's own columns.
    fn agent(&mut self, row: Fields<'_>, home: Home) -> Result<Agent, Failure> {
        let connection_timeout: Option<i32> = row.get("connection_timeout_seconds")?;
        let connection_timeout = connection_timeout.unwrap_or_default();
        Ok(Agent {
            id: row.get("id")?.ok_or_else(|| no("an agent has no id"))?,
            name: self.label(row.text("name")?),
            version: self.label(row.text("version")?),
            workspace_id: home.workspace_id,
            workspace: home.workspace,
            owner: home.owner,
            scope: home.scope,
            origin: OriginId::UNKNOWN,
            template_version: home.template_version,
            kind: home.kind,
            transition: home.transition,
            lifecycle: row.named("lifecycle_state")?,
            created_at: row.get("created_at")?,
            first_connected_at: row.get("first_connected_at")?,
            last_connected_at: row.get("last_connected_at")?,
            disconnected_at: row.get("disconnected_at")?,
            started_at: row.get("started_at")?,
            ready_at: row.get("ready_at")?,
            connection_timeout_seconds: u32::try_from(connection_timeout).unwrap_or_default(),
        })
    }

    /// Where the agent of a row runs. Looked up once by all values together, since nearly every
    /// agent has one that another had before.
    fn origin(&mut self, row: Fields<'_>, resource_type: Label) -> Result<OriginId, Failure> {
        let replica: Option<Uuid> = row.get("replica")?;
        let texts = [row.text("operating_system")?, row.text("architecture")?];
        self.key.clear();
        self.key.extend(replica.unwrap_or_default().as_bytes());
        self.key.extend(resource_type.as_bytes());
        for text in &texts {
            // A name has no zero byte: Postgres takes none.
            self.key.push(0);
            self.key
                .extend(text.as_deref().unwrap_or_default().as_bytes());
        }
        if let Some(&known) = self.origin_ids.get(&self.key) {
            return Ok(known);
        }
        let [operating_system, architecture] = texts.map(|it| self.label(it));
        let id = self.origins.add(Origin {
            replica,
            operating_system,
            architecture,
            resource_type,
        });
        self.origin_ids.insert(self.key.clone(), id);
        Ok(id)
    }

    fn label(&mut self, text: Option<Cow<'_, str>>) -> Label {
        let text = text.unwrap_or_default();
        if let Some(known) = self.labels.get(&*text) {
            return known.clone();
        }
        let label = Label::from(&*text);
        self.labels.insert(label.clone());
        label
    }
}

fn is_sub(row: Fields<'_>) -> Result<bool, Failure> {
    Ok(row.get("is_sub")?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const AGENT_AT: &str = include_str!("../lookup/agent_at.sql");
    const LATEST: &str = include_str!("../lookup/latest.sql");

    /// The column names in the SELECT list that begins with this line, up to its FROM.
    fn names<'a>(sql: &'a str, first: &str) -> BTreeSet<&'a str> {
        let lines = sql.lines().map(str::trim);
        let lines = lines.skip_while(|line| *line != first);
        let list = lines.take_while(|line| !line.starts_with("FROM"));
        let code = list.filter_map(|line| line.split("--").next());
        let code = code.map(|it| it.trim().trim_end_matches(','));
        let names = code.filter_map(|it| match it.rsplit_once(" AS ") {
            Some((_, name)) => Some(name),
            None => it.rsplit_once('.').map(|it| it.1),
        });
        names.filter(|it| *it != "*" && !it.contains(' ')).collect()
    }

    #[test]
    fn every_statement_about_agents_has_the_columns_of_an_agent() {
        let agent = names(AGENT_AT, "SELECT agent.id,");
        let mut own = names(super::SQL, "SELECT its.resource_id,");
        // Of collections alone.
        for more in ["resource_id", "replica", "operating_system", "architecture"] {
            assert!(own.remove(more), "{more}");
        }
        let missing: Vec<_> = own.difference(&agent).collect();
        assert!(missing.is_empty(), "agent_at.sql lacks {missing:?}");
        let mut latest = names(LATEST, "SELECT agent.*,");
        latest.extend(names(LATEST, "SELECT its.id,"));
        let missing: Vec<_> = agent.difference(&latest).collect();
        assert!(missing.is_empty(), "latest.sql lacks {missing:?}");
    }
}
