//! The workspaces collector: the state of every workspace that is not deleted, in one query.

use tokio_postgres::Client;

use crate::fleet::named::Named;
use crate::fleet::pass::Failure;
use crate::fleet::workspace::WorkspaceCount;

use super::catalog::{Catalog, Reads};
use super::decode::{Text, column, count, scope};
use super::failure::from_driver;
use super::sql::for_catalog;

const SQL: &str = include_str!("workspaces.sql");

/// What the query reads.
pub(super) const READS: &[Reads] = &[
    Reads::of(
        "workspaces",
        &["id", "organization_id", "template_id", "deleted"],
    ),
    Reads::of(
        "workspace_builds",
        &["workspace_id", "build_number", "transition", "job_id"],
    ),
    Reads::of("provisioner_jobs", &["id", "job_status"]),
    Reads::of("workspace_resources", &["id", "job_id"]),
    Reads::of("workspace_agents", &["resource_id"]).since(&["parent_id", "deleted"]),
    Reads::of("organizations", &["id", "name"]),
    Reads::of("templates", &["id", "name"]),
];

/// Workspaces by scope and latest build.
pub(super) async fn load(
    client: &Client,
    catalog: &Catalog,
) -> Result<Vec<WorkspaceCount>, Failure> {
    let rows = client
        .query_typed(&for_catalog(SQL, catalog), &[])
        .await
        .map_err(|error| from_driver("reading the workspaces", &error))?;
    rows.iter()
        .map(|row| {
            let text = |index| Ok::<_, Failure>(column::<Text<'_>>(row, index)?.map(|it| it.0));
            Ok(WorkspaceCount {
                scope: scope(row, 0)?,
                transition: Named::parse(text(2)?.as_deref()),
                job: Named::parse(text(3)?.as_deref()),
                has_agent: column(row, 4)?.unwrap_or_default(),
                count: count(row, 5)?,
            })
        })
        .collect()
}
