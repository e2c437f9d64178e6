//! The workspaces collector: finds the state of every workspace that is not deleted. The latest
//! builds come from the agents collector, and one query reads their jobs.

use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::workspace::WorkspaceCount;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

const SQL: &str = include_str!("workspaces.sql");

/// Columns that the query reads, in addition to those of the agents collector.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of("provisioner_jobs", &["id", "job_status"])];

/// Counts workspaces by the state of their latest builds.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let builds = &context.found.builds;
        let counts = builds.load(context.client()?).await?;
        Ok(Loaded::new(counts.len(), |found| {
            found.snapshot.workspaces = Some(counts);
        }))
    };
    work.boxed()
}

/// The latest build of each workspace: its job, and the group that it is counted in.
#[derive(Debug, Default)]
pub(super) struct LatestBuilds {
    /// Job id, and index of the group.
    builds: Vec<(Uuid, u32)>,
    sorts: HashMap<Sort, u32>,
}

/// The group that builds are counted in, together with their job status. There are a few groups for
/// each template.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sort {
    scope: Scope,
    transition: DbEnum<Transition>,
    has_agent: bool,
}

impl LatestBuilds {
    /// Adds a row. A build has a row for each agent, and one for each resource without an agent.
    pub(super) fn add(
        &mut self,
        job_id: Option<Uuid>,
        scope: Scope,
        transition: DbEnum<Transition>,
        has_agent: bool,
    ) {
        let sort = Sort {
            scope,
            transition,
            has_agent,
        };
        // A database cannot hold 2^32 templates: the cast never cuts anything off.
        let next = self.sorts.len() as u32;
        let number = *self.sorts.entry(sort).or_insert(next);
        self.builds.push((job_id.unwrap_or_default(), number));
    }

    /// Sorts by job id and removes repeated builds.
    pub(super) fn each_once(mut self) -> Self {
        let sorts = self.sorts_by_number();
        let has_agent: Vec<_> = sorts.iter().map(|sort| sort.has_agent).collect();
        let has_agent = |number| has_agent.get(number as usize) == Some(&true);
        self.builds = each_once(self.builds, has_agent);
        self
    }

    fn sorts_by_number(&self) -> Vec<&Sort> {
        let mut sorts: Vec<_> = self.sorts.iter().collect();
        sorts.sort_unstable_by_key(|&(_, number)| number);
        sorts.into_iter().map(|(sort, _)| sort).collect()
    }

    /// The number of builds by group and job status.
    async fn load(&self, client: &Client) -> Result<Vec<WorkspaceCount>, Failure> {
        let (sorts, builds) = (self.sorts_by_number(), &self.builds);
        let jobs = Array(builds, |build| build.0);
        let numbers = Array(builds, |build| build.1.cast_signed());
        let params: &[(&(dyn ToSql + Sync), Type)] =
            &[(&jobs, Type::UUID_ARRAY), (&numbers, Type::INT4_ARRAY)];
        let rows = client
            .query_typed(SQL, params)
            .await
            .map_err(|error| from_driver("reading the workspaces", error))?;
        let columns = Columns::default();
        rows.iter()
            .map(|row| {
                let row = columns.of(row);
                let number: Option<i32> = row.get("sort")?;
                let number = number.and_then(|it| usize::try_from(it).ok());
                let sort = number.and_then(|it| sorts.get(it));
                let sort = sort.ok_or_else(no_build)?;
                Ok(WorkspaceCount {
                    scope: sort.scope.clone(),
                    transition: sort.transition.clone(),
                    job: row.named("job_status")?,
                    has_agent: sort.has_agent,
                    count: row.count()?,
                })
            })
            .collect()
    }
}

/// Sorts by id and merges the rows of a build. It has an agent if any of its rows has one. A build
/// without a job has no resources, so it has a single row.
fn each_once(mut builds: Vec<(Uuid, u32)>, has_agent: impl Fn(u32) -> bool) -> Vec<(Uuid, u32)> {
    builds.sort_unstable_by_key(|&(job_id, sort)| (job_id, !has_agent(sort)));
    builds.dedup_by(|(next, _), (kept, _)| next == kept && !kept.is_nil());
    builds
}

fn no_build() -> Failure {
    let message = "a count of builds has an unexpected kind";
    Failure::new(ErrorKind::Decode, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_of_several_rows_counts_once_and_has_an_agent_if_any_row_has() {
        let (bare, with_agent, other) = (0, 1, 2);
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rows = vec![
            (second, bare),
            (first, bare),
            (first, with_agent),
            (first, bare),
            (second, bare),
        ];
        let found = each_once(rows, |sort| sort == with_agent);
        assert_eq!(found, [(first, with_agent), (second, bare)]);
        // NULL as a job belongs to no build: these are two workspaces.
        let found = each_once(vec![(Uuid::nil(), other); 2], |_| false);
        assert_eq!(found.len(), 2);
    }
}
