//! Whether a stopped workspace is being restarted: Coder after v2.35 does that as a stop and a
//! start that is queued behind it.

use tokio::time::Instant;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::Failure;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::database::Database;
use crate::postgres::failure::from_driver;

const SQL: &str = include_str!("queued_start.sql");

/// The table, which came after v2.35.
pub(super) const TABLE: &str = "workspace_build_orchestrations";

/// What the query reads.
pub const READS: &[ColumnSet] =
    &[ColumnSet::of(TABLE, &[]).since(&["workspace_id", "status", "child_transition"])];

impl Database {
    /// Whether a start of this workspace is queued. It is not known, and so `false`, where this
    /// Coder has no such table or the role may not read it.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline.
    pub async fn is_start_queued(
        &self,
        workspace: Uuid,
        deadline: Instant,
    ) -> Result<bool, Failure> {
        let session = self.open(READS.to_vec(), deadline).await?;
        let is_there = session.catalog.has(TABLE, "status");
        if !is_there || session.catalog.check(READS).is_err() {
            session.finish().await;
            return Ok(false);
        }
        let work = async {
            let client = session.client()?;
            let rows = client.query_typed(SQL, &[(&workspace, Type::UUID)]).await;
            rows.map_err(|error| from_driver("looking for a queued start", error))
        };
        let rows = session.guarded("queued_start", work).await?;
        session.finish().await;
        let count = rows.first().map(|row| Columns::default().of(row).count());
        Ok(count.transpose()?.is_some_and(|count| count > 0))
    }
}
