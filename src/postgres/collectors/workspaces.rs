//! The workspaces collector: finds the state of every workspace that is not deleted, and which
//! provisioner daemon ran its latest build. The latest builds come from the agents collector, and one
//! query reads the jobs of those that are not known to have finished.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::shared_fact::SharedFact;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{JobStatus, WorkspaceCount};
use crate::postgres::builds::known::Lease;
use crate::postgres::builds::read::{self, Names, Workspace};
use crate::postgres::builds::{Build, HasAgent};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("workspaces.sql");

/// Columns that the query reads, in addition to those of the agents collector.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of("provisioner_jobs", &["id", "job_status"])
    .optional(&["worker_id", "completed_at", "created_at"])];

/// Counts workspaces by the state of their latest builds.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let builds = context.found.builds.as_ref().ok_or_else(no_builds)?;
        let jobs = load(context, &builds.unfinished).await?;
        Ok(Loaded::new(builds.scope_of.len(), move |found| {
            let Some(builds) = &mut found.builds else {
                return;
            };
            builds.unfinished = Vec::new();
            builds.take_in(&jobs);
            let agents = found.snapshot.agents.as_deref().unwrap_or_default();
            found.snapshot.provisioners_of_agents =
                jobs.has_workers.then(|| builds.workers_of(agents));
            found.snapshot.workspaces = Some(builds.counts(&jobs));
        }))
    };
    work.boxed()
}

/// The latest build of each workspace, and organization and template of each.
#[derive(Debug)]
pub(super) struct LatestBuilds {
    lease: Lease,
    unfinished: read::Jobs,
    /// The number of each one's scope, in their order.
    scope_of: Vec<u32>,
    scopes: Vec<Scope>,
}

/// The jobs that were asked about.
pub(super) struct Jobs {
    /// Sorted by the build, each once.
    of_builds: Vec<Job>,
    /// Whether this role may read who ran a job.
    has_workers: bool,
}

/// The job of a build.
struct Job {
    /// Index of the build.
    build: u32,
    status: DbEnum<JobStatus>,
    is_finished: bool,
    /// When it was created; `None` where that may not be read.
    created_at: Option<Timestamp>,
    /// The provisioner daemon that ran it.
    worker: Option<Uuid>,
}

/// Reads the jobs of the builds that are not known to have finished, where this collector is not
/// wanted. The builds are remembered all the same, so that the next collection need not read them.
///
/// `None` where the jobs cannot be read: then nothing is remembered.
pub(super) async fn read_unwanted(context: &Context<'_>, asked: &[(Uuid, u32)]) -> Option<Jobs> {
    if context.wants_workspaces || context.session.catalog.check(READS).is_err() {
        return None;
    }
    let jobs = load(context, asked);
    let jobs = context.session.guarded("jobs", jobs).await;
    jobs.inspect_err(|failure| tracing::debug!(%failure, "no build is remembered"))
        .ok()
}

/// Reads these jobs: the ids of builds' jobs, and the index of each build.
async fn load(context: &Context<'_>, asked: &[(Uuid, u32)]) -> Result<Jobs, Failure> {
    let failed = |error| from_driver("reading the jobs", error);
    let client = context.client()?;
    let sql = for_catalog(SQL, &context.session.catalog);
    let has_workers = sql.contains("worker_id");
    let ids = Array(asked, |it: &(Uuid, u32)| it.0);
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&ids, Type::UUID_ARRAY)];
    let rows = client.query_typed_raw(&sql, params).await;
    let mut rows = pin!(rows.map_err(failed)?);
    let columns = Columns::default();
    let mut of_builds = Vec::with_capacity(asked.len());
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = columns.of(&row);
        let place = row.place()?;
        let Some(&(_, build)) = place.and_then(|it| asked.get(it)) else {
            continue;
        };
        let worker = match has_workers {
            true => row.get("worker")?,
            false => None,
        };
        let created_at = match sql.contains("created_at") {
            true => row.get("created_at")?,
            false => None,
        };
        of_builds.push(Job {
            build,
            status: row.named("job_status")?,
            is_finished: row.get("is_finished")?.unwrap_or_default(),
            created_at,
            worker,
        });
    }
    // A job comes twice in a database that lost its primary key.
    of_builds.sort_unstable_by_key(|it: &Job| it.build);
    of_builds.dedup_by_key(|it| it.build);
    Ok(Jobs {
        of_builds,
        has_workers,
    })
}

