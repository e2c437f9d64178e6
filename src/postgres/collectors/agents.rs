//! The agents collector: the population of `docs/spec/population-and-kind.md` in one query, and the
//! latest builds it is of.

use std::borrow::Cow;
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Kind, Label, Scope};
use crate::fleet::model::snapshot::Scopes;
use crate::fleet::stats::duplicates::each_once;
use crate::postgres::catalog::{Catalog, ColumnSet};
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::workspaces::LatestBuilds;
use super::{Context, Loaded, Running, causes};

const SQL: &str = include_str!("agents.sql");

/// What the query reads.
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
    .since(&["parent_id", "deleted"]),
    ColumnSet::of("users", &["id", "username"]),
    ColumnSet::of("organizations", &["id", "name"]),
    ColumnSet::of("templates", &["id", "name"]),
    ColumnSet::of("template_versions", &["id", "name"]),
];

/// What the query found.
struct Population {
    /// The scopes that agents are in.
    scopes: Scopes,
    agents: Vec<Agent>,
    /// The latest build of every workspace, with agents or without.
    builds: LatestBuilds,
}

/// Room for the agents is reserved at once, and more of it than the system's allocator ever takes
/// from what it keeps (32 MiB): the list is then a mapping of its own, which grows without being
/// copied and goes back when the collection is over. What is never written to takes no memory.
const ROOM_BYTES: usize = 33 << 20;

/// Reads the population.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let population = load(context.client()?, &context.session.catalog).await?;
        let (rows, limits) = (population.agents.len(), *context.limits);
        Ok(Loaded::new(rows, move |found| {
            // Before anything is asked about them: apps are counted by the agents' positions.
            let (agents, repeated) = each_once(population.agents);
            found.stuck = causes::stuck(&agents, &limits, found.snapshot.now);
            found.builds = population.builds.each_once();
            found.snapshot.scopes = population.scopes;
            found.snapshot.agents = Some(agents);
            found.snapshot.repeated_agents = repeated;
        }))
    };
    work.boxed()
}

async fn load(client: &Client, catalog: &Catalog) -> Result<Population, Failure> {
    let failed = |error| from_driver("reading the agents", error);
    let sql = for_catalog(SQL, catalog);
    let no_params: [(&str, Type); 0] = [];
    // Streamed, not collected: a row costs three times its agent.
    let rows = client
        .query_typed_raw(&sql, no_params)
        .await
        .map_err(failed)?;
    let mut rows = pin!(rows);
    let columns = Columns::default();
    let mut reader = Reader::default();
    let mut agents = Vec::with_capacity(ROOM_BYTES / size_of::<Agent>());
    let mut builds = LatestBuilds::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let job_id = row.get("job_id")?;
        if row.get::<Uuid>("id")?.is_none() {
            builds.add(job_id, reader.scope(row)?, row.named("transition")?, false);
            continue;
        }
        let agent = reader.read(row)?;
        if let Some(scope) = reader.scopes.get(agent.scope) {
            let serves = agent.kind.serves_workspace();
            builds.add(job_id, scope.clone(), agent.transition.clone(), serves);
        }
        agents.push(agent);
    }
    Ok(Population {
        scopes: reader.scopes,
        agents,
        builds,
    })
}

/// Turns rows into agents, and keeps each repeated name once.
#[derive(Default)]
pub(in crate::postgres) struct Reader {
    scopes: Scopes,
    labels: HashSet<Label>,
}

impl Reader {
    /// The agent of a row, from columns of these names.
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

    /// The names in the list that begins with this line, as far as its FROM.
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
        assert!(agents.remove("job_id"));
        assert_eq!(agents, agent, "agents.sql and agent_at.sql");
        let latest = all(LATEST);
        let missing: Vec<_> = agent.difference(&latest).collect();
        assert!(missing.is_empty(), "latest.sql lacks {missing:?}");
    }
}
