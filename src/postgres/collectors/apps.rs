//! The apps collector: counts the apps of the agents that were read, in one query.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Label, ScopeId};
use crate::fleet::model::app::{AppCount, AppHealth, NamedApp};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::rules::health::assess;
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
        let (limits, now) = (context.limits, context.session.moment.now);
        let knows_its_apps = |agent: &Agent| assess(agent, limits, now).knows_its_apps();
        if !context.named_apps {
            let sql = for_catalog(COUNTED, &context.session.catalog);
            let counts = load(client, &sql, agents, &knows_its_apps).await?;
            return Ok(Loaded::new(counts.len(), |found| {
                found.snapshot.apps = Some(counts);
            }));
        }
        let named = load_named(client, agents, &knows_its_apps).await?;
        Ok(Loaded::new(named.rows, |found| {
            found.snapshot.apps = Some(named.counts());
            found.snapshot.dropped_apps = named.dropped;
            found.snapshot.named_apps = Some(named.apps);
        }))
    };
    work.boxed()
}

/// Whether an agent says how its apps are.
type Knows<'a> = &'a (dyn Fn(&Agent) -> bool + Sync);

/// The apps of these agents, which are sorted by id, by scope and health.
async fn load(
    client: &Client,
    sql: &str,
    agents: &[Agent],
    knows: Knows<'_>,
) -> Result<Vec<AppCount>, Failure> {
    let groups = agents.iter().map(|it| group(it.scope, knows(it)));
    let groups: Vec<i32> = groups.collect();
    let params: &[(&(dyn ToSql + Sync), Type)] = &[
        (&ids(agents), Type::UUID_ARRAY),
        (&groups, Type::INT4_ARRAY),
    ];
    let rows = query(client, sql, params).await?;
    let columns = Columns::default();
    let mut unknown: BTreeMap<ScopeId, u64> = BTreeMap::new();
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        let row = columns.of(row);
        let scope: i32 = row.get("scope")?.ok_or_else(|| no_agent("scope"))?;
        let count = row.count()?;
        match scope_of(scope) {
            (scope, true) => counts.push(AppCount {
                scope,
                health: row.named("health")?,
                count,
            }),
            (scope, false) => *unknown.entry(scope).or_default() += count,
        }
    }
    add_unknown(&mut counts, unknown);
    Ok(counts)
}

/// The number by which the apps of an agent of this scope are counted: that of the scope, and its
/// complement, which is negative, where their health is no longer known.
fn group(scope: ScopeId, is_known: bool) -> i32 {
    let scope = scope.0.cast_signed();
    if is_known { scope } else { !scope }
}

/// The scope of a [`group`], and whether the health is known.
fn scope_of(group: i32) -> (ScopeId, bool) {
    let is_known = group >= 0;
    let scope = if is_known { group } else { !group };
    (ScopeId(scope.cast_unsigned()), is_known)
}

/// Adds apps whose health is not known to those of which the database does not know it either, so
/// that no series comes twice.
fn add_unknown(counts: &mut Vec<AppCount>, unknown: BTreeMap<ScopeId, u64>) {
    for (scope, count) in unknown {
        let health = DbEnum::Known(AppHealth::Unknown);
        let same = |it: &&mut AppCount| it.scope == scope && it.health == health;
        match counts.iter_mut().find(same) {
            Some(known) => known.count += count,
            None => counts.push(AppCount {
                scope,
                health,
                count,
            }),
        }
    }
}

/// Names of apps that one agent has series for, at most. A workspace user can make any number of
/// apps; a template has a handful.
const MOST_NAMES: usize = 100;

/// The same apps by agent and name, as Coder's own metrics have them; the counts by scope follow from
/// all of them.
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
    fn add(
        &mut self,
        agent: (usize, ScopeId, bool),
        name: &str,
        health: DbEnum<AppHealth>,
        count: u64,
    ) {
        self.rows += 1;
        let (agent, scope, is_known) = agent;
        let counted = match is_known {
            true => health.clone(),
            false => DbEnum::Known(AppHealth::Unknown),
        };
        *self.counts.entry((scope, counted)).or_default() += count;
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

async fn load_named(client: &Client, agents: &[Agent], knows: Knows<'_>) -> Result<Named, Failure> {
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
        named.add((index, agent.scope, knows(agent)), &name, health, count);
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
            named.add((agent, ScopeId(0), true), &name.to_string(), healthy, 1);
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

    #[test]
    fn group_says_the_scope_and_whether_the_health_is_known() {
        for scope in [0, 1, i32::MAX.cast_unsigned()].map(ScopeId) {
            for is_known in [true, false] {
                assert_eq!(scope_of(group(scope, is_known)), (scope, is_known));
            }
        }
    }

    #[test]
    fn health_that_is_unknown_to_agent_and_database_is_one_count() {
        let count = |scope, health, count| AppCount {
            scope: ScopeId(scope),
            health: DbEnum::parse(health),
            count,
        };
        let mut counts = vec![count(0, Some("healthy"), 2), count(0, None, 3)];
        add_unknown(
            &mut counts,
            BTreeMap::from([(ScopeId(0), 4), (ScopeId(1), 5)]),
        );
        let expected = [
            count(0, Some("healthy"), 2),
            count(0, Some("unknown"), 7),
            count(1, Some("unknown"), 5),
        ];
        assert_eq!(counts, expected);
    }
}
