//! Counts the workspaces that a probe of all workspaces through Coder keeps running
//! (`docs/spec/probe.md`).

use tokio::time::Instant;

use crate::error::Failure;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::database::Database;
use crate::postgres::failure::from_driver;

const SQL: &str = include_str!("kept_alive.sql");

/// Columns that the query reads.
pub const READS: &[ColumnSet] = &[
    ColumnSet::of("workspaces", &["id", "template_id", "deleted"]),
    ColumnSet::of(
        "workspace_builds",
        &[
            "workspace_id",
            "build_number",
            "transition",
            "job_id",
            "deadline",
        ],
    ),
    ColumnSet::of("provisioner_jobs", &["id", "job_status"]),
    ColumnSet::of("templates", &["id", "time_til_dormant"]),
];

impl Database {
    /// The number of running workspaces with an autostop deadline or dormancy rule, which a dial
    /// through Coder delays.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline, or a grant is missing.
    pub async fn workspaces_kept_alive(&self, deadline: Instant) -> Result<u64, Failure> {
        let session = self.open(READS.to_vec(), deadline).await?;
        session.catalog.check(READS)?;
        let work = async {
            let rows = session.client()?.query_typed(SQL, &[]).await;
            rows.map_err(|error| from_driver("counting workspaces with a deadline", error))
        };
        let rows = session.guarded("kept_alive", work).await?;
        session.finish().await;
        rows.first()
            .map_or(Ok(0), |row| Columns::default().of(row).count())
    }
}
