//! The workspaces collector: finds the state of every workspace that is not deleted, and which
//! provisioner daemon ran its latest build. The latest builds come from the agents collector, and one
//! query reads their jobs.

use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Scope, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::shared_fact::SharedFact;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{JobStatus, WorkspaceCount};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("workspaces.sql");

/// Columns that the query reads, in addition to those of the agents collector.
pub(super) const READS: &[ColumnSet] =
    &[ColumnSet::of("provisioner_jobs", &["id", "job_status"])
        .optional(&["worker_id", "created_at"])];

/// Counts workspaces by the state of their latest builds.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let builds = &context.found.builds;
        let sql = for_catalog(SQL, &context.session.catalog);
        let jobs = builds.load(context.client()?, &sql).await?;
        Ok(Loaded::new(jobs.rows, |found| {
            let agents = found.snapshot.agents.iter().flatten();
            found.snapshot.provisioners_of_agents = jobs.workers.map(|it| it.of_agents(agents));
            found.snapshot.workspaces = Some(jobs.counts);
        }))
    };
    work.boxed()
}

/// The latest build of each workspace: its job, its workspace, and the group that it is counted in.
#[derive(Debug, Default)]
pub(super) struct LatestBuilds {
    builds: Vec<LatestBuild>,
    sorts: HashMap<Sort, u32>,
}

/// The latest build of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LatestBuild {
    job: Uuid,
    workspace: Uuid,
    /// Index of its group.
    sort: u32,
}

/// What the query found.
struct Jobs {
    rows: usize,
    counts: Vec<WorkspaceCount>,
    /// `None` where this role may not read `provisioner_jobs.worker_id`.
    workers: Option<Workers>,
}

/// Which provisioner daemons ran the latest builds.
#[derive(Debug, Default)]
struct Workers {
    /// The daemons' ids.
    ids: Vec<Uuid>,
    /// Workspace, and index of its daemon.
    of_workspaces: HashMap<Uuid, u32>,
}

impl Workers {
    /// The daemon of each of these agents, which is that of its workspace.
    fn of_agents<'a>(self, agents: impl Iterator<Item = &'a Agent>) -> SharedFact<Uuid> {
        let code = |agent: &Agent| self.of_workspaces.get(&agent.workspace_id).copied();
        let codes = agents.map(|agent| code(agent).unwrap_or(SharedFact::<Uuid>::NONE));
        SharedFact {
            codes: codes.collect(),
            values: self.ids,
        }
    }
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
        (workspace, job): (Option<Uuid>, Option<Uuid>),
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
        self.builds.push(LatestBuild {
            job: job.unwrap_or_default(),
            workspace: workspace.unwrap_or_default(),
            sort: number,
        });
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

    /// The number of builds by group and job status, and who ran them.
    async fn load(&self, client: &Client, sql: &str) -> Result<Jobs, Failure> {
        let (sorts, builds) = (self.sorts_by_number(), &self.builds);
        let jobs = Array(builds, |build| build.job);
        let numbers = Array(builds, |build| build.sort.cast_signed());
        let params: &[(&(dyn ToSql + Sync), Type)] =
            &[(&jobs, Type::UUID_ARRAY), (&numbers, Type::INT4_ARRAY)];
        let rows = client
            .query_typed(sql, params)
            .await
            .map_err(|error| from_driver("reading the workspaces", error))?;
        let columns = Columns::default();
        let knows_workers = sql.contains("worker_id");
        let knows_creation = sql.contains("created_at");
        let mut workers = Workers::default();
        // A group has a row for each daemon that ran some of its builds.
        let mut counts: HashMap<(usize, DbEnum<JobStatus>), (u64, Option<Timestamp>)> =
            HashMap::new();
        for row in &rows {
            let row = columns.of(row);
            let sort: Option<i32> = row.get("sort")?;
            let sort = sort.and_then(|it| usize::try_from(it).ok());
            let sort = sort.filter(|it| *it < sorts.len()).ok_or_else(no_build)?;
            let status = row.named("job_status")?;
            if knows_workers && let Some(worker) = row.get("worker")? {
                let places: Option<Vec<i32>> = row.get("places")?;
                workers.add(worker, builds, &places.unwrap_or_default());
            }
            let oldest = match knows_creation {
                true => row.get("oldest")?,
                false => None,
            };
            let (count, of_all) = counts.entry((sort, status)).or_default();
            *count += row.count()?;
            *of_all = oldest.into_iter().chain(*of_all).min();
        }
        let count = |((sort, job), (count, oldest)): ((usize, _), _)| WorkspaceCount {
            scope: sorts[sort].scope.clone(),
            transition: sorts[sort].transition.clone(),
            job,
            has_agent: sorts[sort].has_agent,
            count,
            oldest,
        };
        Ok(Jobs {
            rows: rows.len(),
            counts: counts.into_iter().map(count).collect(),
            workers: knows_workers.then_some(workers),
        })
    }
}

