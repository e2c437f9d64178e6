//! The whole program as an operator runs it: arguments, environment, output, exit code.

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The program itself.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_coder-agent-exporter");

/// Nothing a test asks for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end, with nothing in its environment.
pub(crate) async fn run(arguments: &[&str]) -> Ended {
    run_with(arguments, &[]).await
}

/// As [`run`], with these variables.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    output_of(command(arguments, variables)).await
}

/// Runs another program to its end, one that starts this one.
pub(crate) async fn run_program(
    program: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Ended {
    output_of(command_of(program, arguments, variables)).await
}

/// A command line of the program that listens wherever there is a port free.
pub(crate) fn program_on_any_port(arguments: &[&str]) -> Command {
    let arguments = [arguments, &["--web.listen-address=127.0.0.1:0"]].concat();
    command(&arguments, &[])
}

/// Runs it to its end.
pub(super) async fn output_of(mut command: Command) -> Ended {
    let output = timeout(PATIENCE, command.output()).await;
    Ended::of(output.expect("the program ends").unwrap())
}

impl Ended {
    pub(super) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program serving on a free port; dropping it kills it.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    process: Child,
    said: String,
    log: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Program {
    /// Starts `serve` and waits until it says where it listens.
    pub(crate) async fn serve(arguments: &[&str]) -> Self {
        Self::serve_with(arguments, &[]).await
    }

    /// As [`serve`](Self::serve), with these variables.
    pub(crate) async fn serve_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(&[&["serve"], arguments].concat(), variables).await
    }

    /// Starts `demo` and waits until it says where it listens.
    pub(crate) async fn demo(arguments: &[&str]) -> Self {
        Self::demo_with(arguments, &[]).await
    }

    /// As [`demo`](Self::demo), with these variables.
    pub(crate) async fn demo_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(&[&["demo"], arguments].concat(), variables).await
    }

    /// Starts `serve` as a service manager does that opened the socket itself.
    pub(crate) async fn activated(arguments: &[&str]) -> Self {
        let open = "import os, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])";
        let wrapper = ["-c", open, BINARY, "serve"];
        let path = std::env::var("PATH").unwrap();
        let variables = [("PATH", path.as_str())];
        let arguments = [&wrapper, arguments].concat();
        let python = command_of("python3", &arguments, &variables);
        Self::spawned(python).await
    }

    async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let arguments = [arguments, &["--web.listen-address=127.0.0.1:0"]].concat();
        Self::spawned(command(&arguments, variables)).await
    }

    async fn spawned(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let read = timeout(PATIENCE, stderr.read_line(&mut said)).await;
            let more = read.expect("it says where it listens").unwrap();
            assert_ne!(more, 0, "it ended instead of serving: {said}");
            if let Some(address) = address_in(&said) {
                break address;
            }
        };
        let log = Arc::new(Mutex::new(said.clone()));
        Self {
            address,
            process,
            said,
            reader: tokio::spawn(read_on(stderr, log.clone())),
            log,
        }
    }

    /// What it had logged when it listened.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends SIGTERM.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Sends a signal, named as for `kill`.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.process.wait()).await;
        let code = status.expect("the program ends").unwrap().code();
        let mut stdout = String::new();
        let output = self.process.stdout.as_mut().unwrap();
        output.read_to_string(&mut stdout).await.unwrap();
        self.reader.await.unwrap();
        let stderr = self.log.lock().unwrap().clone();
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

/// Reads what it logs while it runs: a pipe that is full would stop it.
async fn read_on(mut stderr: BufReader<ChildStderr>, log: Arc<Mutex<String>>) {
    let mut line = String::new();
    while let Ok(1..) = stderr.read_line(&mut line).await {
        log.lock().unwrap().push_str(&line);
        line.clear();
    }
}

/// Where it says that it listens, in whatever format it logs.
fn address_in(said: &str) -> Option<SocketAddr> {
    let (_, address) = said.split_once("127.0.0.1:")?;
    let digits = address.find(|it: char| !it.is_ascii_digit())?;
    format!("127.0.0.1:{}", &address[..digits]).parse().ok()
}

pub(super) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    // Another build, to compare with.
    let binary = std::env::var("EXPORTER_BINARY").unwrap_or_else(|_| BINARY.to_owned());
    command_of(&binary, arguments, variables)
}

pub(super) fn command_of(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
