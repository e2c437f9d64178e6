//! How long a text from the database may be.
//!
//! Coder limits few of them, and a workspace user, a template author or a script writes the rest.
//! Each statement cuts its texts with `…::text::varchar(n)`, one character after the limit, so that
//! what is longer never leaves the server. `left(…, n)` does the same and takes longer, since it
//! counts the characters of every text. What arrives is bounded in bytes and marked by
//! [`bounded`](crate::fleet::model::bounded::bounded), before anything is kept of it.

/// Of a name: users, organizations, workspaces, templates, their versions, agents, apps. Coder
/// allows 32 to 64 characters, of up to four bytes in an app's display name.
pub(super) const NAME_BYTES: usize = 256;

/// Of an agent's version, as in `v2.36.0-devel+1a2b3c4d5`.
pub(super) const VERSION_BYTES: usize = 64;

/// Of the reason why a build's job failed, which is often a page of Terraform.
pub(super) const ERROR_BYTES: usize = 2048;

/// Of an address that a template author chose.
pub(super) const URL_BYTES: usize = 2048;

/// Of a provisioner's or a job's tags, as JSON.
pub(super) const TAGS_BYTES: usize = 4096;

/// The limit of the column of that name, in any statement.
pub(super) fn limit_of(column: &str) -> usize {
    match column {
        "version" => VERSION_BYTES,
        "job_error" => ERROR_BYTES,
        "troubleshooting_url" => URL_BYTES,
        "tags" => TAGS_BYTES,
        _ => NAME_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// Columns that are texts of a fixed set, which Postgres itself limits to 63 bytes.
    const ENUMS: [&str; 8] = [
        "transition",
        "lifecycle_state",
        "job_status",
        "health",
        "role",
        "status",
        "stage",
        "state",
    ];

    /// Columns that hold what others have written.
    const TEXTS: [&str; 12] = [
        "name",
        "workspace",
        "owner",
        "organization",
        "template",
        "template_version",
        "version",
        "display_name",
        "job_error",
        "hostname",
        "tags",
        "troubleshooting_url",
    ];

    fn statements(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                statements(&path, found);
            } else if path.extension().is_some_and(|it| it == "sql") {
                found.push(path);
            }
        }
    }

    /// The number in `…::text::varchar(n)`, where the expression is cut.
    fn cut_at(expression: &str) -> Option<usize> {
        let (_, limit) = expression
            .strip_suffix(')')?
            .rsplit_once("::text::varchar(")?;
        limit.parse().ok()
    }

    #[test]
    fn every_text_is_cut_on_the_server_just_after_its_limit() {
        let mut paths = Vec::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
        statements(&folder, &mut paths);
        let mut cut = 0;
        for path in paths {
            let sql = fs::read_to_string(&path).unwrap();
            for line in sql.lines() {
                let code = line.split("--").next().unwrap_or_default().trim();
                let code = code.trim_start_matches("SELECT ").trim_end_matches(',');
                let Some((expression, alias)) = code.rsplit_once(" AS ") else {
                    continue;
                };
                let is_text = expression.contains("::text") || TEXTS.contains(&alias);
                // A table's alias has no expression before it.
                let is_table = expression.starts_with("FROM ")
                    || expression.starts_with(')')
                    || expression.contains("JOIN ");
                let is_array = expression.contains("[]");
                // Postgres bounds its own names at 63 bytes.
                let is_catalog = path.parent().is_some_and(|it| it.ends_with("catalog"));
                if !is_text || is_table || is_array || is_catalog || ENUMS.contains(&alias) {
                    continue;
                }
                let place = format!("{}: {line}", path.display());
                assert_eq!(cut_at(expression), Some(limit_of(alias) + 1), "{place}");
                cut += 1;
            }
        }
        assert!(cut > 30, "{cut} texts found");
    }
}
