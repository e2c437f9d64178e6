//! The apps collector: counts the apps of the agents that were read, in one query.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
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
use crate::postgres::sql::settings;

use super::{Context, Loaded, Running};

pub(super) const COUNTED: &str = include_str!("apps.sql");
const COUNTED_WHOLE: &str = include_str!("apps_whole.sql");
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
            let catalog = &context.session.catalog;
            let sql = match catalog.has_index("workspace_apps.agent_id") {
                true => COUNTED,
                false => COUNTED_WHOLE,
            };
            let parts = Parts::of(agents, &knows_its_apps);
            let counts = load(client, sql, &parts).await?;
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

/// Agents whose apps are looked up while the same pages of the index are in the processor's cache.
const NEIGHBOURS: usize = 2048;

/// Agents in parts, each of one [`group`] that their apps are counted in.
#[derive(Debug, Default)]
struct Parts {
    /// Those of a part together.
    agents: Vec<Uuid>,
    /// The group of each part.
    numbers: Vec<i32>,
    /// Of each part the first of its agents, counted from 1, and the last.
    first: Vec<i32>,
    last: Vec<i32>,
}

impl Parts {
    /// Parts of these agents, which are sorted by id: among neighbours those of a group together.
    fn of(agents: &[Agent], knows: Knows<'_>) -> Self {
        let mut parts = Self {
            agents: Vec::with_capacity(agents.len()),
            ..Self::default()
        };
        for neighbours in agents.chunks(NEIGHBOURS) {
            let all = neighbours.iter();
            let all = all.map(|it| (group(it.scope, knows(it)), it.id));
            let mut all: Vec<(i32, Uuid)> = all.collect();
            all.sort_by_key(|it| it.0);
            for part in all.chunk_by(|one, other| one.0 == other.0) {
                parts.numbers.push(part[0].0);
                parts.first.push(parts.agents.len() as i32 + 1);
                parts.agents.extend(part.iter().map(|it| it.1));
                parts.last.push(parts.agents.len() as i32);
            }
        }
        parts
    }
}

/// The apps of these agents by scope and health.
async fn load(client: &Client, sql: &str, parts: &Parts) -> Result<Vec<AppCount>, Failure> {
    let params: &[(&(dyn ToSql + Sync), Type)] = &[
        (&parts.numbers, Type::INT4_ARRAY),
        (&parts.first, Type::INT4_ARRAY),
        (&parts.last, Type::INT4_ARRAY),
        (&Array(&parts.agents, |it| *it), Type::UUID_ARRAY),
    ];
    let settings = settings(sql);
    let (set, rows) = tokio::join!(
        biased;
        client.batch_execute(&settings),
        client.query_typed(sql, params)
    );
    set.map_err(failed)?;
    let rows = rows.map_err(failed)?;
    let columns = Columns::default();
    let mut unknown: BTreeMap<ScopeId, u64> = BTreeMap::new();
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        let row = columns.of(row);
        let group: i32 = row.get("number")?.ok_or_else(|| no_agent("number"))?;
        let count = row.count()?;
        match scope_of(group) {
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
            true => health,
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
            health: *health,
            count: *count,
        };
        counts.map(count).collect()
    }
}

async fn load_named(client: &Client, agents: &[Agent], knows: Knows<'_>) -> Result<Named, Failure> {
    let ids = Array(agents, |agent: &Agent| agent.id);
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

fn failed(error: tokio_postgres::Error) -> Failure {
    from_driver("reading the apps", error)
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
    fn parts_have_their_agents_together_and_say_where() {
        let agent = |id, scope| Agent {
            id: Uuid::from_u128(id),
            scope: ScopeId(scope),
            ..crate::fleet::fixtures::agent()
        };
        let agents = [agent(1, 1), agent(2, 0), agent(3, 1), agent(4, 1)];
        let parts = Parts::of(&agents, &|it| it.id != Uuid::from_u128(3));
        let order: Vec<_> = parts.agents.iter().map(|it| it.as_u128()).collect();
        assert_eq!(order, [3, 2, 1, 4]);
        assert_eq!(parts.numbers, [!1, 0, 1]);
        assert_eq!((parts.first, parts.last), (vec![1, 2, 3], vec![1, 2, 4]));
        assert!(Parts::of(&[], &|_| true).numbers.is_empty());
        let many = vec![agent(1, 1); NEIGHBOURS + 1];
        let parts = Parts::of(&many, &|_| true);
        assert_eq!(parts.numbers, [1, 1]);
        assert_eq!(parts.last, [2048, 2049]);
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