impl LatestBuilds {
    /// These builds, which are in the order of their workspaces.
    pub(super) fn new(
        workspaces: &[Workspace],
        lease: Lease,
        unfinished: read::Jobs,
        names: &Names,
    ) -> Self {
        let scopes = names.scopes().to_vec();
        // Two templates of one name are one.
        let mut first: HashMap<&Scope, u32> = HashMap::new();
        let numbers = scopes.iter().zip(0..);
        let numbers = numbers.map(|(scope, number)| *first.entry(scope).or_insert(number));
        let numbers: Vec<u32> = numbers.collect();
        // Every workspace has the number of a scope. In one piece: a list that grows doubles.
        let of_workspace = |it: &Workspace| numbers.get(it.scope as usize).copied();
        let of_workspace = |it| of_workspace(it).unwrap_or(u32::MAX);
        Self {
            scope_of: workspaces.iter().map(of_workspace).collect(),
            scopes,
            unfinished,
            lease,
        }
    }

    /// The workspace's build with its scope; `None` where the workspace is deleted or unknown.
    pub(super) fn of_workspace(&self, workspace: Uuid) -> Option<(&Build, &Scope)> {
        let index = self.lease.builds.find(workspace)?;
        let scope = self.scopes.get(*self.scope_of.get(index)? as usize)?;
        Some((self.lease.builds.list().get(index)?, scope))
    }

    /// Remembers the jobs that have finished.
    pub(super) fn take_in(&mut self, jobs: &Jobs) {
        for job in &jobs.of_builds {
            self.lease.builds.ran(job.build, job.worker);
            if let (true, DbEnum::Known(status)) = (job.is_finished, &job.status) {
                self.lease.builds.finish(job.build, *status);
            }
        }
    }

    /// The number of workspaces by scope, latest build and status of its job.
    fn counts(&self, jobs: &Jobs) -> Vec<WorkspaceCount> {
        let builds = &self.lease.builds;
        let mut asked = jobs.of_builds.iter().peekable();
        let mut counts: HashMap<_, (u64, Option<Timestamp>)> = HashMap::new();
        for ((build, &scope), index) in builds.list().iter().zip(&self.scope_of).zip(0..) {
            let asked = asked.next_if(|it| it.build == index);
            if !build.is_there() {
                continue;
            }
            let job = match (builds.finished(build), asked) {
                (Some(finished), _) => DbEnum::Known(finished),
                (None, Some(job)) => job.status,
                // A job that is gone counts all the same, without a status.
                (None, None) => DbEnum::parse(None),
            };
            let has_agent = build.has_agent == HasAgent::Serving;
            let sort = (scope, build.transition_number(), has_agent, job);
            let (count, oldest) = counts.entry(sort).or_default();
            *count += 1;
            // Of what has finished no moment is wanted, and none is remembered.
            let created_at = asked.filter(|it| !it.is_finished).map(|it| it.created_at);
            *oldest = created_at.flatten().into_iter().chain(*oldest).min();
        }
        let counts = counts.into_iter();
        let counts = counts.filter_map(|((scope, transition, has_agent, job), (count, oldest))| {
            Some(WorkspaceCount {
                scope: self.scopes.get(scope as usize)?.clone(),
                transition: builds.transition_of(transition),
                job,
                has_agent,
                count,
                oldest,
            })
        });
        counts.collect()
    }

    /// The daemon of each of these agents, which is that of its workspace.
    fn workers_of(&self, agents: &[Agent]) -> SharedFact<Uuid> {
        let builds = &self.lease.builds;
        let code = |agent: &Agent| {
            let build = builds.find(agent.workspace_id);
            let build = build.and_then(|it| builds.list().get(it));
            build.map_or(SharedFact::<Uuid>::NONE, Build::worker)
        };
        SharedFact {
            codes: agents.iter().map(code).collect(),
            values: builds.workers().to_vec(),
        }
    }
}

fn no_builds() -> Failure {
    Failure::new(ErrorKind::Decode, "the latest builds were not read")
}
