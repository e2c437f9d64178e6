//! A small helper process that cleans up after this process ends (`keeper.sh`).
//!
//! The alternative is a signal from the kernel at the parent's death (`PR_SET_PDEATHSIG`). It
//! exists only on Linux and needs unsafe code between fork and exec. This module uses a pipe: the
//! kernel closes its write end when this process ends, on every system.

use std::fmt;
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use super::error::{ClusterError, failed};
use super::folder::Folder;

/// Name of the script in the folder. The shell keeps it open after the folder is removed.
const SCRIPT: &str = "keeper";

/// Signals for the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    /// SIGINT: Postgres stops in good order, without waiting for sessions.
    Interrupt,
    /// SIGQUIT: Postgres stops at once and recovers at the next start.
    Quit,
    /// SIGKILL: the server ends at once and cannot clean up.
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

/// Handle of the keeper. Dropping it stops the guarded server, removes the folder, and waits until
/// both are done.
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

    /// From now on the keeper stops this process when our process ends.
    pub(super) fn guard(&mut self, pid: u32) {
        self.order(format_args!("guard {pid}"));
    }

    /// The guarded process has ended. The keeper must forget its id, because the system may reuse
    /// it.
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
