//! What the database offers: which of the columns we read exist, and which we may read.

use std::collections::HashMap;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::fleet::pass::{ErrorKind, Failure};

use super::decode::{Text, column};
use super::failure::from_driver;

const LOOK: &str = include_str!("catalog.sql");

/// The columns of one table that a collector reads.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// The table, found by the role's `search_path`.
    pub table: &'static str,
    /// Columns every supported Coder has.
    pub columns: &'static [&'static str],
    /// Columns that came with a later Coder; done without where they are missing.
    pub since: &'static [&'static str],
}

impl Reads {
    fn all_columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().chain(self.since).copied()
    }
}

/// What every supported Coder has although nothing reads it: the sign of one that is too old
/// (SPEC 1.1).
pub const REQUIRED: &[Reads] = &[Reads {
    table: "provisioner_jobs",
    // With id, a Coder too old is told apart from a database that is not Coder's at all.
    columns: &["id", "job_status"],
    since: &[],
}];

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
/// every pass, in the same flight as its first statement, so that an upgrade of Coder under a
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
    pub(super) async fn look(client: &Client, reads: &[Reads]) -> Result<Self, Failure> {
        let wanted = reads
            .iter()
            .flat_map(|reads| reads.all_columns().map(|column| (reads.table, column)));
        let (tables, names): (Vec<_>, Vec<_>) = wanted.unzip();
        let params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] =
            &[(&tables, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
        let rows = client
            .query_typed(LOOK, params)
            .await
            .map_err(|error| from_driver("looking at the system catalog", &error))?;
        let mut catalog = Self {
            columns: HashMap::new(),
            role: String::new(),
        };
        for row in &rows {
            let text = |index| column::<Text<'_>>(row, index).map(|it| text_of(it.as_ref()));
            let access = match (column(row, 2)?, column(row, 3)?) {
                (Some(true), Some(true)) => Access::Granted,
                (Some(true), _) => Access::Denied,
                _ => Access::Missing,
            };
            catalog.columns.insert((text(0)?, text(1)?), access);
            catalog.role = text(4)?;
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

    /// Whether everything in `reads` can be read.
    ///
    /// # Errors
    ///
    /// Names every missing table and column, or the `GRANT`s to run.
    pub fn check(&self, reads: &[Reads]) -> Result<(), Failure> {
        let missing = self.find(reads, |reads| reads.columns, Access::Missing);
        if !missing.is_empty() {
            return Err(Failure::new(
                ErrorKind::Schema,
                self.describe_missing(&missing),
            ));
        }
        let required = self.find(reads, |reads| reads.columns, Access::Denied);
        let later = self.find(reads, |reads| reads.since, Access::Denied);
        let grants: Vec<_> = required
            .into_iter()
            .chain(later)
            .map(|(table, columns)| grant(table, &columns, &self.role))
            .collect();
        if !grants.is_empty() {
            let message = format!("a grant is missing; run: {}", grants.join(" "));
            return Err(Failure::new(ErrorKind::Permission, message));
        }
        Ok(())
    }

    /// Whether this is the database of a Coder that is supported at all (SPEC 1.1).
    ///
    /// # Errors
    ///
    /// Names the table and column that are missing.
    pub fn check_supported(&self) -> Result<(), Failure> {
        let missing = self.find(REQUIRED, |reads| reads.columns, Access::Missing);
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(
                ErrorKind::Schema,
                self.describe_missing(&missing),
            ))
        }
    }

    fn find(
        &self,
        reads: &[Reads],
        columns: fn(&Reads) -> &'static [&'static str],
        access: Access,
    ) -> Vec<(&'static str, Vec<&'static str>)> {
        let by_table = reads.iter().map(|reads| {
            let found = columns(reads).iter().copied();
            let found = found.filter(|column| self.access(reads.table, column) == access);
            (reads.table, found.collect::<Vec<_>>())
        });
        by_table.filter(|(_, found)| !found.is_empty()).collect()
    }

    fn describe_missing(&self, missing: &[(&str, Vec<&str>)]) -> String {
        let whole_tables = missing.iter().all(|(table, _)| {
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
            "is this Coder's database, and is its schema in the role's search_path?"
        } else {
            "Coder v2.3 or later is needed"
        };
        format!(
            "the schema is not supported: {} missing; {advice}",
            names.join(", ")
        )
    }
}

fn text_of(text: Option<&Text<'_>>) -> String {
    text.map(|it| it.0.to_string()).unwrap_or_default()
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
