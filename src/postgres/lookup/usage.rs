//! How one workspace is used, for `explain`, for the page of an agent and for the API.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::Failure;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::usage::{Usage, UsageReport};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::connection::session::Session;
use crate::postgres::lookup::activity::{self, check_session_counts};
use crate::postgres::lookup::directory::ask;

const SQL: &str = include_str!("usage.sql");

/// Columns that are read besides those of the session reports.
const MORE: &[ColumnSet] = &[
    ColumnSet::of("workspaces", &["id", "template_id"]).optional(&["last_used_at"]),
    ColumnSet::of(
        "workspace_builds",
        &["workspace_id", "build_number", "job_id", "deadline"],
    ),
    ColumnSet::of("workspace_resources", &["id", "job_id"]),
    ColumnSet::of("workspace_agents", &["id", "resource_id"]),
];

/// Columns that the query reads.
pub fn reads() -> Vec<ColumnSet> {
    [activity::READS, MORE].concat()
}

/// How this workspace is used; `None` where that cannot be read, which costs nothing else.
pub(super) async fn in_session(session: &Session, workspace: Uuid) -> Option<Usage> {
    let catalog = &session.catalog;
    let is_readable = catalog
        .check(&reads())
        .and_then(|()| check_session_counts(catalog));
    let found = match is_readable {
        Ok(()) => read_all(session, workspace).await,
        Err(failure) => Err(failure),
    };
    let said = |failure: &Failure| {
        tracing::debug!(error = %failure, "how the workspace is used cannot be read");
    };
    found.inspect_err(said).ok()?
}

async fn read_all(session: &Session, workspace: Uuid) -> Result<Option<Usage>, Failure> {
    let rows = ask(session, "usage", SQL, &[(&workspace, Type::UUID)]).await?;
    read(&rows)
}

fn read(rows: &[Row]) -> Result<Option<Usage>, Failure> {
    let columns = Columns::default();
    let Some(first) = rows.first().map(|row| columns.of(row)) else {
        return Ok(None);
    };
    let mut usage = Usage {
        last_used_at: first.get("last_used_at")?.filter(is_meant),
        build_number: first.get("build_number")?,
        deadline: first.get("deadline")?.filter(is_meant),
        newest_report: first.get("newest_report")?,
        reports: Vec::new(),
        compared: None,
    };
    for row in rows {
        read_report(columns.of(row), &mut usage.reports)?;
    }
    Ok(Some(usage))
}

/// Adds the row to the report that it is of.
fn read_report(row: Fields<'_>, reports: &mut Vec<UsageReport>) -> Result<(), Failure> {
    let (Some(agent), Some(at)) = (row.get("agent_id")?, row.get("reported_at")?) else {
        return Ok(());
    };
    if reports.last().is_none_or(|it| it.agent != agent) {
        let connections: Option<i64> = row.get("connection_count")?;
        reports.push(UsageReport {
            agent,
            at,
            connections: connections
                .and_then(|it| it.try_into().ok())
                .unwrap_or_default(),
            sessions: BTreeMap::new(),
        });
    }
    let count: Option<i64> = row.get("session_count")?;
    let count = count.and_then(|it| u64::try_from(it).ok());
    if let (Some(report), Some(count)) = (reports.last_mut(), count) {
        report.sessions.insert(row.string("session_kind")?, count);
    }
    Ok(())
}

/// Whether it is a date: Coder stores the year 1 for none.
fn is_meant(at: &Timestamp) -> bool {
    *at > Timestamp::from_unix_micros(0)
}
