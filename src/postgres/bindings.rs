//! The bindings collector: what chats are bound to, in one query.

use tokio_postgres::{Client, Row};

use crate::fleet::pass::Failure;
use crate::fleet::workspace::{BindingCount, BindingState};

use super::catalog::Reads;
use super::decode::{column, count, scope};
use super::failure::from_driver;

const SQL: &str = include_str!("bindings.sql");

/// What the query reads. It is run only where the newest of it, `chats.agent_id`, exists.
pub(super) const READS: &[Reads] = &[
    Reads::of("chats", &[]).since(&["workspace_id", "agent_id", "archived"]),
    Reads::of(
        "workspaces",
        &["id", "organization_id", "template_id", "deleted"],
    ),
    Reads::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id"],
    ),
    Reads::of("workspace_resources", &["id", "job_id"]),
    Reads::of("workspace_agents", &["id", "resource_id"]).since(&["parent_id", "deleted"]),
    Reads::of("organizations", &["id", "name"]),
    Reads::of("templates", &["id", "name"]),
];

/// Chats by scope and state.
pub(super) async fn load(client: &Client) -> Result<Vec<BindingCount>, Failure> {
    let rows = client
        .query_typed(SQL, &[])
        .await
        .map_err(|error| from_driver("reading the chats", &error))?;
    rows.iter()
        .map(|row| {
            Ok(BindingCount {
                scope: scope(row, 0)?,
                state: state(row)?,
                count: count(row, 5)?,
            })
        })
        .collect()
}

/// First match wins.
fn state(row: &Row) -> Result<BindingState, Failure> {
    let is = |index| Ok::<_, Failure>(column(row, index)?.unwrap_or_default());
    Ok(if is(2)? {
        BindingState::Unbound
    } else if !is(3)? {
        BindingState::NoAgent
    } else if is(4)? {
        BindingState::Current
    } else {
        BindingState::Stale
    })
}
