//! The startups collector: reads the jobs that built the agents which have just started. They are
//! the beginning of a start-up; its end is in the agents' own rows.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::startup::JobTimes;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::startup::has_just_started;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("startups.sql");

/// Columns that the query reads, in addition to those of the agents collector.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of(
        "provisioner_jobs",
        &["id", "created_at", "started_at", "completed_at"],
    ),
];

/// The jobs of at most so many agents are read in one collection, of those that started last. On a
/// morning when more start within five minutes, each is among the last in some collection.
const MOST: usize = 5000;

/// Reads the job of each agent that has just started.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let sql = for_catalog(SQL, &context.session.catalog);
        let just_started = &context.found.just_started;
        let jobs = just_started.load(context.client()?, &sql).await?;
        Ok(Loaded::new(jobs.len(), |found| {
            found.snapshot.startup_jobs = Some(jobs);
        }))
    };
    work.boxed()
}

/// Agents that have just started, with the resources that their builds' jobs made.
#[derive(Debug, Default)]
pub(super) struct JustStarted {
    agents: Vec<(Option<Timestamp>, Uuid, Uuid)>,
}

impl JustStarted {
    /// Keeps the agent of this resource if it has just started.
    pub(super) fn add(&mut self, agent: &Agent, resource: Uuid, now: Timestamp) {
        if has_just_started(agent, now) {
            self.agents.push((agent.ready_at, agent.id, resource));
        }
    }

    /// Those that started last.
    fn newest(&self) -> Vec<(Option<Timestamp>, Uuid, Uuid)> {
        let mut agents = self.agents.clone();
        agents.sort_unstable_by_key(|it| Reverse(*it));
        agents.truncate(MOST);
        agents
    }

    async fn load(&self, client: &Client, sql: &str) -> Result<HashMap<Uuid, JobTimes>, Failure> {
        if self.agents.is_empty() {
            return Ok(HashMap::new());
        }
        let newest = self.newest();
        let (ids, resources) = (Array(&newest, |it| it.1), Array(&newest, |it| it.2));
        let params: &[(&(dyn ToSql + Sync), Type)] =
            &[(&ids, Type::UUID_ARRAY), (&resources, Type::UUID_ARRAY)];
        let rows = client
            .query_typed(sql, params)
            .await
            .map_err(|error| from_driver("reading the jobs of start-ups", error))?;
        let columns = Columns::default();
        let times = rows.iter().map(|row| {
            let row = columns.of(row);
            let times = JobTimes {
                created_at: row.get("created_at")?,
                started_at: row.get("started_at")?,
                completed_at: row.get("completed_at")?,
            };
            Ok((row.get("agent_id")?.unwrap_or_default(), times))
        });
        times.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at};

    #[test]
    fn those_that_started_last_are_asked_about_within_the_limit() {
        let mut just_started = JustStarted::default();
        let most = MOST as u128;
        for number in 0..=most {
            let started = Agent {
                id: Uuid::from_u128(number),
                first_connected_at: Some(at(-200)),
                started_at: Some(at(-200)),
                ready_at: Some(at(-100 - i64::from(number == 7))),
                ..agent()
            };
            just_started.add(&started, Uuid::from_u128(1), at(0));
        }
        just_started.add(&agent(), Uuid::from_u128(1), at(0));
        let newest = just_started.newest();
        assert_eq!(newest.len(), MOST);
        assert!(newest.iter().all(|it| it.1 != Uuid::from_u128(7)));
        assert!(
            newest
                .iter()
                .all(|it| it.1 != agent().id || it.0 == Some(at(-100)))
        );
    }
}
