//! The causes collector: why agents are stuck in `created`, in one query for those alone.

use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::snapshot::Cause;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::{Health, Limits, assess};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

const SQL: &str = include_str!("causes.sql");

/// What the query reads.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of(
        "workspace_agents",
        &[
            "id",
            "name",
            "resource_id",
            "started_at",
            "ready_at",
            "lifecycle_state",
        ],
    ),
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id"],
    ),
];

/// Looks for the causes of the agents just read that are stuck.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let causes = load(context.client()?, &context.found.stuck).await?;
        Ok(Loaded::new(causes.len(), |found| {
            found.snapshot.causes = causes;
        }))
    };
    work.boxed()
}

/// Those of these agents that are stuck in `created`.
pub(super) fn stuck(agents: &[Agent], limits: &Limits, now: Timestamp) -> Vec<Uuid> {
    let stuck = agents
        .iter()
        .filter(|agent| assess(agent, limits, now).health == Health::StuckCreated);
    stuck.map(|agent| agent.id).collect()
}

/// The cause of each of these stuck agents.
pub(in crate::postgres) async fn load(
    client: &Client,
    stuck: &[Uuid],
) -> Result<HashMap<Uuid, Cause>, Failure> {
    let mut causes: HashMap<_, _> = stuck.iter().map(|&id| (id, Cause::NeverReported)).collect();
    // No agent is stuck, most of the time: then there is nothing to ask.
    if stuck.is_empty() {
        return Ok(causes);
    }
    let params: &[(&(dyn ToSql + Sync), Type)] = &[(&stuck, Type::UUID_ARRAY)];
    let rows = client
        .query_typed(SQL, params)
        .await
        .map_err(|error| from_driver("reading the causes", error))?;
    let columns = Columns::default();
    for row in &rows {
        if let Some(id) = columns.of(row).get("id")? {
            causes.insert(id, Cause::SurvivedBuild);
        }
    }
    Ok(causes)
}
