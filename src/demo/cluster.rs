//! A temporary Postgres server: the machine's own `initdb` and `postgres` in a private folder,
//! which is removed when its owner ends, even by a crash.
//!
//! All functions block: call them from `spawn_blocking` in async code.

mod address;
mod data;
mod error;
mod folder;
mod keeper;
mod options;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use address::free_port;
pub(super) use address::{encoded, socket_url};
pub use error::ClusterError;
use error::failed;
use folder::Folder;
use keeper::{Keeper, Signal};
pub use options::{Listen, Options};
use programs::Programs;

/// The name of the superuser of every [`Cluster`].
pub const SUPERUSER: &str = "postgres";

/// The server usually starts in a tenth of a second. The limit leaves time for a machine that
/// swaps.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// A fast shutdown rolls back open transactions and writes one checkpoint of a small database.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Attempts to start on a free port, because another process may take the port first.
const PORT_ATTEMPTS: u32 = 5;
/// Postgres' default port, which is also in the name of the socket.
pub(super) const DEFAULT_PORT: u16 = 5432;
/// Number of lines of the server's log in an error message.
const QUOTED_LOG_LINES: usize = 12;

/// A temporary Postgres server. Dropping it stops the server and removes its folder. The end of
/// this process does the same, even by SIGKILL.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    listen: Listen,
    port: u16,
    server: Option<Child>,
    // In this order: the keeper cleans up, then the folder sees to it that it is gone.
    keeper: Keeper,
    folder: Folder,
}

impl Cluster {
    /// Creates a database folder and starts a server on it. Blocks until the server accepts
    /// connections: about half a second, a tenth of that with [`Options::prepared`].
    ///
    /// # Errors
    ///
    /// When programs, users or folders are missing, or the server rejects the options.
    pub fn start(options: &Options) -> Result<Self, ClusterError> {
        let programs = Programs::find().ok_or(ClusterError::ProgramsMissing)?;
        let folder = Folder::create()?;
        let keeper = Keeper::start(&folder)?;
        let mut cluster = Self {
            programs,
            listen: options.listen,
            port: DEFAULT_PORT,
            server: None,
            keeper,
            folder,
        };
        cluster.make_data(options)?;
        cluster.configure(options)?;
        cluster.start_first()?;
        Ok(cluster)
    }

    /// The URL of `database` for `user` over the Unix socket.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        socket_url(user, database, self.folder(), self.port)
    }

    /// The URL of `database` for `user` over TCP; `None` if the server does not listen on TCP.
    #[must_use]
    pub fn tcp_url(&self, user: &str, database: &str) -> Option<String> {
        let (user, database) = (encoded(user), encoded(database));
        let url = format!("postgres://{user}@127.0.0.1:{}/{database}", self.port);
        (self.listen == Listen::SocketAndTcp).then_some(url)
    }

    /// The port. If the server does not listen on TCP, it is only part of the socket's name.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private folder: it contains the socket, the server's `log`, and its data folder `data`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of another program of the same Postgres version, such as `pg_basebackup`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        // Where `postgres` on the PATH is a link, the others stand next to what it leads to.
        let postgres = &self.programs.postgres;
        let real = fs::canonicalize(postgres);
        real.as_ref().unwrap_or(postgres).with_file_name(name)
    }

    /// The server's process id; `None` if it does not run.
    #[must_use]
    pub fn server_id(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Whether the server still runs.
    pub fn is_running(&mut self) -> bool {
        let is_running = |server: &mut Child| matches!(server.try_wait(), Ok(None));
        if self.server.as_mut().is_some_and(is_running) {
            return true;
        }
        if self.server.take().is_some() {
            self.keeper.release();
        }
        false
    }

    /// Stops the server as a restart would: sessions are terminated, data is kept. Does nothing if
    /// the server does not run.
    pub fn stop(&mut self) {
        self.end_server(Signal::Interrupt);
    }

    /// Kills the server (SIGKILL), as in a crash. Does nothing if it does not run.
    pub fn kill(&mut self) {
        self.end_server(Signal::Kill);
    }

    /// Starts the server again with the same folder, socket and port, and waits until it accepts
    /// connections. Does nothing if it runs.
    ///
    /// # Errors
    ///
    /// When it does not start, with the last lines of its log.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match self.start_server(deadline) {
                // After a crash the old server's children take a moment to notice.
                Err(ClusterError::Start { log }) if log.contains("shared memory block") => {
                    if Instant::now() > deadline {
                        return Err(ClusterError::StartTimeout { log });
                    }
                    std::thread::sleep(10 * POLL_INTERVAL);
                }
                result => return result,
            }
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn start_first(&mut self) -> Result<(), ClusterError> {
        if self.listen == Listen::Socket {
            return self.start_again();
        }
        for attempt in 1.. {
            self.port = free_port().map_err(failed("find a free port on 127.0.0.1"))?;
            match self.start_again() {
                Err(ClusterError::Start { log })
                    if attempt < PORT_ATTEMPTS && log.contains("Address already in use") => {}
                result => return result,
            }
        }
        Ok(())
    }

    fn start_server(&mut self, deadline: Instant) -> Result<(), ClusterError> {
        if self.server.is_some() {
            return Ok(());
        }
        // A new log each time: an error quotes this start, not an earlier one.
        let log = fs::File::create(self.log()).map_err(failed("write the server's log"))?;
        let mut command = self.command(&self.programs.postgres);
        let addresses = match self.listen {
            Listen::Socket => "",
            Listen::SocketAndTcp => "127.0.0.1",
        };
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.folder.path())
            .arg("-h")
            .arg(addresses)
            .arg("-p")
            .arg(self.port.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().map_err(failed("run `postgres`"))?;
        self.keeper.guard(child.id());
        let child = self.server.insert(child);
        let id = child.id();
        loop {
            if let Ok(Some(_)) = child.try_wait() {
                self.server = None;
                self.keeper.release();
                return Err(ClusterError::Start {
                    log: self.log_end(),
                });
            }
            if self.folder.server_is_ready(id) {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.kill();
                return Err(ClusterError::StartTimeout {
                    log: self.log_end(),
                });
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn end_server(&mut self, signal: Signal) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let deadline = Instant::now() + STOP_TIMEOUT;
        self.keeper.signal(signal, server.id());
        while let Ok(None) = server.try_wait() {
            if Instant::now() > deadline {
                // Nothing left to be polite about; as its parent we may always do this.
                let _ = server.kill();
                let _ = server.wait();
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        self.keeper.release();
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LOG_LINES)..].join("\n")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.folder.command(program);
        // Messages we look for must not be translated.
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The data is about to go: nothing is worth a last checkpoint.
        self.end_server(Signal::Quit);
    }
}

#[cfg(test)]
mod tests;
