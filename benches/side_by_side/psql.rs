//! A `psql` that stays, is fed by its standard input and says when it is through.
//!
//! So neither its start nor its connection is in what is timed.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The longest any statement may take: the largest fleet is filled in less.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What it prints behind each script.
const MARK: &str = "-- through --";

pub(crate) struct Psql {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Psql {
    /// Connects and waits until it is answered.
    pub(crate) fn connect(url: &str) -> Result<Self> {
        let mut process = Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-F", "\t", "-w"])
            .args(["-v", "ON_ERROR_STOP=1", "-d", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("run psql")?;
        let input = process.stdin.take().context("psql has no input")?;
        let output = process.stdout.take().context("psql has no output")?;
        let errors = process.stderr.take().context("psql has no errors")?;
        let mut psql = Self {
            process,
            input,
            lines: lines_of(output),
            errors: lines_of(errors),
        };
        psql.ask("SELECT 1;")?;
        Ok(psql)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Runs a script; how long it took until all was answered.
    pub(crate) fn time(&mut self, script: &str) -> Result<Duration> {
        let started = Instant::now();
        self.ask(script)?;
        Ok(started.elapsed())
    }

    /// Runs a script; the rows it printed, columns between tabs.
    pub(crate) fn ask(&mut self, script: &str) -> Result<Vec<String>> {
        let sent = writeln!(self.input, "{script}\n\\echo {MARK}");
        let sent = sent.and_then(|()| self.input.flush());
        let mut rows = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(remaining) {
                Ok(line) if line == MARK => return sent.map(|()| rows).context("ask psql"),
                Ok(line) => rows.push(line),
                Err(RecvTimeoutError::Timeout) => bail!("psql did not answer in time"),
                Err(RecvTimeoutError::Disconnected) => {
                    let said: Vec<String> = self.errors.iter().collect();
                    bail!("psql ended: {}", said.join("; "));
                }
            }
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
