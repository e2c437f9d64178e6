//! The bindings collector: what chats are bound to, in one query.

use futures_util::FutureExt;
use tokio_postgres::Client;

use crate::error::Failure;
use crate::fleet::model::workspace::{BindingCount, BindingState};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

const SQL: &str = include_str!("bindings.sql");

/// What the query reads. It is run only where the newest of it, `chats.agent_id`, exists.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of("chats", &[]).since(&["workspace_id", "agent_id", "archived"]),
    ColumnSet::of(
        "workspaces",
        &["id", "organization_id", "template_id", "deleted"],
    ),
    ColumnSet::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id"],
    ),
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of("workspace_agents", &["id", "resource_id"]).since(&["parent_id", "deleted"]),
    ColumnSet::of("organizations", &["id", "name"]),
    ColumnSet::of("templates", &["id", "name"]),
];

/// Counts chats by what they are bound to.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let counts = load(context.client()?).await?;
        Ok(Loaded::new(counts.len(), |found| {
            found.snapshot.bindings = Some(counts);
        }))
    };
    work.boxed()
}

/// Chats by scope and state.
async fn load(client: &Client) -> Result<Vec<BindingCount>, Failure> {
    let rows = client
        .query_typed(SQL, &[])
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

/// First match wins.
fn state(row: Fields<'_>) -> Result<BindingState, Failure> {
    let is = |name| Ok::<_, Failure>(row.get(name)?.unwrap_or_default());
    Ok(if is("unbound")? {
        BindingState::Unbound
    } else if !is("has_agent")? {
        BindingState::NoAgent
    } else if is("is_current")? {
        BindingState::Current
    } else {
        BindingState::Stale
    })
}
