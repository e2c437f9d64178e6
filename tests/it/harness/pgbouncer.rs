//! A real PgBouncer in front of a test's server: transaction mode, one server connection.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Coder, eventually};

/// One that runs; dropping it ends it and takes its folder away.
pub(crate) struct PgBouncer {
    pub(crate) port: u16,
    folder: PathBuf,
    process: Child,
}

impl PgBouncer {
    /// One whose pool is a single server connection.
    pub(crate) async fn before(coder: &Coder) -> Self {
        Self::with(coder, &[]).await
    }

    /// As [`before`](Self::before), with further lines of its configuration; they win.
    pub(crate) async fn with(coder: &Coder, settings: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("pgbouncer-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        fs::write(
            folder.join("pgbouncer.ini"),
            configuration(coder, &folder, port, settings),
        )
        .unwrap();
        let users = format!("\"{}\" \"\"\n\"postgres\" \"\"\n", coder.role);
        fs::write(folder.join("users"), users).unwrap();
        let process = run(&folder);
        let bouncer = Self {
            port,
            folder,
            process,
        };
        bouncer.is_there().await;
        bouncer
    }

    /// The URL of the test's database through it, as the exporter's role.
    pub(crate) fn url(&self, coder: &Coder) -> String {
        format!(
            "postgres://{}@127.0.0.1:{}/{}",
            coder.role, self.port, coder.database
        )
    }

    /// A client of somebody else's that shares the pool: the same role and database.
    pub(crate) async fn client(&self, coder: &Coder) -> Client {
        self.try_client(coder).await.unwrap()
    }

    /// As [`client`](Self::client), where it may be refused.
    pub(crate) async fn try_client(&self, coder: &Coder) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(coder), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Ends it; all its clients are thrown out.
    pub(crate) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts it again on the same port.
    pub(crate) async fn start_again(&mut self) {
        self.process = run(&self.folder);
        self.is_there().await;
    }

    /// What it has to say for itself since its last start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    async fn is_there(&self) {
        eventually("PgBouncer listens", async || {
            TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
        })
        .await;
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "PgBouncer said:\n{}", self.log());
        }
        let _ = self.process.start_kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whoever shares the pool shares one server connection; after a failure to connect it is
/// tried again at once.
fn configuration(coder: &Coder, folder: &Path, port: u16, settings: &[&str]) -> String {
    let (server, server_port) = (coder.cluster().folder().display(), coder.cluster().port());
    let users = folder.join("users");
    format!(
        "[databases]
* = host={server} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {}
pool_mode = transaction
default_pool_size = 1
server_login_retry = 0
stats_users = postgres
{}
",
        users.display(),
        settings.join("\n"),
    )
}

/// It refuses to run as root, and steps down by itself to whom it is told.
fn run(folder: &Path) -> Child {
    let mut command = Command::new("pgbouncer");
    if id(&["-u"]).as_deref() == Some("0") {
        let account = ["postgres", "nobody"];
        let account = account.into_iter().find(|it| id(&["-u", it]).is_some());
        command.arg(format!("--user={}", account.expect("a user to run as")));
    }
    let process = command
        .arg(folder.join("pgbouncer.ini"))
        .env("LD_LIBRARY_PATH", libraries())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("log")).unwrap())
        .kill_on_drop(true)
        .spawn();
    process.unwrap_or_else(|error| {
        panic!("pgbouncer cannot be run ({error}): run scripts/test, which unpacks one into target/tools, or put one on the PATH")
    })
}

/// Where a PgBouncer that was unpacked, not installed, has its libraries next to it.
fn libraries() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path)
        .filter(|folder| folder.join("pgbouncer").is_file())
        .filter_map(|folder| fs::read_dir(folder.join("../lib")).ok())
        .flat_map(|entries| entries.flatten())
        .map(|entry| entry.path().display().to_string())
        .filter(|path| path.ends_with("-linux-gnu"))
        .collect();
    folders.join(":")
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Blocking::new("id").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
