//! The apps collector: apps of the agents just read, in one query.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::fleet::agent::{Agent, ScopeId};
use crate::fleet::app::AppCount;
use crate::fleet::named::Named;
use crate::fleet::pass::{ErrorKind, Failure};

use super::catalog::Reads;
use super::decode::{Text, column};
use super::failure::from_driver;

const SQL: &str = include_str!("apps.sql");

/// What the query reads.
pub(super) const READS: &[Reads] = &[Reads {
    table: "workspace_apps",
    columns: &["agent_id", "health"],
    since: &[],
}];

/// How many apps these agents have, by scope and health.
pub(super) async fn load(client: &Client, agents: &[Agent]) -> Result<Vec<AppCount>, Failure> {
    let ids: Vec<Uuid> = agents.iter().map(|agent| agent.id).collect();
    let scopes: Vec<i32> = agents.iter().map(|agent| agent.scope.0 as i32).collect();
    let params: &[(&(dyn ToSql + Sync), Type)] =
        &[(&ids, Type::UUID_ARRAY), (&scopes, Type::INT4_ARRAY)];
    let rows = client
        .query_typed(SQL, params)
        .await
        .map_err(|error| from_driver("reading the apps", &error))?;
    rows.iter()
        .map(|row| {
            let scope: Option<i32> = column(row, 0)?;
            let count: Option<i64> = column(row, 2)?;
            let (Some(scope), Some(count)) = (scope, count) else {
                let message = "a count of apps is NULL";
                return Err(Failure::new(ErrorKind::Decode, message));
            };
            let health = column::<Text<'_>>(row, 1)?;
            Ok(AppCount {
                scope: ScopeId(scope as u32),
                health: Named::parse(health.as_ref().map(|it| &*it.0)),
                count: u64::try_from(count).unwrap_or_default(),
            })
        })
        .collect()
}