impl Workers {
    /// Adds a daemon, with the places of the builds that it ran, counted from one.
    fn add(&mut self, worker: Uuid, builds: &[LatestBuild], places: &[i32]) {
        let known = self.ids.iter().position(|it| *it == worker);
        let number = known.unwrap_or(self.ids.len());
        if known.is_none() {
            self.ids.push(worker);
        }
        for place in places {
            let index = usize::try_from(*place)
                .ok()
                .and_then(|it| it.checked_sub(1));
            if let Some(build) = index.and_then(|it| builds.get(it)) {
                // There are no more daemons than builds: the cast never cuts anything off.
                self.of_workspaces.insert(build.workspace, number as u32);
            }
        }
    }
}

/// Sorts by id and merges the rows of a build. It has an agent if any of its rows has one. A build
/// without a job has no resources, so it has a single row.
fn each_once(mut builds: Vec<LatestBuild>, has_agent: impl Fn(u32) -> bool) -> Vec<LatestBuild> {
    builds.sort_unstable_by_key(|build| (build.job, !has_agent(build.sort)));
    builds.dedup_by(|next, kept| next.job == kept.job && !kept.job.is_nil());
    builds
}

fn no_build() -> Failure {
    let message = "a count of builds has an unexpected kind";
    Failure::new(ErrorKind::Decode, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::agent;

    #[test]
    fn build_of_several_rows_counts_once_and_has_an_agent_if_any_row_has() {
        let (bare, with_agent, other) = (0, 1, 2);
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let build = |(job, sort)| LatestBuild {
            job,
            workspace: Uuid::nil(),
            sort,
        };
        let rows = [
            (second, bare),
            (first, bare),
            (first, with_agent),
            (first, bare),
            (second, bare),
        ];
        let found = each_once(rows.map(build).to_vec(), |sort| sort == with_agent);
        assert_eq!(found, [(first, with_agent), (second, bare)].map(build));
        // NULL as a job belongs to no build: these are two workspaces.
        let found = each_once(vec![build((Uuid::nil(), other)); 2], |_| false);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn agent_has_the_daemon_of_its_workspace_and_one_without_has_none() {
        let id = Uuid::from_u128;
        let build = |workspace| LatestBuild {
            job: id(100),
            workspace: id(workspace),
            sort: 0,
        };
        let builds = [build(1), build(2), build(3)];
        let mut workers = Workers::default();
        workers.add(id(7), &builds, &[1]);
        workers.add(id(8), &builds, &[3, 4, 0, -1]);
        workers.add(id(7), &builds, &[]);
        let agents = [3, 2, 1, 1].map(|workspace| Agent {
            workspace_id: id(workspace),
            ..agent()
        });
        let found = workers.of_agents(agents.iter());
        assert_eq!(found.values, [id(7), id(8)]);
        assert_eq!(found.codes, [1, SharedFact::<Uuid>::NONE, 0, 0]);
    }
}
