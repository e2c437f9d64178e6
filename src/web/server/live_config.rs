//! `--web.config.file` as it is in effect, read again when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::web::server::protection::Protection;

/// How often files are looked at, at most: a handful of `stat` calls, without a wait.
const LOOK: Duration = Duration::from_secs(1);

/// What protects the endpoint: read at the start, on a reload, and when a file that it was made
/// from changes. A file that cannot be used leaves the last good one in force
/// (`docs/spec/http.md`).
///
/// What is in force is read without a lock. One reader at a time looks whether a file has
/// changed; the others do not wait for it.
#[derive(Debug, Default)]
pub struct LiveConfig {
    path: Option<PathBuf>,
    current: ArcSwap<Protection>,
    is_broken: AtomicBool,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    seen: Vec<(PathBuf, Stamp)>,
    looked: Option<Instant>,
    /// Why the last reload failed.
    problem: Option<String>,
    log: ReloadLog,
}

/// How often reloads of the same result are worth a line: a client may ask for them for ever.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// Folds reloads that bring nothing new into one line.
#[derive(Debug, Default)]
struct ReloadLog {
    written: Option<Instant>,
    times: u64,
}

impl ReloadLog {
    /// After a reload: how many the next line is about, if there is to be one.
    fn line(&mut self, is_same: bool) -> Option<u64> {
        self.times += 1;
        if is_same && self.written.is_some_and(|it| it.elapsed() < QUIET) {
            return None;
        }
        self.written = Some(Instant::now());
        Some(std::mem::take(&mut self.times))
    }
}

/// What tells one version of a file from another: replacing a file changes some of it.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl LiveConfig {
    /// Reads the file; without one, everything is open.
    ///
    /// # Errors
    ///
    /// When it cannot be used: a sentence that names the place.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        let live = Self {
            path: path.map(Path::to_owned),
            ..Self::default()
        };
        if let Some(path) = path {
            let loaded = live.files.lock().read(path)?;
            warn(&loaded);
            live.current.store(Arc::new(loaded));
        }
        Ok(live)
    }

    /// What is in force now.
    pub(crate) fn current(&self) -> Arc<Protection> {
        if let Some(path) = &self.path
            && let Some(mut files) = self.files.try_lock()
            && files.have_changed()
        {
            // It has been logged, and the last good one is the answer.
            let _ = self.read_again(&mut files, path);
        }
        self.current.load_full()
    }

    /// Reads the file again, whether it changed or not.
    ///
    /// # Errors
    ///
    /// When it cannot be used; then nothing changes.
    pub(crate) fn reread(&self) -> Result<(), String> {
        match &self.path {
            Some(path) => self.read_again(&mut self.files.lock(), path),
            None => Ok(()),
        }
    }

    /// Whether what is in force is what the file says.
    pub(crate) fn is_current(&self) -> bool {
        // Looks, for a scrape over an old connection is a reader too.
        self.current();
        !self.is_broken.load(Ordering::Relaxed)
    }

    /// How its addresses begin: `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self.current.load().tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// What is in force, in a few words; no secret.
    pub fn describe(&self) -> String {
        self.current.load().describe()
    }

    fn read_again(&self, files: &mut Files, path: &Path) -> Result<(), String> {
        let before = files.seen.clone();
        let loaded = files.read(path).and_then(|loaded| {
            self.current.load().check_successor(&loaded)?;
            Ok(loaded)
        });
        self.is_broken.store(loaded.is_err(), Ordering::Relaxed);
        match loaded {
            Ok(loaded) => {
                let is_same = files.seen == before && files.problem.take().is_none();
                if let Some(times) = files.log.line(is_same) {
                    let path = path.display();
                    tracing::info!(%path, times, "the web configuration was reloaded");
                    warn(&loaded);
                }
                self.current.store(Arc::new(loaded));
                Ok(())
            }
            Err(problem) => {
                let is_same = files.problem.as_ref() == Some(&problem);
                files.problem = Some(problem.clone());
                if let Some(times) = files.log.line(is_same) {
                    tracing::error!(
                        problem,
                        times,
                        "the new web configuration is invalid; the previous one stays in force"
                    );
                }
                Err(problem)
            }
        }
    }
}

impl Files {
    /// Whether one of them is another than when it was read. Looks once in [`LOOK`].
    fn have_changed(&mut self) -> bool {
        if self.looked.is_some_and(|it| it.elapsed() < LOOK) {
            return false;
        }
        self.looked = Some(Instant::now());
        self.seen.iter().any(|(path, seen)| stamp(path) != *seen)
    }

    /// Reads the file and those it names, and remembers what they looked like before.
    fn read(&mut self, path: &Path) -> Result<Protection, String> {
        // Before reading: what changes meanwhile is seen as changed the next time.
        self.seen = vec![(path.to_owned(), stamp(path))];
        let failed = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let file = text.parse().map_err(|error| failed(&error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let files = Protection::files(&file, folder);
        let stamps = files.into_iter().map(|path| {
            let stamp = stamp(&path);
            (path, stamp)
        });
        self.seen.extend(stamps);
        Protection::new(file, folder).map_err(|problem| failed(&problem))
    }
}

fn warn(protection: &Protection) {
    for warning in &protection.warnings {
        tracing::warn!("--web.config.file: {warning}");
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata: io::Result<fs::Metadata> = fs::metadata(path);
    let it = metadata.ok()?;
    let changed = (it.ctime(), it.ctime_nsec());
    Some((it.dev(), it.ino(), it.len(), changed.0, changed.1))
}

#[cfg(test)]
#[path = "live_config_tests.rs"]
mod tests;
