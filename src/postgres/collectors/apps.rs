//! The apps collector: counts the apps of the agents that were read, in one query.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Label, ScopeId};
use crate::fleet::model::app::{AppCount, AppHealth, NamedApp};
use crate::fleet::model::label_value::DbEnum;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const COUNTED: &str = include_str!("apps.sql");
pub(super) const NAMED: &str = include_str!("named_apps.sql");

/// Columns that the query reads.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of(
    "workspace_apps",
    &["agent_id", "health", "display_name"],
)];

/// Counts the apps of the agents that were read before.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let client = context.client()?;
        let agents = context.found.snapshot.agents.as_deref().unwrap_or_default();
        if !context.named_apps {
            let sql = for_catalog(COUNTED, &context.session.catalog);
            let counts = load(client, &sql, agents).await?;
            return Ok(Loaded::new(counts.len(), |found| {
                found.snapshot.apps = Some(counts);
            }));
        }
        let named = load_named(client, agents).await?;
        Ok(Loaded::new(named.rows, |found| {
            found.snapshot.apps = Some(named.counts());
            found.snapshot.dropped_apps = named.dropped;
            found.snapshot.named_apps = Some(named.apps);
        }))
    };
    work.boxed()
}

/// The apps of these agents, which are sorted by id, by scope and health.
async fn load(client: &Client, sql: &str, agents: &[Agent]) -> Result<Vec<AppCount>, Failure> {
    let scopes = Array(agents, |agent| agent.scope.0.cast_signed());
    let params: &[(&(dyn ToSql + Sync), Type)] = &[
        (&ids(agents), Type::UUID_ARRAY),
        (&scopes, Type::INT4_ARRAY),
    ];
    let rows = query(client, sql, params).await?;
    let columns = Columns::default();
    rows.iter()
        .map(|row| {
            let row = columns.of(row);
            let scope: i32 = row.get("scope")?.ok_or_else(|| no_agent("scope"))?;
            Ok(AppCount {
                scope: ScopeId(scope as u32),
                health: row.named("health")?,
                count: row.count()?,
            })
        })
        .collect()
}

/// Names of apps that one agent has series for, at most. A workspace user can make any number of
/// apps; a template has a handful.
const MOST_NAMES: usize = 100;

/// The same apps by agent and name; the counts by scope follow from all of them.
#[derive(Default)]
struct Named {
    apps: Vec<NamedApp>,
    counts: HashMap<(ScopeId, DbEnum<AppHealth>), u64>,
    names: HashSet<Label>,
    /// Position of the agent that was last read, and how many of its names are kept.
    of_agent: (usize, usize),
    rows: usize,
    dropped: u64,
}

impl Named {
    /// Takes in the next row; all rows of an agent follow each other.
    fn add(&mut self, agent: (usize, ScopeId), name: &str, health: DbEnum<AppHealth>, count: u64) {
        self.rows += 1;
        let (agent, scope) = agent;
        *self.counts.entry((scope, health.clone())).or_default() += count;
        if self.of_agent.0 != agent {
            self.of_agent = (agent, 0);
        }
        if self.of_agent.1 >= MOST_NAMES {
            self.dropped += 1;
            return;
        }
        self.of_agent.1 += 1;
        let name = self.name(name);
        self.apps.push(NamedApp {
            agent,
            name,
            health,
            count,
        });
    }

    fn name(&mut self, text: &str) -> Label {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name = Label::from(text);
        self.names.insert(name.clone());
        name
    }

    fn counts(&self) -> Vec<AppCount> {
        let counts = self.counts.iter();
        let count = |((scope, health), count): (&(ScopeId, DbEnum<AppHealth>), &u64)| AppCount {
            scope: *scope,
            health: health.clone(),
            count: *count,
        };
        counts.map(count).collect()
    }
}

async fn load_named(client: &Client, agents: &[Agent]) -> Result<Named, Failure> {
    let failed = |error| from_driver("reading the apps", error);
    let ids = ids(agents);
    // Streamed, as there may be very many.
    let rows = client
        .query_typed_raw(NAMED, [(&ids as &(dyn ToSql + Sync), Type::UUID_ARRAY)])
        .await
        .map_err(failed)?;
    let mut rows = pin!(rows);
    let columns = Columns::default();
    let mut named = Named::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let position: i64 = row.get("position")?.ok_or_else(|| no_agent("position"))?;
        let index = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let agent = agents.get(index).ok_or_else(|| no_agent("position"))?;
        let name = row.text("display_name")?.unwrap_or_default();
        let (health, count) = (row.named("health")?, row.count()?);
        named.add((index, agent.scope), &name, health, count);
    }
    Ok(named)
}

fn ids(agents: &[Agent]) -> Array<'_, Agent, Uuid> {
    Array(agents, |agent| agent.id)
}

async fn query(
    client: &Client,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, Failure> {
    let rows = client.query_typed(sql, params).await;
    rows.map_err(|error| from_driver("reading the apps", error))
}

fn no_agent(what: &str) -> Failure {
    let message = format!("a count of apps has an unexpected {what}");
    Failure::new(ErrorKind::Decode, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_with_too_many_apps_keeps_the_first_and_all_are_counted() {
        let mut named = Named::default();
        let mut add = |agent, name: usize| {
            let healthy = DbEnum::Known(AppHealth::Healthy);
            named.add((agent, ScopeId(0)), &name.to_string(), healthy, 1);
        };
        add(0, 0);
        (0..MOST_NAMES + 2).for_each(|name| add(1, name));
        add(2, 0);
        assert_eq!(named.dropped, 2);
        let kept: Vec<_> = named.apps.iter().map(|it| it.agent).collect();
        assert_eq!(kept.len(), MOST_NAMES + 2);
        assert_eq!((kept[0], kept[MOST_NAMES], kept[MOST_NAMES + 1]), (0, 1, 2));
        assert_eq!(named.counts()[0].count, MOST_NAMES as u64 + 4);
    }
}
