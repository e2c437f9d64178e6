//! The private folder of a temporary Postgres server, and the user who owns it and runs the server.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::{ClusterError, failed};

/// Maximum length of a Unix socket's path. With its final NUL the limit is 104 bytes on macOS and
/// 108 on Linux.
const MAX_SOCKET_PATH_BYTES: usize = 103;
/// Users to run the server as, in this order, when this process runs as root.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// A user other than the one of this process.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

/// A folder that only the server's user can access. The keeper removes it. Dropping it removes it
/// when the keeper was never started or was killed.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    account: Option<Account>,
}

impl Folder {
    /// Creates a folder in `TMPDIR`, or in `/tmp` if `TMPDIR` is not usable.
    pub(super) fn create() -> Result<Self, ClusterError> {
        let account = match id(&["-u"]) {
            Some(0) => Some(
                ACCOUNTS
                    .iter()
                    .find_map(|name| account(name))
                    .ok_or(ClusterError::NobodyToRunAs)?,
            ),
            _ => None,
        };
        Self::create_for(account)
    }

    fn create_for(account: Option<Account>) -> Result<Self, ClusterError> {
        let mut parents = vec![env::temp_dir(), PathBuf::from("/tmp")];
        parents.dedup();
        let name = format!("coder-demo-{:08x}", uuid::Uuid::new_v4().as_fields().0);
        let mut tried = Vec::new();
        for parent in parents {
            let problem = match Self::create_in(&parent, &name, account) {
                Ok(folder) => return Ok(folder),
                Err(problem) => problem,
            };
            tried.push(format!("{}: {problem}", parent.display()));
        }
        let tried = tried.join(", ");
        Err(ClusterError::NoFolder { tried })
    }

    fn create_in(parent: &Path, name: &str, account: Option<Account>) -> Result<Self, String> {
        if !suits(parent, name) || (account.is_some() && !is_open_to_all(parent)) {
            return Err("not suitable".into());
        }
        let path = parent.join(name);
        let mut builder = DirBuilder::new();
        let created = builder.mode(0o700).create(&path);
        created.map_err(|error| error.to_string())?;
        let folder = Self { path, account };
        let given = folder.give(&folder.path);
        given.map_err(|error| error.to_string())?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs in this folder as its owner, and gets no signals from the terminal.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path).process_group(0);
        if let Some(account) = self.account {
            // Changing the user as root drops the supplementary groups too (std does it).
            command.gid(account.gid).uid(account.uid);
        }
        command
    }

    /// Writes a file that only the server's user can read, because it may contain a private key.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), ClusterError> {
        let path = self.path.join(name);
        let doing = || failed(format!("write {}", path.display()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).map_err(doing())?;
        file.write_all(content).map_err(doing())?;
        self.give(&path)
    }

    /// Makes the server's user the owner of `path` and everything in it.
    pub(super) fn give(&self, path: &Path) -> Result<(), ClusterError> {
        let Some(account) = self.account else {
            return Ok(());
        };
        give(path, account).map_err(failed(format!("change the owner of {}", path.display())))
    }

    /// Whether the server with this process id has written to its data folder that it is ready.
    /// After a crash the folder has the same file with the id of the old process.
    pub(super) fn server_is_ready(&self, pid: u32) -> bool {
        let status = fs::read_to_string(self.path.join("data/postmaster.pid")).unwrap_or_default();
        let mut lines = status.lines().map(str::trim);
        lines.next() == Some(pid.to_string().as_str()) && lines.nth(6) == Some("ready")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn give(path: &Path, account: Account) -> io::Result<()> {
    chown(path, Some(account.uid), Some(account.gid))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), account)?;
        }
    }
    Ok(())
}

/// Whether a folder of this name in `parent` has a path short enough for a socket.
fn suits(parent: &Path, name: &str) -> bool {
    let socket = parent.join(name).join(".s.PGSQL.65535");
    socket.as_os_str().len() <= MAX_SOCKET_PATH_BYTES && parent.is_absolute() && parent.is_dir()
}

/// Whether every user can access files below the folder.
fn is_open_to_all(folder: &Path) -> bool {
    let is_open = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0)
    };
    folder.ancestors().all(is_open)
}

fn account(name: &str) -> Option<Account> {
    Some(Account {
        uid: id(&["-u", name])?,
        gid: id(&["-g", name])?,
    })
}

/// The output of `id`, which uses all user databases of the machine.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_whose_socket_path_would_be_too_long_is_passed_over() {
        let longest = MAX_SOCKET_PATH_BYTES - "/tmp//.s.PGSQL.65535".len();
        assert!(suits(Path::new("/tmp"), &"n".repeat(longest)));
        assert!(!suits(Path::new("/tmp"), &"n".repeat(longest + 1)));
    }

    #[test]
    fn folder_that_is_not_there_is_passed_over() {
        assert!(!suits(Path::new("/nowhere/at/all"), "n"));
        assert!(!suits(Path::new("tmp"), "n"));
    }
}
