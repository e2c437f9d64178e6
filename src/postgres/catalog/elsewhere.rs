//! Where Coder's tables are, if the role does not find them.

use tokio_postgres::Client;

use crate::error::{ErrorKind, Failure};
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

use super::quoted;

const ELSEWHERE: &str = include_str!("elsewhere.sql");

/// A schema that has Coder's tables.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere {
    schema: String,
    /// The role may use it.
    is_usable: bool,
    /// It is in the role's `search_path`.
    is_searched: bool,
}

impl Elsewhere {
    /// Looks for it; `None` where no schema has them.
    pub(super) async fn look(client: &Client) -> Result<Option<Self>, Failure> {
        let rows = client.query_typed(ELSEWHERE, &[]).await;
        let rows = rows.map_err(|error| from_driver("looking for Coder's tables", error))?;
        let columns = Columns::default();
        let found = rows.first().map(|row| {
            let row = columns.of(row);
            Ok(Self {
                schema: row.string("schema_name")?,
                is_usable: row.get("is_usable")?.unwrap_or_default(),
                is_searched: row.get("is_searched")?.unwrap_or_default(),
            })
        });
        found.transpose()
    }

    /// Why the role does not find the tables there, and what to do.
    pub(super) fn failure(&self, role: &str) -> Option<Failure> {
        let schema = quoted(&self.schema);
        let search = format!(
            "add search_path={} to the database URL",
            self.schema.replace('&', "%26")
        );
        let grant = format!("run: GRANT USAGE ON SCHEMA {schema} TO {};", quoted(role));
        let (kind, message) = match (self.is_usable, self.is_searched) {
            (false, true) => (
                ErrorKind::Permission,
                format!("this role may not use the schema {schema}; {grant}"),
            ),
            (false, false) => (
                ErrorKind::Permission,
                format!(
                    "Coder's tables are in the schema {schema}, which this role may not use; \
                     {search}, and {grant}"
                ),
            ),
            (true, false) => (
                ErrorKind::Schema,
                format!("Coder's tables are in the schema {schema}: {search}"),
            ),
            (true, true) => return None,
        };
        Some(Failure::new(kind, message))
    }
}
