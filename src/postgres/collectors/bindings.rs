//! The bindings collector: what chats are bound to, in one query.

use futures_util::FutureExt;
use tokio_postgres::{Client, Row};

use crate::fleet::pass::Failure;
use crate::fleet::workspace::{BindingCount, BindingState};
use crate::postgres::catalog::Reads;
use crate::postgres::decode::{column, count, scope};
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

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
