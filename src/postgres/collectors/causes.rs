//! The causes collector: why agents have their problems (`docs/spec/causes.md`), in one query for
//! each sort of problem, and for those agents alone.

use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::causes::{Question, RowCause, cause_in_row};
use crate::fleet::rules::health::Limits;
use crate::postgres::catalog::{Catalog, ColumnSet};
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

const SURVIVED: &str = include_str!("causes.sql");
const OLD_PROCESS: &str = include_str!("causes/old_process.sql");
const SCRIPTS: &str = include_str!("causes/scripts.sql");
const CODERD_GONE: &str = include_str!("causes/coderd_gone.sql");
const MONITORS: &str = include_str!("causes/monitors.sql");

/// All of them.
pub(super) const STATEMENTS: &[&str] = &[SURVIVED, OLD_PROCESS, SCRIPTS, CODERD_GONE, MONITORS];

/// An agent's scripts are a handful; more are not named.
const MOST_SCRIPTS: usize = 20;

/// What the queries read.
pub(in crate::postgres) const READS: &[ColumnSet] = &[
    ColumnSet::of(
        "workspace_agents",
        &[
            "id",
            "name",
            "resource_id",
            "created_at",
            "last_connected_at",
            "started_at",
            "ready_at",
            "lifecycle_state",
        ],
    )
    .since(&["last_connected_replica_id"]),
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id"],
    ),
    ColumnSet::of("workspace_agent_scripts", &[]).since(&[
        "id",
        "workspace_agent_id",
        "display_name",
        "run_on_start",
    ]),
    ColumnSet::of("workspace_agent_script_timings", &[]).since(&[
        "script_id",
        "started_at",
        "ended_at",
        "exit_code",
        "stage",
        "status",
    ]),
    ColumnSet::of("replicas", &[]).since(&["id", "primary", "updated_at", "stopped_at"]),
    ColumnSet::of("workspace_agent_memory_resource_monitors", &[]).since(&["agent_id", "state"]),
    ColumnSet::of("workspace_agent_volume_resource_monitors", &[]).since(&["agent_id", "state"]),
];

/// Problem agents by what is to be asked about them.
#[derive(Debug, Default)]
pub(in crate::postgres) struct ToAsk {
    /// Causes that their rows tell.
    told: HashMap<Uuid, Cause>,
    /// Stuck in `created`.
    created: Vec<Uuid>,
    /// Never connected.
    waiting: Vec<Uuid>,
    /// Their start failed, or does not end.
    starting: Vec<Uuid>,
    /// Lost without a word.
    silent: Vec<Uuid>,
    /// Lost in any way.
    lost: Vec<Uuid>,
}

/// What was found out.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Causes {
    /// The cause of each agent that has one.
    pub(in crate::postgres) of_agents: HashMap<Uuid, Cause>,
    /// The scripts that explain it.
    pub(in crate::postgres) scripts: HashMap<Uuid, Vec<Script>>,
}

/// Looks for the causes of the problem agents just read.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let (catalog, now) = (&context.session.catalog, context.session.moment.now);
        let causes = load(context.client()?, catalog, &context.found.to_ask, now).await?;
        Ok(Loaded::new(causes.of_agents.len(), |found| {
            found.snapshot.causes = causes.of_agents;
            found.snapshot.scripts = causes.scripts;
        }))
    };
    work.boxed()
}

impl ToAsk {
    /// What is to be asked about those of these agents that have a problem.
    pub(in crate::postgres) fn about<'a>(
        agents: impl IntoIterator<Item = &'a Agent>,
        limits: &Limits,
        now: Timestamp,
    ) -> Self {
        let mut to_ask = Self::default();
        for agent in agents {
            match cause_in_row(agent, limits, now) {
                RowCause::Nothing => {}
                RowCause::Cause(cause) => drop(to_ask.told.insert(agent.id, cause)),
                RowCause::Ask(Question::Survived) => to_ask.created.push(agent.id),
                RowCause::Ask(Question::OldProcess) => to_ask.waiting.push(agent.id),
                RowCause::Ask(Question::Scripts) => to_ask.starting.push(agent.id),
                RowCause::Ask(Question::Monitors) => to_ask.lost.push(agent.id),
                RowCause::Ask(Question::CoderdThenMonitors) => {
                    to_ask.silent.push(agent.id);
                    to_ask.lost.push(agent.id);
                }
            }
        }
        to_ask
    }
}

