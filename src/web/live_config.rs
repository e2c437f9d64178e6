//! `--web.config.file` as it is in effect, read again when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::protection::Protection;

/// How often files are looked at, at most: a handful of `stat` calls, without a wait.
const LOOK: Duration = Duration::from_secs(1);

/// What protects the endpoint: read at the start, on a reload, and when a file that it was made
/// from changes. A file that cannot be used leaves the last good one in force (SPEC 7).
#[derive(Debug, Default)]
pub struct LiveConfig {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Arc<Protection>,
    seen: Vec<(PathBuf, Stamp)>,
    looked: Option<Instant>,
    is_broken: bool,
}

/// What tells one version of a file from another: nobody replaces a file and keeps all of it.
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
            state: Mutex::default(),
        };
        if let Some(path) = path {
            let mut state = live.state.lock();
            let loaded = state.read(path);
            state.current = Arc::new(loaded?);
            warn(&state.current);
        }
        Ok(live)
    }

    /// What is in force now.
    pub(super) fn current(&self) -> Arc<Protection> {
        let mut state = self.state.lock();
        if let Some(path) = &self.path
            && state.looked.is_none_or(|it| it.elapsed() >= LOOK)
        {
            state.looked = Some(Instant::now());
            if state.seen.iter().any(|(path, seen)| stamp(path) != *seen) {
                // It has been logged, and the last good one is the answer.
                let _ = state.read_again(path);
            }
        }
        state.current.clone()
    }

    /// Reads the file again, whether it changed or not.
    ///
    /// # Errors
    ///
    /// When it cannot be used; then nothing changes.
    pub(super) fn reread(&self) -> Result<(), String> {
        match &self.path {
            Some(path) => self.state.lock().read_again(path),
            None => Ok(()),
        }
    }

    /// Whether what is in force is what the file says.
    pub(super) fn is_current(&self) -> bool {
        // Looks, for a scrape over an old connection is a reader too.
        self.current();
        !self.state.lock().is_broken
    }

    /// How its addresses begin: `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self.state.lock().current.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// What is in force, in a few words; no secret.
    pub fn describe(&self) -> String {
        self.state.lock().current.describe()
    }
}

impl State {
    fn read_again(&mut self, path: &Path) -> Result<(), String> {
        let loaded = self.read(path).and_then(|loaded| {
            self.current.check_successor(&loaded)?;
            Ok(loaded)
        });
        self.is_broken = loaded.is_err();
        match loaded {
            Ok(loaded) => {
                self.current = Arc::new(loaded);
                tracing::info!(path = %path.display(), "the web configuration was read again");
                warn(&self.current);
                Ok(())
            }
            Err(problem) => {
                tracing::error!(
                    problem,
                    "the web configuration changed and cannot be used; what was in force stays so"
                );
                Err(problem)
            }
        }
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
