//! The agents collector: reads the population of `docs/spec/population-and-kind.md` and the latest
//! builds in one query.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Kind, Label, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::origin::{Origin, OriginId, Origins};
use crate::fleet::model::snapshot::Scopes;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{RECENTLY, StoppedWorkspace};
use crate::fleet::stats::duplicates::each_once;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::causes::ToAsk;
use super::startups::JustStarted;
use super::workspaces::LatestBuilds;
use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("agents.sql");

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

/// The result of the query.
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
            found.builds = population.builds.each_once();
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
    let now = context.found.snapshot.now;
    let failed = |error| from_driver("reading the agents", error);
    let sql = for_catalog(SQL, &context.session.catalog);
    let no_params: [(&str, Type); 0] = [];
    // Streamed, not collected: a row costs three times its agent.
    let rows = context
        .client()?
        .query_typed_raw(&sql, no_params)
        .await
        .map_err(failed)?;
    let mut rows = pin!(rows);
    let columns = Columns::default();
    let mut reader = Reader::default();
    let mut agents = Vec::with_capacity(ROOM_BYTES / size_of::<Agent>());
    let mut builds = LatestBuilds::default();
    let mut just_started = JustStarted::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let build = (row.get("workspace_id")?, row.get("job_id")?);
        if row.get::<Uuid>("id")?.is_none() {
            let transition = row.named("transition")?;
            let scope = reader.scope(row)?;
            if transition == DbEnum::Known(Transition::Stop) {
                reader.stopped(row, &scope, now)?;
            }
            builds.add(build, scope, transition, false);
            continue;
        }
        let origin = reader.origin(row)?;
        let agent = Agent {
            origin,
            ..reader.read(row)?
        };
        if let Some(scope) = reader.scopes.get(agent.scope) {
            let serves = agent.kind.serves_workspace();
            builds.add(build, scope.clone(), agent.transition.clone(), serves);
        }
        just_started.add(&agent, build.1, now);
        agents.push(agent);
    }
    Ok(Population {
        scopes: reader.scopes,
        origins: reader.origins,
        agents,
        stopped: reader.stopped.into_values().collect(),
        builds,
        just_started,
    })
}

/// Decodes rows to agents. Repeated names are stored once.
#[derive(Default)]
pub(in crate::postgres) struct Reader {
    scopes: Scopes,
    labels: HashSet<Label>,
    origins: Origins,
    /// The number of each origin, by its values one after the other.
    origin_ids: HashMap<Vec<u8>, OriginId>,
    /// By id: a workspace has a row for each of its resources.
    stopped: BTreeMap<Uuid, StoppedWorkspace>,
    key: Vec<u8>,
}

impl Reader {
    /// Decodes the agent in a row with these column names.
    pub(in crate::postgres) fn read(&mut self, row: Fields<'_>) -> Result<Agent, Failure> {
        let scope = self.scope(row)?;
        let connection_timeout_seconds: Option<i32> = row.get("connection_timeout_seconds")?;
        let connection_timeout_seconds = connection_timeout_seconds.unwrap_or_default();
        Ok(Agent {
            id: row
                .get("id")?
                .ok_or_else(|| Failure::new(ErrorKind::Decode, "an agent has no id"))?,
            name: self.label(row.text("name")?),
            version: self.label(row.text("version")?),
            workspace_id: row.get("workspace_id")?.unwrap_or_default(),
            workspace: row.text("workspace")?.map(Into::into).unwrap_or_default(),
            owner: self.label(row.text("owner")?),
            scope: self.scopes.intern(scope),
            origin: OriginId::UNKNOWN,
            template_version: self.label(row.text("template_version")?),
            kind: kind(row)?,
            transition: row.named("transition")?,
            lifecycle: row.named("lifecycle_state")?,
            created_at: row.get("created_at")?,
            first_connected_at: row.get("first_connected_at")?,
            last_connected_at: row.get("last_connected_at")?,
            disconnected_at: row.get("disconnected_at")?,
            started_at: row.get("started_at")?,
            ready_at: row.get("ready_at")?,
            connection_timeout: Duration::from_secs(
                u64::try_from(connection_timeout_seconds).unwrap_or_default(),
            ),
        })
    }

