//! The role this exporter needs: `SELECT` on exactly the columns it reads
//! (`docs/spec/collection.md`).

use std::collections::BTreeMap;

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;
use crate::postgres::lookup::{activity, directory, kept_alive, queued_start};

use super::catalog::{MIGRATION, grant, quoted};
use super::reads;

pub use crate::postgres::lookup::activity::is_in_newest_release;

/// The SQL that makes the role `name`, to be run by the database's owner. `has` tells which
/// columns this Coder has; [`is_in_newest_release`] answers for the newest one.
///
/// Its transactions are read-only unless one says otherwise. That belongs to the role, not to
/// the connection: a pooler refuses it as an option of the connection, and would hand on to
/// the next client what a session sets for itself.
///
/// The password is left to the operator: `\password` of psql keeps it out of the history and
/// the server's log.
pub fn role_sql(name: &str, has: impl Fn(&str, &str) -> bool) -> String {
    let role = quoted(name);
    let create = format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 5;\n\
         ALTER ROLE {role} SET default_transaction_read_only = on;\n"
    );
    create + &grants_sql(name, has)
}

/// The part of [`role_sql`] for a role that exists.
pub fn grants_sql(name: &str, has: impl Fn(&str, &str) -> bool) -> String {
    let mut sql = String::new();
    for (table, columns) in columns_read() {
        let columns: Vec<_> = columns
            .into_iter()
            .filter(|column| has(table, column))
            .collect();
        if !columns.is_empty() {
            sql.push_str(&grant(table, &columns, name));
            sql.push('\n');
        }
    }
    sql
}

/// Every column that any collector, the resolver, the probe or a command reads, by table.
fn columns_read() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut by_table: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let of_collectors = Collector::ALL.iter().flat_map(|&it| reads(it)).copied();
    let all = of_collectors
        .chain(directory::reads())
        .chain(activity::READS.iter().copied())
        .chain(kept_alive::READS.iter().copied())
        .chain(queued_start::READS.iter().copied())
        .chain(MIGRATION.iter().copied());
    for reads in all {
        let known = by_table.entry(reads.table).or_default();
        for column in reads.all_columns() {
            if !known.contains(&column) {
                known.push(column);
            }
        }
    }
    by_table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_ever_read() {
        let secret = [
            "auth_token",
            "auth_instance_id",
            "environment_variables",
            "email",
            "hashed_password",
        ];
        for (table, columns) in columns_read() {
            for column in columns {
                assert!(!secret.contains(&column), "{table}.{column} is a secret");
            }
        }
    }

    #[test]
    fn role_of_an_older_coder_names_no_column_it_lacks() {
        let sql = role_sql("exporter", |_, column| column != "parent_id");
        assert!(!sql.contains("parent_id"), "{sql}");
        assert!(sql.contains("CONNECTION LIMIT 5"), "{sql}");
    }
}
