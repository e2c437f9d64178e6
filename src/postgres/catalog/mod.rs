//! The columns that exist in the database, and those that the role may read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{ErrorKind, Failure};
use crate::postgres::failure::from_driver;

use super::columns::Columns;
use elsewhere::Elsewhere;
use indexes::LostIndexes;
use tables::Tables;

mod elsewhere;
mod indexes;
mod tables;

const COLUMNS: &str = include_str!("columns.sql");

/// Columns of one table that a collector reads.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSet {
    /// The table, found by the role's `search_path`.
    pub table: &'static str,
    /// Columns that exist in every supported Coder.
    pub columns: &'static [&'static str],
    /// Columns that came with a later Coder; done without where they are missing. Where they
    /// exist they are needed: without them the answer would be another one.
    pub since: &'static [&'static str],
    /// Columns that are done without where they are missing or may not be read: what they serve
    /// is then absent, so that a role of last year goes on.
    pub optional: &'static [&'static str],
}

impl ColumnSet {
    /// Columns of `table` that exist in every supported Coder.
    pub const fn of(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self {
            table,
            columns,
            since: &[],
            optional: &[],
        }
    }

    /// Adds columns of later versions.
    pub const fn since(self, since: &'static [&'static str]) -> Self {
        Self { since, ..self }
    }

    /// And those that can be done without.
    pub const fn optional(self, optional: &'static [&'static str]) -> Self {
        Self { optional, ..self }
    }

    /// Those without which there is no answer, where they exist.
    fn needed_columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().chain(self.since).copied()
    }

    /// All of them.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static str> {
        self.needed_columns().chain(self.optional.iter().copied())
    }
}

/// A column that is not read, but exists in every supported Coder: without it, Coder is too old
/// (`docs/spec/coder-schema.md`).
pub const REQUIRED: &[ColumnSet] = &[ColumnSet {
    table: "provisioner_jobs",
    // With id, a Coder too old is distinguished from a database that is not Coder's at all.
    columns: &["id", "job_status"],
    since: &[],
    // What a finished job was is remembered from one collection to the next, whatever is collected.
    optional: &["worker_id", "completed_at"],
}];

/// Where the version of the last migration stands. It is shown in `coder_exporter_schema_info`
/// and decides nothing.
pub const MIGRATION: &[ColumnSet] =
    &[ColumnSet::of("schema_migrations", &[]).optional(&["version"])];

/// Whether a column exists and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Missing,
    Denied,
    Granted,
}

/// The result of one query of the system catalog.
///
/// The program does not use Coder's version, only whether a column exists. Every collection runs
/// this query, in the same round trip as its first statement, so that an upgrade of Coder is seen
/// by the next scrape.
#[derive(Debug, Clone)]
pub struct Catalog {
    columns: HashMap<(String, String), Access>,
    tables: Tables,
    /// Where Coder's tables are, if they were not found.
    elsewhere: Option<Elsewhere>,
    /// Tables that another session holds a lock on.
    locked: BTreeMap<&'static str, Failure>,
    indexes: LostIndexes,
    /// A column that the snapshot has was dropped.
    has_lost_columns: bool,
    role: String,
}

impl Catalog {
    /// Looks up all columns in `reads`.
    ///
    /// # Errors
    ///
    /// When the database does not answer. A missing column is not an error.
    pub(super) async fn introspect(client: &Client, reads: &[ColumnSet]) -> Result<Self, Failure> {
        let mut tables: Vec<_> = reads.iter().map(|it| it.table).collect();
        tables.sort_unstable();
        tables.dedup();
        let looks = async {
            tokio::join!(
                biased;
                look_up(client, reads),
                Tables::introspect(client, &tables),
                LostIndexes::introspect(client)
            )
        };
        let (catalog, tables, indexes) = looks.await;
        let mut catalog = catalog?;
        catalog.tables = tables?;
        catalog.indexes = indexes?;
        if catalog.check_supported().is_err() {
            catalog.elsewhere = Elsewhere::look(client).await?;
        }
        Ok(catalog)
    }

    /// The same, where these tables are locked by other sessions.
    pub(super) fn with_locked(self, locked: BTreeMap<&'static str, Failure>) -> Self {
        Self { locked, ..self }
    }

    /// Whether the schema changed between the snapshot and the locks: what was read now would be
    /// of neither.
    pub(super) fn is_stale(&self) -> bool {
        self.has_lost_columns || self.tables.are_stale()
    }

    /// The oid of a table and the number of the file that holds its rows. A table that is made
    /// anew, emptied or rewritten has another.
    pub(super) fn file_of(&self, table: &str) -> Option<(u32, u32)> {
        self.tables.file_of(table)
    }

    fn access(&self, table: &str, column: &str) -> Access {
        let key = (table.to_owned(), column.to_owned());
        self.columns.get(&key).copied().unwrap_or(Access::Missing)
    }

    /// What was found of these columns: a line for each table, with the columns that can be read,
    /// those that may not be, and those that do not exist.
    pub fn describe(&self, reads: &[ColumnSet]) -> Vec<String> {
        let mut tables: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for set in reads {
            tables
                .entry(set.table)
                .or_default()
                .extend(set.all_columns());
        }
        let lines = tables.into_iter().map(|(table, columns)| {
            let with = |access| {
                let found = columns.iter().filter(|it| self.access(table, it) == access);
                found.copied().collect::<Vec<_>>().join(", ")
            };
            let mut line = format!("{table}: {}", with(Access::Granted));
            for (what, columns) in [
                ("not granted", with(Access::Denied)),
                ("not there", with(Access::Missing)),
            ] {
                if !columns.is_empty() {
                    line += &format!("; {what}: {columns}");
                }
            }
            line
        });
        lines.collect()
    }