    /// Keeps a workspace that was stopped lately.
    fn stopped(&mut self, row: Fields<'_>, scope: &Scope, now: Timestamp) -> Result<(), Failure> {
        let built_at: Option<Timestamp> = row.get("built_at")?;
        let (Some(id), Some(built_at)) = (row.get::<Uuid>("workspace_id")?, built_at) else {
            return Ok(());
        };
        if !now.is_past(built_at, RECENTLY) {
            let workspace = StoppedWorkspace {
                id,
                scope: scope.clone(),
                owner: self.label(row.text("owner")?),
                template_version: self.label(row.text("template_version")?),
            };
            self.stopped.insert(id, workspace);
        }
        Ok(())
    }

    /// Where the agent of a row runs. Looked up once by all values together, since nearly every
    /// agent has one that another had before.
    fn origin(&mut self, row: Fields<'_>) -> Result<OriginId, Failure> {
        let replica: Option<Uuid> = row.get("replica")?;
        let texts = [
            row.text("operating_system")?,
            row.text("architecture")?,
            row.text("resource_type")?,
        ];
        self.key.clear();
        self.key.extend(replica.unwrap_or_default().as_bytes());
        for text in &texts {
            self.key
                .extend(text.as_deref().unwrap_or_default().as_bytes());
            // A name has no zero byte: Postgres takes none.
            self.key.push(0);
        }
        if let Some(&known) = self.origin_ids.get(&self.key) {
            return Ok(known);
        }
        let [operating_system, architecture, resource_type] = texts.map(|it| self.label(it));
        let id = self.origins.add(Origin {
            replica,
            operating_system,
            architecture,
            resource_type,
        });
        self.origin_ids.insert(self.key.clone(), id);
        Ok(id)
    }

    fn scope(&mut self, row: Fields<'_>) -> Result<Scope, Failure> {
        Ok(Scope {
            organization: self.label(row.text("organization")?),
            template: self.label(row.text("template")?),
        })
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

/// The statements say one of the four names, each by the same rule.
fn kind(row: Fields<'_>) -> Result<Kind, Failure> {
    let name = row.text("kind")?;
    let kind = name.as_deref().and_then(|it| it.parse().ok());
    kind.ok_or_else(|| Failure::new(ErrorKind::Decode, "an agent has no kind"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::fleet::model::agent::Kind;
    use crate::fleet::model::label_value::Variants;

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

    /// The conditions of a statement's `kind` and what follows from each, whatever the tables are
    /// called there.
    fn rule_of_kind(sql: &str) -> Vec<(&str, &str)> {
        let lines = sql.lines().map(str::trim);
        let lines = lines.skip_while(|line| *line != "CASE");
        let lines = lines.take_while(|line| !line.starts_with("END"));
        let rules = lines.filter_map(|line| {
            let (condition, kind) = line.strip_prefix("WHEN ")?.split_once(" THEN ")?;
            let column = condition.split_once('.')?.1;
            Some((column.trim_start_matches("resource_"), kind))
        });
        rules.collect()
    }

    #[test]
    fn every_statement_has_the_same_rule_of_kind() {
        let rules = rule_of_kind(super::SQL);
        assert_eq!(rules.len(), Kind::ALL.len() - 1);
        for sql in [AGENT_AT, LATEST] {
            assert_eq!(rule_of_kind(sql), rules);
        }
    }

    #[test]
    fn every_statement_about_agents_has_the_columns_of_an_agent() {
        let agent = names(AGENT_AT, "SELECT agent.id,");
        let all = |sql| {
            let mut all = names(sql, "SELECT agent.*,");
            all.extend(names(sql, "SELECT its.id,"));
            all
        };
        let mut agents = all(super::SQL);
        for of_collections in [
            "job_id",
            "built_at",
            "replica",
            "operating_system",
            "architecture",
        ] {
            assert!(agents.remove(of_collections));
        }
        assert!(agents.remove("resource_type"));
        assert_eq!(agents, agent, "agents.sql and agent_at.sql");
        let latest = all(LATEST);
        let missing: Vec<_> = agent.difference(&latest).collect();
        assert!(missing.is_empty(), "latest.sql lacks {missing:?}");
    }
}
