//! prometheus-postgres-exporter of Debian, with queries of its operator's and none of its own.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::queries::{Queries, Statement};
use super::{Contestant, Place};
use crate::answer::Answer;
use crate::http::{Encoding, Scraper};
use crate::program::{Program, guarded};

pub(super) struct PostgresExporter {
    program: Program,
    scraper: Scraper,
    page_bytes: u64,
}

impl PostgresExporter {
    pub(super) fn start(queries: Queries, place: Place<'_>) -> Result<Self> {
        let name = format!("postgres-exporter-{queries:?}-{}.yaml", place.port);
        let file = place.folder.join(name);
        // JSON is YAML.
        fs::write(&file, configuration(&queries.statements()).to_string())?;
        let url = format!("{}{}", place.url("postgres"), queries.options());
        let mut command = guarded("prometheus-postgres-exporter");
        command.env("DATA_SOURCE_NAME", url);
        command.args(["--disable-default-metrics", "--disable-settings-metrics"]);
        command.args(["--no-collector.database", "--no-collector.bgwriter"]);
        command.arg("--extend.query-path").arg(&file);
        let program = Program::start(command, place.folder, |command, address| {
            command.arg(format!("--web.listen-address={address}"));
        })?;
        Ok(Self {
            scraper: Scraper::connect(program.address)?,
            program,
            page_bytes: 0,
        })
    }
}

impl Contestant for PostgresExporter {
    fn run(&mut self) -> Result<Duration> {
        self.scraper.awake("/")?;
        let started = Instant::now();
        let body = self.scraper.get("/metrics", Encoding::Gzip)?;
        let took = started.elapsed();
        self.page_bytes = body.wire_bytes();
        Ok(took)
    }

    fn answer(&mut self) -> Result<Option<Answer>> {
        self.scraper.awake("/")?;
        let page = self.scraper.get("/metrics", Encoding::Gzip)?.text()?;
        Ok(Some(Answer::of_their_page(&page)))
    }

    fn process_id(&self) -> u32 {
        self.program.id()
    }

    fn page_bytes(&self) -> Option<u64> {
        Some(self.page_bytes)
    }

    fn log(&self) -> String {
        self.program.said()
    }
}

fn configuration(statements: &[Statement]) -> Value {
    let metric = |name: &str, usage: &str| json!({name: {"usage": usage, "description": name}});
    let of = |statement: &Statement| {
        let labels = statement.labels.iter().map(|it| metric(it, "LABEL"));
        let metrics: Vec<Value> = labels.chain([metric("count", "GAUGE")]).collect();
        (
            statement.name.clone(),
            json!({"query": statement.sql, "metrics": metrics}),
        )
    };
    statements.iter().map(of).collect()
}
