//! Finds the programs `initdb` and `postgres` on this machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that contain one folder for each version, with the programs in `<child>/<suffix>`.
/// Debian, the PostgreSQL project's RPMs, SUSE, Alpine and Homebrew keep them outside of the PATH.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("usr/lib/postgresql", "", "bin"),
    ("usr", "pgsql-", "bin"),
    ("usr/lib", "postgresql", "bin"),
    ("usr/libexec", "postgresql", ""),
    ("opt/homebrew/opt", "postgresql", "bin"),
    ("usr/local/opt", "postgresql", "bin"),
];

/// The programs `initdb` and `postgres` of one version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
}

impl Programs {
    /// Searches the PATH, then the folder that `pg_config` prints, then the distributions' folders.
    pub(super) fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(ask_pg_config())
            .chain(versioned_folders(Path::new("/")))
            .find_map(|folder| Self::within(&folder))
    }

    fn within(folder: &Path) -> Option<Self> {
        let programs = Self {
            initdb: folder.join("initdb"),
            postgres: folder.join("postgres"),
        };
        (programs.initdb.is_file() && programs.postgres.is_file()).then_some(programs)
    }
}

fn ask_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(folder.trim_end()))
}

/// The distributions' folders below `root`, the newest version first within each.
fn versioned_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, suffix) in VERSIONED {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root.join(parent))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((version(&entry.file_name(), prefix)?, entry.path())))
            .collect();
        versions.sort();
        folders.extend(
            versions
                .into_iter()
                .rev()
                .map(|(_, path)| path.join(suffix)),
        );
    }
    folders
}

/// The version in a folder's name: 15 for `15`, `pgsql-15` and `postgresql@15`; 0 if there is none.
fn version(name: &OsStr, prefix: &str) -> Option<u32> {
    let rest = name.to_str()?.strip_prefix(prefix)?;
    let rest = rest.strip_prefix('@').unwrap_or(rest);
    let major = rest.split('.').next().unwrap_or_default();
    match major.parse() {
        Err(_) if rest.is_empty() => Some(0),
        parsed => parsed.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_newest_version_come_first() {
        let root = env::temp_dir().join(format!("programs-{}", uuid::Uuid::new_v4()));
        let folders = [
            "usr/lib/postgresql/9.6",
            "usr/lib/postgresql/15",
            "usr/lib/postgresql/16",
            "usr/pgsql-17",
            "usr/libexec/postgresql16",
            "usr/bin",
            "opt/homebrew/opt/postgresql@16",
            "opt/homebrew/opt/postgresql",
            "opt/homebrew/opt/postgrest",
        ];
        for folder in folders {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let found = versioned_folders(&root);
        fs::remove_dir_all(&root).unwrap();
        let expected = [
            "usr/lib/postgresql/16/bin",
            "usr/lib/postgresql/15/bin",
            "usr/lib/postgresql/9.6/bin",
            "usr/pgsql-17/bin",
            "usr/lib/postgresql/bin",
            "usr/libexec/postgresql16",
            "opt/homebrew/opt/postgresql@16/bin",
            "opt/homebrew/opt/postgresql/bin",
        ];
        assert_eq!(found, expected.map(|folder| root.join(folder)));
    }

    #[test]
    fn folder_with_only_one_of_the_programs_is_passed_over() {
        let folder = env::temp_dir().join(format!("programs-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("initdb"), "").unwrap();
        let half = Programs::within(&folder);
        fs::write(folder.join("postgres"), "").unwrap();
        let whole = Programs::within(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(half, None);
        assert!(whole.is_some());
    }
}
