//! The indexes of Coder's that the statements go by.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

const INDEXES: &str = include_str!("indexes.sql");

/// Tables, each with the column that its index begins with.
const GONE_BY: [(&str, &str); 5] = [
    ("workspace_builds", "workspace_id"),
    ("workspace_resources", "job_id"),
    ("workspace_agents", "resource_id"),
    ("workspace_apps", "agent_id"),
    ("provisioner_jobs", "id"),
];

/// Those of the indexes that this database has lost, as `table.column`.
#[derive(Debug, Clone, Default)]
pub(super) struct LostIndexes(BTreeSet<String>);

impl LostIndexes {
    /// Looks for the indexes.
    pub(super) async fn introspect(client: &Client) -> Result<Self, Failure> {
        let (tables, columns): (Vec<&str>, Vec<&str>) = GONE_BY.into_iter().unzip();
        let params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] =
            &[(&tables, Type::TEXT_ARRAY), (&columns, Type::TEXT_ARRAY)];
        let rows = client.query_typed(INDEXES, params).await;
        let rows = rows.map_err(|error| from_driver("reading the system catalog", error))?;
        let names = Columns::default();
        let mut lost = BTreeSet::new();
        for row in &rows {
            let row = names.of(row);
            if row.get("is_indexed")? == Some(false) {
                let (table, column) = (row.string("table_name")?, row.string("column_name")?);
                lost.insert(format!("{table}.{column}"));
            }
        }
        Ok(Self(lost))
    }

    /// Whether the index is there that begins with this column, named as `table.column`.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.0.contains(name)
    }

    /// A sentence about those of these tables; `None` if none of theirs is lost.
    pub(super) fn note(&self, mut is_read: impl FnMut(&str) -> bool) -> Option<String> {
        let lost = self.0.iter().filter_map(|it| it.split_once('.'));
        let lost = lost.filter(|(table, _)| is_read(table));
        let lost: Vec<String> = lost
            .map(|(table, column)| format!("{table} ({column})"))
            .collect();
        (!lost.is_empty()).then(|| {
            format!(
                "Coder's index is missing on {}: whole tables are read instead, and Coder itself is \
                 slow without it; restore it from Coder's migrations",
                lost.join(", ")
            )
        })
    }
}
