//! The small process that outlives us long enough to clean up (`keeper.sh`).
//!
//! A server that must never survive its owner would ask the kernel for a signal at the
//! owner's death (`PR_SET_PDEATHSIG`): that is Linux only and takes unsafe code between fork
//! and exec. A pipe whose writing end we hold closes at our death everywhere.

use std::fmt;
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use super::error::{ClusterError, failed};
use super::folder::Folder;

/// Its name in the folder. The shell that runs it holds it open when the folder goes.
const SCRIPT: &str = "keeper";

/// What a server can be sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    /// Postgres: stop in good order, without waiting for sessions.
    Interrupt,
    /// Postgres: stop at once, recover at the next start.
    Quit,
    /// Whatever it is: no more.
    Kill,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        })
    }
}

/// Dropping it stops what it guards and removes the folder, and waits until that is done.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    orders: Option<ChildStdin>,
}

impl Keeper {
    pub(super) fn start(folder: &Folder) -> Result<Self, ClusterError> {
        // A file, where an argument would fill the list of processes with its text.
        folder.write(SCRIPT, include_bytes!("keeper.sh"))?;
        let mut process = folder
            .command("/bin/sh".as_ref())
            // Not in the folder it removes.
            .current_dir("/")
            .arg(folder.path().join(SCRIPT))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed("start `sh` to watch the server"))?;
        let orders = process.stdin.take();
        Ok(Self { process, orders })
    }

    /// From now on this process is stopped when we end.
    pub(super) fn guard(&mut self, pid: u32) {
        self.order(format_args!("guard {pid}"));
    }

    /// The guarded process has ended: its number may soon be another process's.
    pub(super) fn release(&mut self) {
        self.order(format_args!("release"));
    }

    pub(super) fn signal(&mut self, signal: Signal, pid: u32) {
        self.order(format_args!("{signal} {pid}"));
    }

    fn order(&mut self, line: fmt::Arguments<'_>) {
        if let Some(orders) = &mut self.orders {
            // A keeper that has been killed cannot help; each waiter has its own deadline.
            let _ = orders.write_all(format!("{line}\n").as_bytes());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
