//! Adapts statements to the version of Coder.

use super::catalog::Catalog;

/// The statement without what this database's Coder does not have yet, or what this role may not
/// read and is done without (`docs/spec/coder-schema.md`).
///
/// A line that ends in `-- since table.column` stays only where the column can be read; of a line
/// `-- until table.column: text` the text takes its place where it does not. Each file is thus
/// the valid statement for the newest Coder, to be read and run as it stands.
///
/// A line that ends in `-- by index table.column` stays only where that index exists. Such a line
/// makes the planner look rows up one by one, which would read the whole table for each without
/// the index. Of a line `-- without index table.column: text` the text takes its place where the
/// index is missing.
pub(super) fn for_catalog(sql: &str, catalog: &Catalog) -> String {
    adapt(
        sql,
        |name| catalog.can_read_named(name),
        |name| catalog.has_index(name),
    )
}

fn adapt(sql: &str, has: impl Fn(&str) -> bool, has_index: impl Fn(&str) -> bool) -> String {
    let mut adapted = String::with_capacity(sql.len());
    for line in sql.lines() {
        let (code, comment) = line.split_once("--").unwrap_or((line, ""));
        let comment = comment.trim();
        let kept = if let Some(name) = comment.strip_prefix("since ") {
            has(name).then_some(code)
        } else if let Some(name) = comment.strip_prefix("by index ") {
            has_index(name).then_some(code)
        } else if let Some((name, instead)) = comment
            .strip_prefix("without index ")
            .and_then(|rest| rest.split_once(':'))
        {
            (!has_index(name)).then_some(instead)
        } else if let Some((name, instead)) = comment
            .strip_prefix("until ")
            .and_then(|rest| rest.split_once(':'))
        {
            (!has(name)).then_some(instead)
        } else {
            Some(code)
        };
        if let Some(kept) = kept.filter(|kept| !kept.trim().is_empty()) {
            adapted.push_str(kept.trim_end());
            adapted.push('\n');
        }
    }
    adapted
}

/// What sets the planner for a statement: of each line `-- with setting = value`, until the end of the
/// savepoint.
pub(super) fn settings(sql: &str) -> String {
    let lines = sql.lines().filter_map(|it| it.strip_prefix("-- with "));
    lines.map(|it| format!("SET LOCAL {it}; ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "\
-- A comment.
SELECT a,
  b IS NOT NULL -- since t.b
  -- until t.b: false
FROM t
-- with enable_seqscan = off
-- without index t.b: WHERE c
OFFSET 0 -- by index t.b";

    #[test]
    fn newest_coder_gets_the_statement_as_it_stands() {
        let adapted = adapt(SQL, |_| true, |_| true);
        assert_eq!(adapted, "SELECT a,\n  b IS NOT NULL\nFROM t\nOFFSET 0\n");
    }

    #[test]
    fn older_coder_gets_the_line_that_does_without() {
        let has = |name: &str| name != "t.b";
        let adapted = adapt(SQL, has, |_| true);
        assert_eq!(adapted, "SELECT a,\n false\nFROM t\nOFFSET 0\n");
    }

    #[test]
    fn without_the_index_the_planner_is_free() {
        let adapted = adapt(SQL, |_| true, |name| name != "t.b");
        assert_eq!(adapted, "SELECT a,\n  b IS NOT NULL\nFROM t\n WHERE c\n");
    }

    #[test]
    fn settings_are_those_of_the_file() {
        assert_eq!(settings(SQL), "SET LOCAL enable_seqscan = off; ");
        assert_eq!(settings("SELECT"), "");
    }
}
