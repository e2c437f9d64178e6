//! The data folder of a temporary Postgres server: created by `initdb`, or copied from an earlier
//! one.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;

use super::error::{ClusterError, failed};
use super::{Cluster, Options, SUPERUSER};

/// The data need not survive a crash of the machine, so nothing waits for the disk. A committed
/// transaction survives a crash of the server, because `synchronous_commit` stays on.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 16MB
max_connections = 50
log_timezone = 'UTC'
timezone = 'UTC'
";

impl Cluster {
    pub(super) fn make_data(&mut self, options: &Options) -> Result<(), ClusterError> {
        let data = self.data();
        if let Some(original) = &options.copy_of {
            let doing = failed(format!("copy {}", original.display()));
            copy(original, &data).map_err(doing)?;
            return self.folder.give(&data);
        }
        let Some(prepared) = &options.prepared else {
            return self.initdb();
        };
        let initdb = self.programs.initdb.clone();
        from_prepared(prepared, &initdb, &data, || self.initdb())?;
        self.folder.give(&data)
    }

    fn initdb(&mut self) -> Result<(), ClusterError> {
        let mut command = self.command(&self.programs.initdb);
        command
            .args(["--auth=trust", "--encoding=UTF8", "--no-locale"])
            .args(["--no-sync", "--wal-segsize=4", "--username", SUPERUSER])
            .arg("--pgdata")
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(failed("run `initdb`"))?;
        self.keeper.guard(child.id());
        let output = child.wait_with_output().map_err(failed("run `initdb`"))?;
        self.keeper.release();
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stderr);
        // One sentence, however many lines there are.
        let lines: Vec<&str> = output.trim().lines().collect();
        let output = lines.join("; ");
        Err(ClusterError::Init { output })
    }

    pub(super) fn configure(&self, options: &Options) -> Result<(), ClusterError> {
        let conf = self.data().join("postgresql.conf");
        let doing = || failed(format!("write {}", conf.display()));
        let mut text = fs::read_to_string(&conf).map_err(doing())?;
        text.push_str(SETTINGS);
        for line in &options.settings {
            text.push_str(line);
            text.push('\n');
        }
        fs::write(&conf, text).map_err(doing())?;
        if let Some(hba) = &options.hba {
            self.folder.write("data/pg_hba.conf", hba.as_bytes())?;
        }
        for (name, content) in &options.files {
            self.folder.write(&format!("data/{name}"), content)?;
        }
        Ok(())
    }
}

/// Fills `data` with a copy of the folder at `prepared`. If there is no such folder for this
/// `initdb` yet, `make` creates it (through `data`) while other processes wait.
fn from_prepared(
    prepared: &Path,
    initdb: &Path,
    data: &Path,
    make: impl FnOnce() -> Result<(), ClusterError>,
) -> Result<(), ClusterError> {
    let doing = || {
        failed(format!(
            "keep a prepared database in {}",
            prepared.display()
        ))
    };
    fs::create_dir_all(prepared).map_err(doing())?;
    let lock = File::create(prepared.join("lock")).map_err(doing())?;
    lock.lock().map_err(doing())?;
    // Another version of the programs, or another recipe of ours, is another folder.
    let name: OsString = initdb.as_os_str().as_bytes().iter().map(safe).collect();
    let original = prepared.join(name);
    if original.is_dir() {
        drop(lock);
        return copy(&original, data).map_err(doing());
    }
    make()?;
    let unfinished = prepared.join("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    copy(data, &unfinished).map_err(doing())?;
    fs::rename(&unfinished, &original).map_err(doing())
}

fn safe(byte: &u8) -> OsString {
    let letter = char::from(*byte);
    let letter = if letter.is_ascii_alphanumeric() {
        letter
    } else {
        '-'
    };
    OsString::from(letter.to_string())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
