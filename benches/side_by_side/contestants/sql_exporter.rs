//! prometheus-sql-exporter of Debian. It asks at intervals, not when it is asked: each round
//! starts it anew, and counts how long its statements took by its own log, without the
//! connection, and then one scrape.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::queries::{Queries, Statement};
use super::{Contestant, Place};
use crate::answer::Answer;
use crate::http::{Encoding, Scraper};
use crate::program::{Program, guarded};

/// For all its statements.
const PATIENCE: Duration = Duration::from_secs(300);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
const SECONDS_A_DAY: f64 = 86_400.0;

pub(super) struct SqlExporter {
    file: PathBuf,
    folder: PathBuf,
    /// `None` while the next is about to be started.
    program: Option<Program>,
    page_bytes: u64,
}

impl SqlExporter {
    pub(super) fn start(queries: Queries, place: Place<'_>) -> Result<Self> {
        let name = format!("sql-exporter-{queries:?}-{}.yaml", place.port);
        let file = place.folder.join(name);
        let url = format!("{}{}", place.url("postgres"), queries.options());
        // JSON is YAML.
        fs::write(
            &file,
            configuration(&queries.statements(), &url).to_string(),
        )?;
        let mut exporter = Self {
            file,
            folder: place.folder.to_owned(),
            program: None,
            page_bytes: 0,
        };
        exporter.ask()?;
        Ok(exporter)
    }

    /// Has it ask all its questions once; how long that took it.
    fn ask(&mut self) -> Result<Duration> {
        self.program = None;
        let mut command = guarded("prometheus-sql-exporter");
        command
            .env("LOGLEVEL", "debug")
            .arg("-config.file")
            .arg(&self.file);
        let program = Program::start(command, &self.folder, |command, address| {
            command.arg(format!("-web.listen-address={address}"));
        })?;
        let program = self.program.insert(program);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = program.said();
            ensure!(!said.contains("\"err\""), "sql_exporter failed: {said}");
            if said.contains("Sleeping until next run") {
                return asking_time(&said);
            }
            if Instant::now() > deadline {
                bail!("sql_exporter is not through in time");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn scraper(&self) -> Result<Scraper> {
        let program = self
            .program
            .as_ref()
            .context("sql_exporter has not started")?;
        Scraper::connect(program.address)
    }
}

impl Contestant for SqlExporter {
    fn run(&mut self) -> Result<Duration> {
        let asked = self.ask()?;
        let mut scraper = self.scraper()?;
        let started = Instant::now();
        let body = scraper.get("/metrics", Encoding::Gzip)?;
        let scraped = started.elapsed();
        self.page_bytes = body.wire_bytes();
        Ok(asked + scraped)
    }

    fn answer(&mut self) -> Result<Option<Answer>> {
        let page = self.scraper()?.get("/metrics", Encoding::Gzip)?.text()?;
        Ok(Some(Answer::of_their_page(&page)))
    }

    fn process_id(&self) -> u32 {
        self.program.as_ref().map_or(0, Program::id)
    }

    fn page_bytes(&self) -> Option<u64> {
        Some(self.page_bytes)
    }
}

/// From its first question to the end of its last.
fn asking_time(said: &str) -> Result<Duration> {
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<Value> = lines.collect();
    let moment = |message: &str, line: &Value| {
        let is_it = line["msg"] == message;
        is_it
            .then(|| second_of_the_day(line["ts"].as_str()?))
            .flatten()
    };
    let first = lines.iter().find_map(|line| moment("Running Query", line));
    let last = lines
        .iter()
        .rev()
        .find_map(|line| moment("Query finished", line));
    let (first, last) = first
        .zip(last)
        .with_context(|| format!("no queries in {said}"))?;
    Ok(Duration::from_secs_f64(
        (last - first).rem_euclid(SECONDS_A_DAY),
    ))
}

/// Of a time such as `2026-01-31T12:00:00.123456789Z`.
fn second_of_the_day(text: &str) -> Option<f64> {
    let (_, time) = text.trim_end_matches('Z').split_once('T')?;
    let mut parts = time.split(':').map(|it| it.parse::<f64>().ok());
    parts.try_fold(0.0, |sum, part| Some(sum * 60.0 + part?))
}

/// The interval is longer than any run: it asks once.
fn configuration(statements: &[Statement], url: &str) -> Value {
    let of = |statement: &Statement| {
        json!({
            "name": statement.name, "help": statement.name, "labels": statement.labels,
            "values": ["count"], "query": statement.sql,
        })
    };
    let queries: Vec<Value> = statements.iter().map(of).collect();
    let job = json!({
        "name": "bench", "interval": "24h", "connections": [url], "queries": queries,
    });
    json!({"jobs": [job]})
}
