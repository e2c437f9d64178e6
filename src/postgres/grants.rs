//! The database role of the exporter: `SELECT` on exactly the columns that it reads
//! (`docs/spec/collection.md`).

use std::collections::BTreeMap;

use crate::fleet::stats::collection::Collector;
use crate::postgres::lookup::{activity, directory, kept_alive, parts, queued_start};

use super::catalog::MIGRATION;
use super::reads;

/// The longest name that Postgres keeps whole, in bytes.
pub const LONGEST_NAME: usize = 63;

/// The schema that Coder's tables are in unless its database URL says otherwise.
pub const USUAL_SCHEMA: &str = "public";

/// The SQL that makes the role `name` or brings it up to date for these collectors, to be run by the
/// database's owner in the database of a Coder whose tables are in `schema`. It asks the catalog, so
/// that it is the same for every Coder, and may be run again.
///
/// The role's transactions are read-only unless one says otherwise. That belongs to the role, not
/// to the connection: a pooler refuses it as an option of the connection, and would hand on to the
/// next client what a session sets for itself.
///
/// The password is left to the operator: `\password` of psql keeps it out of the history and the
/// server's log.
pub fn role_sql(name: &str, schema: &str, collectors: &[Collector]) -> String {
    let (role, place) = (literal(name), literal(schema));
    let search = match schema {
        USUAL_SCHEMA => "",
        _ => "    EXECUTE format('ALTER ROLE %I SET search_path = %I', reader, place);\n",
    };
    let columns = columns_read(collectors);
    let rows = columns
        .iter()
        .map(|(table, columns)| format!("            ('{table}', '{}')", columns.join(", ")));
    let rows = rows.collect::<Vec<_>>().join(",\n");
    format!(
        "DO $role$\n\
         DECLARE\n    \
             reader constant text := {role};\n    \
             place constant text := {place};\n    \
             granted record;\n\
         BEGIN\n    \
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN\n        \
                 EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT 5', reader);\n        \
                 EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', reader);\n    \
             END IF;\n\
         {search}    \
             EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), reader);\n    \
             EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, reader);\n    \
             -- A column that this Coder does not have is left out.\n    \
             FOR granted IN\n        \
                 SELECT wanted.name AS table_name, string_agg(quote_ident(its.attname), ', ') AS columns\n        \
                 FROM (VALUES\n\
         {rows}\n        \
                 ) AS wanted (name, columns)\n        \
                 JOIN pg_attribute AS its\n          \
                   ON its.attrelid = to_regclass(format('%I.%I', place, wanted.name))\n         \
                  AND its.attname = ANY (string_to_array(wanted.columns, ', '))\n         \
                  AND NOT its.attisdropped\n        \
                 GROUP BY wanted.name\n    \
             LOOP\n        \
                 EXECUTE format('GRANT SELECT (%s) ON %I.%I TO %I',\n            \
                     granted.columns, place, granted.table_name, reader);\n    \
             END LOOP;\n\
         END\n\
         $role$;\n"
    )
}

/// Escaped, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    match text.contains('\\') {
        true => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

/// All columns that these collectors, resolver, probe and commands read, by table.
pub fn columns_read(collectors: &[Collector]) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut by_table: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let of_collectors = collectors.iter().flat_map(|&it| reads(it)).copied();
    let all = of_collectors
        .chain(directory::reads())
        .chain(activity::READS.iter().copied())
        .chain(kept_alive::READS.iter().copied())
        .chain(parts::READS.iter().copied())
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
    use crate::fleet::model::label_value::Variants;

    #[test]
    fn nothing_secret_is_ever_read() {
        let secret = [
            "auth_token",
            "auth_instance_id",
            "environment_variables",
            "email",
            "hashed_password",
        ];
        for (table, columns) in columns_read(Collector::ALL) {
            for column in columns {
                assert!(!secret.contains(&column), "{table}.{column} is a secret");
            }
        }
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        let sql = role_sql("o'$role$\\", "s", Collector::DEFAULT);
        assert!(sql.contains(r"E'o''$role$\\'"), "{sql}");
    }
}
