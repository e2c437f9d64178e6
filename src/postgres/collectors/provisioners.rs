//! The provisioners collector: who can build workspaces, and what waits for it, in one query.

use futures_util::FutureExt;

use crate::error::Failure;
use crate::fleet::model::provisioner::{Daemon, JobGroup, OpenJobStatus, Provisioners, Tags};
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;
use crate::postgres::sql::for_catalog;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("provisioners.sql");

/// What the query reads. It is run only where `provisioner_daemons.last_seen_at` exists.
pub(super) const READS: &[ColumnSet] = &[
    ColumnSet::of("provisioner_daemons", &["id", "name", "tags"])
        .since(&["last_seen_at", "organization_id"]),
    ColumnSet::of(
        "provisioner_jobs",
        &[
            "job_status",
            "organization_id",
            "created_at",
            "worker_id",
            "tags",
        ],
    ),
    ColumnSet::of("organizations", &["id", "name"]),
];

/// Reads every daemon, and counts the jobs.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let sql = for_catalog(SQL, &context.session.catalog);
        let rows = context.client()?.query_typed(&sql, &[]).await;
        let rows = rows.map_err(|error| from_driver("reading the provisioners", error))?;
        let columns = Columns::default();
        let mut found = Provisioners::default();
        for row in &rows {
            add(&mut found, columns.of(row))?;
        }
        Ok(Loaded::new(rows.len(), |all| {
            all.snapshot.provisioners = Some(found);
        }))
    };
    work.boxed()
}

fn add(found: &mut Provisioners, row: Fields<'_>) -> Result<(), Failure> {
    let id = row.get("id")?.unwrap_or_default();
    let name = row.string("name")?.into();
    let organization = row.string("organization")?.into();
    let tags = tags(&row.string("tags")?);
    let moment = row.get("moment")?;
    let is_running = row.get("is_running")?.unwrap_or_default();
    if row.get("is_daemon")?.unwrap_or_default() {
        found.daemons.push(Daemon {
            id,
            name,
            organization,
            tags,
            last_seen_at: moment,
            is_busy: is_running,
        });
    } else {
        found.jobs.push(JobGroup {
            organization,
            tags,
            status: match is_running {
                true => OpenJobStatus::Running,
                false => OpenJobStatus::Pending,
            },
            count: row.count()?,
            oldest: moment,
        });
    }
    Ok(())
}

/// Tags are texts by name. A value of any other sort is compared as it is written, and so is the whole
/// where it is not JSON, as when it was too long.
fn tags(json: &str) -> Tags {
    let tags: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(json);
    let Ok(tags) = tags else {
        return Tags::from([("tags".to_owned(), json.to_owned())]);
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    tags.into_iter().map(|(tag, it)| (tag, text(it))).collect()
}
