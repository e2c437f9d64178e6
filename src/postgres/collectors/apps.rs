//! The apps collector: apps of the agents just read, in one query.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
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

use super::{Context, Loaded, Running};

const COUNTED: &str = include_str!("apps.sql");
const NAMED: &str = include_str!("named_apps.sql");

/// What the query reads.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of(
    "workspace_apps",
    &["agent_id", "health", "display_name"],
)];

/// Counts the apps of the agents just read.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let client = context.client()?;
        let agents = context.found.snapshot.agents.as_deref().unwrap_or_default();
        if !context.named_apps {
            let counts = load(client, agents).await?;
            return Ok(Loaded::new(counts.len(), |found| {
                found.snapshot.apps = Some(counts);
            }));
        }
        let (named, counts) = load_named(client, agents).await?;
        Ok(Loaded::new(named.len(), |found| {
            found.snapshot.named_apps = Some(named);
            found.snapshot.apps = Some(counts);
        }))
    };
    work.boxed()
}

/// How many apps these agents, sorted by id, have by scope and health.
async fn load(client: &Client, agents: &[Agent]) -> Result<Vec<AppCount>, Failure> {
    let scopes = Array(agents, |agent| agent.scope.0.cast_signed());
    let params: &[(&(dyn ToSql + Sync), Type)] = &[
        (&ids(agents), Type::UUID_ARRAY),
        (&scopes, Type::INT4_ARRAY),
    ];
    let rows = query(client, COUNTED, params).await?;
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

/// The same apps by agent and name; the counts by scope follow from them.
async fn load_named(
    client: &Client,
    agents: &[Agent],
) -> Result<(Vec<NamedApp>, Vec<AppCount>), Failure> {
    let ids = ids(agents);
    let params: &[(&(dyn ToSql + Sync), Type)] = &[(&ids, Type::UUID_ARRAY)];
    let rows = query(client, NAMED, params).await?;
    let mut names: HashSet<Label> = HashSet::new();
    let mut named = Vec::with_capacity(rows.len());
    let mut by_scope: HashMap<(ScopeId, DbEnum<AppHealth>), u64> = HashMap::new();
    let columns = Columns::default();
    for row in &rows {
        let row = columns.of(row);
        let position: i64 = row.get("position")?.ok_or_else(|| no_agent("position"))?;
        let index = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let agent = agents.get(index).ok_or_else(|| no_agent("position"))?;
        let text = row.text("display_name")?.unwrap_or_default();
        let name = names
            .get(&*text)
            .cloned()
            .unwrap_or_else(|| Label::from(&*text));
        names.insert(name.clone());
        let app = NamedApp {
            agent: index,
            name,
            health: row.named("health")?,
            count: row.count()?,
        };
        let key = (agent.scope, app.health.clone());
        *by_scope.entry(key).or_default() += app.count;
        named.push(app);
    }
    let counts = by_scope
        .into_iter()
        .map(|((scope, health), count)| AppCount {
            scope,
            health,
            count,
        });
    Ok((named, counts.collect()))
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