/// The causes of these agents, true at `now`.
pub(in crate::postgres) async fn load(
    client: &Client,
    catalog: &Catalog,
    to_ask: &ToAsk,
    now: Timestamp,
) -> Result<Causes, Failure> {
    let ask = async |sql: &str, ids: &Vec<Uuid>, needs: &[&str]| {
        // No agent has the problem, most of the time: then there is nothing to ask.
        if ids.is_empty() || !needs.iter().all(|it| catalog.has_named(it)) {
            return Ok(Vec::new());
        }
        let seconds = now.as_unix_seconds();
        let mut params: Vec<(&(dyn ToSql + Sync), Type)> = vec![(ids, Type::UUID_ARRAY)];
        if sql.contains("$2") {
            params.push((&seconds, Type::FLOAT8));
        }
        let rows = client.query_typed(sql, &params).await;
        rows.map_err(|error| from_driver("reading the causes", error))
    };
    // They need nothing of each other, and share one round trip.
    let (survived, old, scripts, gone, monitors) = tokio::join!(
        biased;
        ask(SURVIVED, &to_ask.created, &[]),
        ask(OLD_PROCESS, &to_ask.waiting, &[]),
        ask(SCRIPTS, &to_ask.starting, &["workspace_agent_script_timings.script_id"]),
        ask(
            CODERD_GONE,
            &to_ask.silent,
            &["replicas.id", "workspace_agents.last_connected_replica_id"],
        ),
        ask(MONITORS, &to_ask.lost, &["workspace_agent_volume_resource_monitors.agent_id"]),
    );
    let mut causes = Causes {
        of_agents: to_ask.told.clone(),
        scripts: HashMap::new(),
    };
    for &id in &to_ask.created {
        causes.of_agents.insert(id, Cause::NeverReported);
    }
    for (rows, cause) in [
        (survived?, Cause::SurvivedBuild),
        (old?, Cause::OldProcess),
        (gone?, Cause::CoderdGone),
    ] {
        for id in ids(&rows)? {
            causes.of_agents.insert(id, cause);
        }
    }
    read_scripts(&scripts?, &mut causes)?;
    read_monitors(&monitors?, &mut causes.of_agents)?;
    Ok(causes)
}

fn ids(rows: &[Row]) -> Result<Vec<Uuid>, Failure> {
    let columns = Columns::default();
    let ids = rows.iter().map(|row| columns.of(row).get("id"));
    let ids: Result<Vec<_>, _> = ids.collect();
    Ok(ids?.into_iter().flatten().collect())
}

/// The first script of an agent says why.
fn read_scripts(rows: &[Row], causes: &mut Causes) -> Result<(), Failure> {
    let columns = Columns::default();
    for row in rows {
        let row = columns.of(row);
        let Some(id) = row.get::<Uuid>("id")? else {
            continue;
        };
        let status = row.text("status")?;
        let scripts = causes.scripts.entry(id).or_default();
        if scripts.is_empty()
            && let Some(cause) = Cause::of_script(status.as_deref())
        {
            causes.of_agents.insert(id, cause);
        }
        if scripts.len() < MOST_SCRIPTS {
            scripts.push(Script {
                name: row.string("name")?.into(),
                exit_code: row.get("exit_code")?,
                seconds: row.get("seconds")?,
            });
        }
    }
    Ok(())
}

/// Memory comes before disk, and a coderd that is gone before both.
fn read_monitors(rows: &[Row], causes: &mut HashMap<Uuid, Cause>) -> Result<(), Failure> {
    let columns = Columns::default();
    let mut found = Vec::new();
    for row in rows {
        let row = columns.of(row);
        let Some(id) = row.get::<Uuid>("id")? else {
            continue;
        };
        found.push((row.get("is_memory")? != Some(true), id));
    }
    found.sort_unstable();
    for (is_disk, id) in found {
        let cause = match is_disk {
            true => Cause::DiskHigh,
            false => Cause::MemoryHigh,
        };
        causes.entry(id).or_insert(cause);
    }
    Ok(())
}