    /// Whether the column exists, with or without the privilege to read it.
    pub fn has(&self, table: &str, column: &str) -> bool {
        self.access(table, column) != Access::Missing
    }

    /// As [`has`](Self::has), for a name like `table.column`.
    pub(super) fn has_named(&self, name: &str) -> bool {
        let (table, column) = split(name);
        self.has(table, column)
    }

    /// Whether a column that is named as `table.column` can be read.
    pub(super) fn can_read_named(&self, name: &str) -> bool {
        let (table, column) = split(name);
        self.access(table, column) == Access::Granted
    }

    /// Whether everything in `reads` that is needed can be read, and all rows of it; a table may
    /// come up more than once.
    ///
    /// # Errors
    ///
    /// Names every missing table and column, the `GRANT`s or policies to run, or the lock.
    pub fn check(&self, reads: &[ColumnSet]) -> Result<(), Failure> {
        let required = reads.iter().flat_map(|it| columns_of(it.table, it.columns));
        self.check_present(required)?;
        let needed = reads
            .iter()
            .flat_map(|it| it.needed_columns().map(|column| (it.table, column)));
        let grants = self.grants(needed);
        if !grants.is_empty() {
            let message = format!("a grant is missing; run: {}", grants.join(" "));
            return Err(Failure::new(ErrorKind::Permission, message));
        }
        self.tables
            .check(reads.iter().map(|it| it.table), &self.role)?;
        let mut locked = reads.iter().filter_map(|it| self.locked.get(it.table));
        locked.next().map_or(Ok(()), |it| Err(it.clone()))
    }

    /// What is absent because the role may not read it: a sentence with the `GRANT`s to run.
    pub fn missing_grants(&self, reads: &[ColumnSet]) -> Option<String> {
        let optional = reads
            .iter()
            .flat_map(|it| columns_of(it.table, it.optional));
        let grants = self.grants(optional);
        let message = "columns that may not be read are done without; run:";
        (!grants.is_empty()).then(|| format!("{message} {}", grants.join(" ")))
    }

    /// Whether the index is there that begins with this column, named as `table.column`.
    pub(super) fn has_index(&self, name: &str) -> bool {
        self.indexes.has(name)
    }

    /// What to say of the indexes that are missing on these tables.
    pub fn missing_indexes(&self, reads: &[ColumnSet]) -> Option<String> {
        self.indexes
            .note(|table| reads.iter().any(|it| it.table == table))
    }

    /// The statements that let the role read those of these columns that it may not read.
    fn grants(&self, columns: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<String> {
        let denied = self.find(columns, Access::Denied);
        let denied = denied.iter();
        denied
            .map(|(table, columns)| grant(&self.tables.qualified(table), columns, &self.role))
            .collect()
    }

    /// Checks that this is the database of a supported Coder (`docs/spec/coder-schema.md`).
    ///
    /// # Errors
    ///
    /// Names the missing table and column.
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
        let elsewhere = self.elsewhere.as_ref();
        if let Some(failure) = elsewhere.and_then(|it| it.failure(&self.role)) {
            return Err(failure);
        }
        let message = self.describe_missing(&missing);
        Err(Failure::new(ErrorKind::Schema, message))
    }

    /// The columns with this access, by table, each once.
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

/// One question about the columns; the tables are asked about beside it.
async fn look_up(client: &Client, reads: &[ColumnSet]) -> Result<Catalog, Failure> {
    // Several collectors read the same columns.
    let wanted: BTreeSet<_> = reads
        .iter()
        .flat_map(|reads| reads.all_columns().map(|column| (reads.table, column)))
        .collect();
    let (tables, names): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
    let params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] =
        &[(&tables, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = client
        .query_typed(COLUMNS, params)
        .await
        .map_err(|error| from_driver("reading the system catalog", error))?;
    let mut catalog = Catalog {
        columns: HashMap::new(),
        tables: Tables::default(),
        elsewhere: None,
        locked: BTreeMap::new(),
        indexes: LostIndexes::default(),
        has_lost_columns: false,
        role: String::new(),
    };
    let names = Columns::default();
    for row in &rows {
        let row = names.of(row);
        let readable: Option<bool> = row.get("readable")?;
        let is_present: Option<bool> = row.get("present")?;
        let access = match (is_present.unwrap_or_default(), readable) {
            (true, Some(true)) => Access::Granted,
            (true, _) => Access::Denied,
            (false, _) => Access::Missing,
        };
        catalog.has_lost_columns |= access == Access::Denied && readable.is_none();
        let name = (row.string("table_name")?, row.string("column_name")?);
        catalog.columns.insert(name, access);
        catalog.role = row.string("role")?;
    }
    Ok(catalog)
}

/// Table and column of `table.column`.
fn split(name: &str) -> (&str, &str) {
    let (table, column) = name.split_once('.').unwrap_or((name, ""));
    (table.trim(), column.trim())
}

fn columns_of(
    table: &'static str,
    columns: &'static [&'static str],
) -> impl Iterator<Item = (&'static str, &'static str)> {
    columns.iter().map(move |&column| (table, column))
}

/// The statement that grants `role` SELECT on these columns.
pub fn grant(table: &str, columns: &[&str], role: &str) -> String {
    let columns: Vec<_> = columns.iter().map(|it| column_name(it)).collect();
    let (columns, role) = (columns.join(", "), quoted(role));
    format!("GRANT SELECT ({columns}) ON {table} TO {role};")
}

/// A column's name as SQL takes it: `replicas.primary` is a word of SQL.
fn column_name(name: &str) -> Cow<'_, str> {
    match name {
        "primary" => quoted(name).into(),
        name => name.into(),
    }
}

/// The name as a quoted SQL identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
