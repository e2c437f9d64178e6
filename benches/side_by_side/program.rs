//! A program that serves metrics on a port of its own until it is dropped.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::http::Scraper;

/// A program that has not answered by then never will.
const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

pub(crate) struct Program {
    process: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

/// A command of `program` that ends when we do, however we end.
pub(crate) fn guarded(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

impl Program {
    /// Starts `command`, which is given a free port's address by `listen`, and waits until it
    /// takes connections. What it says goes to a file in `folder`.
    pub(crate) fn start(
        mut command: Command,
        folder: &Path,
        listen: impl Fn(&mut Command, SocketAddr),
    ) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        listen(&mut command, address);
        let log = folder.join(format!("log-{}", address.port()));
        let errors = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(errors.try_clone()?);
        let process = command.stderr(errors).spawn();
        let name = format!("{command:?}");
        let mut program = Self {
            process: process.with_context(|| format!("run {name}"))?,
            address,
            log,
        };
        let deadline = Instant::now() + START_PATIENCE;
        while Scraper::connect(address).is_err() {
            if let Some(status) = program.process.try_wait()? {
                bail!("{name} ended with {status}: {}", program.said());
            }
            if Instant::now() > deadline {
                bail!("{name} does not listen: {}", program.said());
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(program)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// All it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
