//! What the catalog says of whole tables: whether one is still what the snapshot shows, and
//! whether row security hides some of its rows.

use std::collections::HashMap;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{ErrorKind, Failure};
use crate::postgres::columns::{Columns, Fields};
use crate::postgres::failure::from_driver;

use super::quoted;

const TABLES: &str = include_str!("tables.sql");

/// The schema that a table is in where nothing else was said.
const USUAL_SCHEMA: &str = "public";

/// The tables that were asked for, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables(HashMap<String, Table>);

#[derive(Debug, Clone)]
struct Table {
    /// Where it is; `None` where it is missing.
    schema: Option<String>,
    /// It was rewritten, replaced or made after the snapshot was taken.
    is_stale: bool,
    hidden: Hidden,
    /// Its oid, and the number of the file that holds its rows.
    file: Option<(u32, u32)>,
}

/// Whether row security hides rows from this role.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hidden {
    /// It is off, or a policy shows the role everything.
    No,
    /// No policy shows the role everything.
    ByDefault,
    /// A restrictive policy of this name stands above all others.
    ByPolicy(String),
}

impl Tables {
    /// Looks up these tables.
    pub(super) async fn introspect(client: &Client, tables: &[&str]) -> Result<Self, Failure> {
        let rows = client
            .query_typed(TABLES, &[(&tables, Type::TEXT_ARRAY)])
            .await
            .map_err(|error| from_driver("reading the system catalog", error))?;
        let names = Columns::default();
        let tables = rows.iter().map(|row| {
            let row = names.of(row);
            Ok((row.string("table_name")?, Table::read(row)?))
        });
        tables.collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them changed after the snapshot, so that it may read as empty.
    pub(super) fn are_stale(&self) -> bool {
        self.0.values().any(|it| it.is_stale)
    }

    /// The oid of a table and the number of its file; `None` where it is missing.
    pub(super) fn file_of(&self, table: &str) -> Option<(u32, u32)> {
        self.0.get(table)?.file
    }

    /// The table as a statement names it that anyone may run, whatever their `search_path`.
    pub(super) fn qualified(&self, table: &str) -> String {
        let schema = self.0.get(table).and_then(|it| it.schema.as_deref());
        match schema.filter(|it| *it != USUAL_SCHEMA) {
            Some(schema) => format!("{}.{table}", quoted(schema)),
            None => table.to_owned(),
        }
    }

    /// Whether all rows of these tables can be seen.
    ///
    /// # Errors
    ///
    /// Names the tables whose rows are hidden, with the statement that shows them to `role`.
    pub(super) fn check(
        &self,
        tables: impl Iterator<Item = &'static str>,
        role: &str,
    ) -> Result<(), Failure> {
        let mut remedies: Vec<_> = tables.filter_map(|it| self.remedy(it, role)).collect();
        remedies.sort();
        remedies.dedup();
        if remedies.is_empty() {
            return Ok(());
        }
        Err(Failure::new(ErrorKind::Permission, remedies.join("; ")))
    }

    fn remedy(&self, table: &str, role: &str) -> Option<String> {
        let name = self.qualified(table);
        match &self.0.get(table)?.hidden {
            Hidden::No => None,
            Hidden::ByDefault => Some(format!(
                "row-level security hides rows of {name} from this role; run: \
                 CREATE POLICY coder_exporter_reads ON {name} FOR SELECT TO {} USING (true);",
                quoted(role)
            )),
            Hidden::ByPolicy(policy) => Some(format!(
                "the restrictive policy {} hides rows of {name} from the role {}; name the roles \
                 that it is for with: ALTER POLICY {} ON {name} TO …;",
                quoted(policy),
                quoted(role),
                quoted(policy)
            )),
        }
    }
}

impl Table {
    fn read(row: Fields<'_>) -> Result<Self, Failure> {
        let is = |name| Ok::<_, Failure>(row.get::<bool>(name)?.unwrap_or_default());
        let restrictive = row.string("restrictive")?;
        let hidden = match is("has_row_security")? {
            true if !restrictive.is_empty() => Hidden::ByPolicy(restrictive),
            true if !is("reads_all")? => Hidden::ByDefault,
            _ => Hidden::No,
        };
        let schema = Some(row.string("schema_name")?);
        Ok(Self {
            schema: schema.filter(|it| !it.is_empty()),
            is_stale: is("is_stale")?,
            hidden,
            file: row.get("oid")?.zip(row.get("file")?),
        })
    }
}
