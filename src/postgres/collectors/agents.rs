//! The agents collector: the population of SPEC 1.2 in one query, and the latest builds it is of.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::fleet::agent::{Agent, Kind, Label, Scope, Transition};
use crate::fleet::duplicates::each_once;
use crate::fleet::named::Named;
use crate::fleet::pass::{ErrorKind, Failure};
use crate::fleet::snapshot::Scopes;
use crate::postgres::catalog::{Catalog, Reads};
use crate::postgres::decode::{Text, column};
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::workspaces::LatestBuilds;
use super::{Context, Loaded, Running};

const SQL: &str = include_str!("agents.sql");

/// What the query reads.
pub(super) const READS: &[Reads] = &[
    Reads::of(
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
    Reads::of(
        "workspace_builds",
        &[
            "workspace_id",
            "template_version_id",
            "build_number",
            "transition",
            "job_id",
        ],
    ),
    Reads::of("workspace_resources", &["id", "job_id"]),
    Reads::of(
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
    Reads::of("users", &["id", "username"]),
    Reads::of("organizations", &["id", "name"]),
    Reads::of("templates", &["id", "name"]),
    Reads::of("template_versions", &["id", "name"]),
];

/// What the query found.
struct Population {
    /// The scopes that agents are in.
    scopes: Scopes,
    agents: Vec<Agent>,
    /// The latest build of every workspace, with agents or without.
    builds: LatestBuilds,
}

/// Position of `build.job_id`, which comes after what is the agent's.
const JOB_ID: usize = 19;

/// Room for the agents is reserved at once, and more of it than the system's allocator ever takes
/// from what it keeps (32 MiB): the list is then a mapping of its own, which grows without being
/// copied and goes back when the pass is over. What nobody writes to takes no memory.
const ROOM_BYTES: usize = 33 << 20;

/// Reads the population.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let population = load(context.client()?, &context.session.catalog).await?;
        let rows = population.agents.len();
        Ok(Loaded::new(rows, move |found| {
            // Before anything is asked about them: apps are counted by the agents' positions.
            let (agents, repeated) = each_once(population.agents);
            found.snapshot.scopes = population.scopes;
            found.snapshot.agents = Some(agents);
            found.snapshot.repeated_agents = repeated;
            found.builds = Mutex::new(Some(population.builds));
        }))
    };
    work.boxed()
}

async fn load(client: &Client, catalog: &Catalog) -> Result<Population, Failure> {
    let failed = |error| from_driver("reading the agents", &error);
    let sql = for_catalog(SQL, catalog);
    let no_params: [(&str, Type); 0] = [];
    // Streamed, not collected: a row costs three times its agent.
    let rows = client
        .query_typed_raw(&sql, no_params)
        .await
        .map_err(failed)?;
    let mut rows = pin!(rows);
    let mut reader = Reader::default();
    let mut agents = Vec::with_capacity(ROOM_BYTES / size_of::<Agent>());
    let mut builds = LatestBuilds::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let job_id = column(&row, JOB_ID)?;
        if column::<Uuid>(&row, 0)?.is_none() {
            builds.add(job_id, reader.scope(&row)?, transition(&row)?, false);
            continue;
        }
        let agent = reader.read(&row)?;
        if let Some(scope) = reader.scopes.get(agent.scope) {
            let is_root = agent.kind == Kind::Root;
            builds.add(job_id, scope.clone(), agent.transition.clone(), is_root);
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
    /// Columns by position, in the order of the query.
    pub(in crate::postgres) fn read(&mut self, row: &Row) -> Result<Agent, Failure> {
        let text = |index| column::<Text<'_>>(row, index);
        let named = |index| Ok::<_, Failure>(text(index)?.map(|it| it.0));
        let scope = self.scope(row)?;
        let connection_timeout_seconds = column::<i32>(row, 18)?.unwrap_or_default();
        Ok(Agent {
            id: column(row, 0)?
                .ok_or_else(|| Failure::new(ErrorKind::Decode, "an agent has no id"))?,
            name: self.label(text(1)?),
            version: self.label(text(2)?),
            workspace_id: column(row, 3)?.unwrap_or_default(),
            workspace: text(4)?.map(|it| it.0.into()).unwrap_or_default(),
            owner: self.label(text(5)?),
            scope: self.scopes.intern(scope),
            template_version: self.label(text(8)?),
            kind: match column(row, 9)? {
                Some(true) => Kind::Sub,
                Some(false) | None => Kind::Root,
            },
            transition: transition(row)?,
            lifecycle: Named::parse(named(11)?.as_deref()),
            created_at: column(row, 12)?,
            first_connected_at: column(row, 13)?,
            last_connected_at: column(row, 14)?,
            disconnected_at: column(row, 15)?,
            started_at: column(row, 16)?,
            ready_at: column(row, 17)?,
            connection_timeout: Duration::from_secs(
                u64::try_from(connection_timeout_seconds).unwrap_or_default(),
            ),
        })
    }

    fn scope(&mut self, row: &Row) -> Result<Scope, Failure> {
        Ok(Scope {
            organization: self.label(column(row, 6)?),
            template: self.label(column(row, 7)?),
        })
    }

    fn label(&mut self, text: Option<Text<'_>>) -> Label {
        let text = text.map(|it| it.0).unwrap_or_default();
        if let Some(known) = self.labels.get(&*text) {
            return known.clone();
        }
        let label = Label::from(&*text);
        self.labels.insert(label.clone());
        label
    }
}

fn transition(row: &Row) -> Result<Named<Transition>, Failure> {
    let text = column::<Text<'_>>(row, 10)?.map(|it| it.0);
    Ok(Named::parse(text.as_deref()))
}

#[cfg(test)]
mod tests {
    /// The columns of a statement, one a line, as far as its FROM.
    fn columns(sql: &str) -> Vec<&str> {
        let lines = sql.lines().skip_while(|line| !line.starts_with("SELECT"));
        let list = lines.take_while(|line| !line.starts_with("FROM"));
        list.map(|line| line.trim_end_matches(',')).collect()
    }

    #[test]
    fn every_statement_about_agents_begins_with_the_same_columns() {
        // Nineteen, and one for an older Coder; here a build is what others call a workspace.
        let agents = columns(super::SQL)[..20].join("\n");
        let agents = agents
            .replace("build.workspace_id", "workspace.id")
            .replace("build.workspace_name", "workspace.name");
        assert_eq!(columns(include_str!("../sighting.sql")).join("\n"), agents);
        let latest = columns(include_str!("../latest.sql"));
        assert_eq!(latest[..20].join("\n"), agents);
    }
}
