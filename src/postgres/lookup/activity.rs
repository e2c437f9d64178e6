//! Session reports: reads which agents are in use, in one query (`docs/spec/probe.md`).

use std::collections::HashMap;

use tokio::time::Instant;
use tokio_postgres::Row;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::activity::{Activity, RecentUse};
use crate::postgres::catalog::{Catalog, ColumnSet};
use crate::postgres::columns::Columns;
use crate::postgres::database::Database;
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

const SQL: &str = include_str!("activity.sql");

const TABLE: &str = "workspace_agent_stats";

/// Columns with the number of open sessions by kind. After v2.35 Coder has [`SESSION_COUNTS`]
/// instead.
const SESSION_COUNT_COLUMNS: [&str; 4] = [
    "session_count_vscode",
    "session_count_jetbrains",
    "session_count_reconnecting_pty",
    "session_count_ssh",
];

/// Column with the number of open sessions by application, as jsonb.
const SESSION_COUNTS: &str = "session_counts";

/// Columns that the query reads.
pub const READS: &[ColumnSet] = &[
    ColumnSet::of(
        TABLE,
        &["agent_id", "template_id", "created_at", "connection_count"],
    )
    .since(&[
        SESSION_COUNT_COLUMNS[0],
        SESSION_COUNT_COLUMNS[1],
        SESSION_COUNT_COLUMNS[2],
        SESSION_COUNT_COLUMNS[3],
        SESSION_COUNTS,
    ]),
    ColumnSet::of("templates", &["id"]),
];

impl Database {
    /// Reads which agents are in use.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline, a grant is missing, or this Coder has no
    /// such table.
    pub async fn activity(&self, deadline: Instant) -> Result<Activity, Failure> {
        let session = self.open(READS.to_vec(), deadline).await?;
        session.catalog.check(READS)?;
        check_session_counts(&session.catalog)?;
        let sql = for_catalog(SQL, &session.catalog);
        let work = async {
            let rows = session.client()?.query_typed(&sql, &[]).await;
            rows.map_err(|error| from_driver("reading the session reports", error))
        };
        let rows = session.guarded("activity", work).await?;
        session.finish().await;
        read(&rows)
    }
}

/// Whether the numbers of open sessions can be read in one of their two forms.
pub(super) fn check_session_counts(catalog: &Catalog) -> Result<(), Failure> {
    let has = |column: &str| catalog.has(TABLE, column);
    if has(SESSION_COUNTS) || SESSION_COUNT_COLUMNS.into_iter().all(has) {
        return Ok(());
    }
    let message = format!(
        "the session reports cannot be read: {TABLE} has neither {SESSION_COUNTS} nor {}",
        SESSION_COUNT_COLUMNS.join(", "),
    );
    Err(Failure::new(ErrorKind::Schema, message))
}

fn read(rows: &[Row]) -> Result<Activity, Failure> {
    let missing = || Failure::new(ErrorKind::Decode, "the session reports have no timestamp");
    let columns = Columns::default();
    let first = columns.of(rows.first().ok_or_else(missing)?);
    let mut sessions = HashMap::with_capacity(rows.len());
    let mut recent = HashMap::with_capacity(rows.len());
    for row in rows.iter().map(|row| columns.of(row)) {
        let Some(agent) = row.get("agent_id")? else {
            continue;
        };
        if let Some(reported_at) = row.get("session_reported_at")? {
            sessions.insert(agent, reported_at);
        }
        let has_session: Option<bool> = row.get("has_session")?;
        recent.insert(
            agent,
            match has_session {
                Some(true) => RecentUse::Session,
                _ => RecentUse::Traffic,
            },
        );
    }
    Ok(Activity {
        now: first.get("moment")?.ok_or_else(missing)?,
        newest_report: first.get("newest_report")?,
        sessions,
        recent,
    })
}
