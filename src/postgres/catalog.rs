//! What the database offers: which of the columns we read exist, and which we may read.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{ErrorKind, Failure};
use crate::postgres::failure::from_driver;

use super::columns::Columns;

const INTROSPECT: &str = include_str!("catalog.sql");

/// The columns of one table that a collector reads.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSet {
    /// The table, found by the role's `search_path`.
    pub table: &'static str,
    /// Columns every supported Coder has.
    pub columns: &'static [&'static str],
    /// Columns that came with a later Coder; done without where they are missing.
    pub since: &'static [&'static str],
}

impl ColumnSet {
    /// Columns of `table` that every supported Coder has.
    pub const fn of(table: &'static str, columns: &'static [&'static str]) -> Self {
        let since = &[];
        Self {
            table,
            columns,
            since,
        }
    }

    /// And those that came later.
    pub const fn since(self, since: &'static [&'static str]) -> Self {
        Self { since, ..self }
    }

    fn all_columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().chain(self.since).copied()
    }
}

/// What every supported Coder has although nothing reads it: the sign of one that is too old
/// (`docs/spec/coder-schema.md`).
pub const REQUIRED: &[ColumnSet] = &[ColumnSet {
    table: "provisioner_jobs",
    // With id, a Coder too old is distinguished from a database that is not Coder's at all.
    columns: &["id", "job_status"],
    since: &[],
}];

/// Where the version of the last migration stands. It is shown in `coder_exporter_schema_info`
/// and decides nothing.
pub const MIGRATION: &[ColumnSet] = &[ColumnSet::of("schema_migrations", &[]).since(&["version"])];

/// Whether a column can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Missing,
    Denied,
    Granted,
}

/// One look at the system catalog.
///
/// Coder's version is never asked for: a column is there or it is not. The look is taken in
/// every collection, in the same flight as its first statement, so that an upgrade of Coder under a
/// connected exporter is seen by the next scrape.
#[derive(Debug, Clone)]
pub struct Catalog {
    columns: HashMap<(String, String), Access>,
    role: String,
}

impl Catalog {
    /// Looks up every column in `reads`.
    ///
    /// # Errors
    ///
    /// When the database does not answer; a missing column is an answer.
    pub(super) async fn introspect(client: &Client, reads: &[ColumnSet]) -> Result<Self, Failure> {
        let wanted = reads
            .iter()
            .flat_map(|reads| reads.all_columns().map(|column| (reads.table, column)));
        let (tables, names): (Vec<_>, Vec<_>) = wanted.unzip();
        let params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] =
            &[(&tables, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
        let rows = client
            .query_typed(INTROSPECT, params)
            .await
            .map_err(|error| from_driver("reading the system catalog", error))?;
        let mut catalog = Self {
            columns: HashMap::new(),
            role: String::new(),
        };
        let names = Columns::default();
        for row in &rows {
            let row = names.of(row);
            let access = match (row.get("present")?, row.get("readable")?) {
                (Some(true), Some(true)) => Access::Granted,
                (Some(true), _) => Access::Denied,
                _ => Access::Missing,
            };
            let name = (row.string("table_name")?, row.string("column_name")?);
            catalog.columns.insert(name, access);
            catalog.role = row.string("role")?;
        }
        Ok(catalog)
    }

    fn access(&self, table: &str, column: &str) -> Access {
        let key = (table.to_owned(), column.to_owned());
        self.columns.get(&key).copied().unwrap_or(Access::Missing)
    }

    /// Whether this column exists, readable or not.
    pub fn has(&self, table: &str, column: &str) -> bool {
        self.access(table, column) != Access::Missing
    }

    /// As [`has`](Self::has), of a column that is named as `table.column`.
    pub(super) fn has_named(&self, name: &str) -> bool {
        let (table, column) = name.split_once('.').unwrap_or((name, ""));
        self.has(table.trim(), column.trim())
    }

    /// Whether everything in `reads` can be read; a table may come up more than once.
    ///
    /// # Errors
    ///
    /// Names every missing table and column, or the `GRANT`s to run.
    pub fn check(&self, reads: &[ColumnSet]) -> Result<(), Failure> {
        let required = reads.iter().flat_map(|it| columns_of(it.table, it.columns));
        self.check_present(required)?;
        let all = reads
            .iter()
            .flat_map(|it| it.all_columns().map(|column| (it.table, column)));
        let grants: Vec<_> = self
            .find(all, Access::Denied)
            .iter()
            .map(|(table, columns)| grant(table, columns, &self.role))
            .collect();
        if grants.is_empty() {
            return Ok(());
        }
        let message = format!("a grant is missing; run: {}", grants.join(" "));
        Err(Failure::new(ErrorKind::Permission, message))
    }

    /// Whether this is the database of a Coder that is supported at all
    /// (`docs/spec/coder-schema.md`).
    ///
    /// # Errors
    ///
    /// Names the table and column that are missing.
    pub fn check_supported(&self) -> Result<(), Failure> {
        let required = REQUIRED.iter();
        self.check_present(required.flat_map(|it| columns_of(it.table, it.columns)))
    }

    fn check_present(
        &self,
        required: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> Result<(), Failure> {
        let missing = self.find(required, Access::Missing);
        if missing.is_empty() {
            return Ok(());
        }
        let message = self.describe_missing(&missing);
        Err(Failure::new(ErrorKind::Schema, message))
    }

    /// Those columns that are like this, by table, each once.
    fn find(
        &self,
        columns: impl Iterator<Item = (&'static str, &'static str)>,
        access: Access,
    ) -> BTreeMap<&'static str, Vec<&'static str>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (table, column) in columns.filter(|(table, it)| self.access(table, it) == access) {
            let of_table = found.entry(table).or_default();
            if !of_table.contains(&column) {
                of_table.push(column);
            }
        }
        found
    }

    fn describe_missing(&self, missing: &BTreeMap<&str, Vec<&str>>) -> String {
        let whole_tables = missing.keys().all(|table| {
            self.columns
                .iter()
                .filter(|(key, _)| key.0 == *table)
                .all(|(_, access)| *access == Access::Missing)
        });
        let names: Vec<_> = missing
            .iter()
            .flat_map(|(table, columns)| {
                columns
                    .iter()
                    .map(move |column| format!("{table}.{column}"))
            })
            .collect();
        let advice = if whole_tables {
            "check that this is Coder's database and that its schema is in the role's search_path"
        } else {
            "Coder v2.3 or later is required"
        };
        format!(
            "the schema is not supported: {} missing; {advice}",
            names.join(", ")
        )
    }
}

fn columns_of(
    table: &'static str,
    columns: &'static [&'static str],
) -> impl Iterator<Item = (&'static str, &'static str)> {
    columns.iter().map(move |&column| (table, column))
}

/// The statement that lets `role` read these columns.
pub fn grant(table: &str, columns: &[&str], role: &str) -> String {
    let (columns, role) = (columns.join(", "), quoted(role));
    format!("GRANT SELECT ({columns}) ON {table} TO {role};")
}

/// A name as SQL takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
