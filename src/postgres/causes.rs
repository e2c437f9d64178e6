//! The causes collector: why agents are stuck in `created`, in one query for those alone.

use std::collections::HashMap;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::fleet::pass::Failure;
use crate::fleet::snapshot::Cause;

use super::catalog::Reads;
use super::decode::column;
use super::failure::from_driver;

const SQL: &str = include_str!("causes.sql");

/// What the query reads.
pub(super) const READS: &[Reads] = &[
    Reads::of(
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
    Reads::of("workspace_resources", &["id", "job_id"]),
    Reads::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id"],
    ),
];

/// The cause of each of these stuck agents.
pub(super) async fn load(client: &Client, stuck: &[Uuid]) -> Result<HashMap<Uuid, Cause>, Failure> {
    let mut causes: HashMap<_, _> = stuck.iter().map(|&id| (id, Cause::NeverReported)).collect();
    // Nobody is stuck, most of the time: then there is nothing to ask.
    if stuck.is_empty() {
        return Ok(causes);
    }
    let params: &[(&(dyn ToSql + Sync), Type)] = &[(&stuck, Type::UUID_ARRAY)];
    let rows = client
        .query_typed(SQL, params)
        .await
        .map_err(|error| from_driver("reading the causes", &error))?;
    for row in &rows {
        if let Some(id) = column(row, 0)? {
            causes.insert(id, Cause::SurvivedBuild);
        }
    }
    Ok(causes)
}
