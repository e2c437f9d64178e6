//! Session reports before a loss: which people were cut off at work (`docs/spec/incidents.md`).

use std::collections::HashSet;

use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::activity::{CutOff, Loss};
use crate::fleet::model::time::Timestamp;
use crate::postgres::catalog::ColumnSet;
use crate::postgres::columns::Columns;
use crate::postgres::database::Database;
use crate::postgres::encode::Array;
use crate::postgres::failure::from_driver;
use crate::postgres::lookup::activity;
use crate::postgres::sql::for_catalog;

const SQL: &str = include_str!("cut_off.sql");

/// Columns that the query reads in addition to those of [`activity::READS`].
const MORE: &[ColumnSet] = &[ColumnSet::of("workspaces", &["id", "template_id"])];

impl Database {
    /// Which of these losses cut a person off, in one statement.
    ///
    /// # Errors
    ///
    /// When the database does not answer by the deadline, a grant is missing, or this Coder has no
    /// such table.
    pub async fn cut_off(&self, losses: &[Loss], deadline: Instant) -> Result<CutOff, Failure> {
        let reads = [activity::READS, MORE].concat();
        let session = self.open(reads.clone(), deadline).await?;
        session.catalog.check(&reads)?;
        activity::check_session_counts(&session.catalog)?;
        let sql = for_catalog(SQL, &session.catalog);
        let agents = Array::<_, Uuid>(losses, |it| it.agent);
        let workspaces = Array::<_, Uuid>(losses, |it| it.workspace);
        let moments = Array::<_, Timestamp>(losses, |it| it.at);
        let params: &[(&(dyn ToSql + Sync), Type)] = &[
            (&agents, Type::UUID_ARRAY),
            (&workspaces, Type::UUID_ARRAY),
            (&moments, Type::TIMESTAMPTZ_ARRAY),
        ];
        let work = async {
            let rows = session.client()?.query_typed(&sql, params).await;
            rows.map_err(|error| from_driver("reading the sessions before a loss", error))
        };
        let rows = session.guarded("cut_off", work).await?;
        session.finish().await;
        let missing = || Failure::new(ErrorKind::Decode, "the session reports have no timestamp");
        let columns = Columns::default();
        let first = columns.of(rows.first().ok_or_else(missing)?);
        let mut in_session = HashSet::new();
        for row in rows.iter().map(|row| columns.of(row)) {
            let (agent, lost_at) = (row.get("agent_id")?, row.get("lost_at")?);
            in_session.extend(Option::zip(agent, lost_at));
        }
        Ok(CutOff {
            now: first.get("moment")?.ok_or_else(missing)?,
            newest_report: first.get("newest_report")?,
            in_session,
        })
    }
}
