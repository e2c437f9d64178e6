//! The replicas collector: which coderds there are, in one query.

use std::time::Duration;

use futures_util::FutureExt;
use tokio_postgres::Client;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::coder::Replica;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

use super::{Context, Loaded, Running};

pub(super) const SQL: &str = include_str!("replicas.sql");

/// Columns that the query reads.
pub(super) const READS: &[ColumnSet] = &[ColumnSet::of(
    "replicas",
    &[
        "id",
        "hostname",
        "version",
        "primary",
        "started_at",
        "updated_at",
        "stopped_at",
        "database_latency",
    ],
)];

/// Reads every replica.
pub(super) fn run<'a>(context: &'a Context<'a>) -> Running<'a> {
    let work = async {
        let replicas = load(context.client()?).await?;
        Ok(Loaded::new(replicas.len(), |found| {
            found.snapshot.replicas = Some(replicas);
        }))
    };
    work.boxed()
}

async fn load(client: &Client) -> Result<Vec<Replica>, Failure> {
    let rows = client
        .query_typed(SQL, &[])
        .await
        .map_err(|error| from_driver("reading the replicas", error))?;
    let columns = Columns::default();
    let no_id = || Failure::new(ErrorKind::Decode, "a replica has no id");
    rows.iter()
        .map(|row| {
            let row = columns.of(row);
            let latency: Option<i32> = row.get("database_latency")?;
            let latency = latency.and_then(|it| u64::try_from(it).ok());
            Ok(Replica {
                id: row.get("id")?.ok_or_else(no_id)?,
                hostname: row.string("hostname")?.into(),
                version: row.string("version")?.into(),
                is_primary: row.get("is_primary")?.unwrap_or_default(),
                started_at: row.get("started_at")?,
                updated_at: row.get("updated_at")?,
                stopped_at: row.get("stopped_at")?,
                database_latency: latency.map(Duration::from_micros),
            })
        })
        .collect()
}
