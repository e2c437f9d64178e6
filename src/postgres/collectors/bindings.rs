//! The bindings collector: counts chats by the state of their binding, in one query.

use futures_util::FutureExt;
use tokio_postgres::Client;

use crate::error::Failure;
use crate::fleet::model::workspace::{BindingCount, BindingState};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("bindings.sql");

/// Columns that the query reads. It only runs if the newest one, `chats.agent_id`, exists.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of("chats", &[])
        .since(&["workspace_id", "agent_id", "archived"])
        .optional(&["updated_at"]),
    ColumnSet::of(
        "workspaces",
        &["id", "organization_id", "template_id", "deleted"],
    ),
    ColumnSet::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id", "created_at"],
    ),
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of("workspace_agents", &["id", "resource_id"]).since(&["parent_id", "deleted"]),
    ColumnSet::of("organizations", &["id", "name"]),
    ColumnSet::of("templates", &["id", "name"]),
];

/// Counts chats by the state of their binding.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let sql = for_catalog(SQL, &context.session.catalog);
        let counts = load(context.client()?, &sql).await?;
        Ok(Loaded::new(counts.len(), |found| {
            found.snapshot.bindings = Some(counts);
        }))
    };
    work.boxed()
}

/// Chats by scope and state of their binding.
async fn load(client: &Client, sql: &str) -> Result<Vec<BindingCount>, Failure> {
    let rows = client
        .query_typed(sql, &[])
        .await
        .map_err(|error| from_driver("reading the chats", error))?;
    let columns = Columns::default();
    rows.iter()
        .map(|row| {
            let row = columns.of(row);
            Ok(BindingCount {
                scope: row.scope()?,
                state: state(row)?,
                count: row.count()?,
            })
        })
        .collect()
}

/// Decodes the state of a binding. The first matching condition applies.
fn state(row: Fields<'_>) -> Result<BindingState, Failure> {
    let is = |name| Ok::<_, Failure>(row.get(name)?.unwrap_or_default());
    Ok(if is("unbound")? {
        BindingState::Unbound
    } else if !is("has_agent")? {
        BindingState::NoAgent
    } else if is("is_current")? {
        BindingState::Current
    } else if row.get("is_used")? == Some(false) {
        BindingState::Idle
    } else {
        // Also where it is not known whether it was used.
        BindingState::Stale
    })
}
