//! The exporter itself, as a process, scraped over a connection that is kept.

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Contestant, Place};
use crate::answer::Answer;
use crate::http::{Encoding, Scraper};
use crate::program::{Program, guarded};
use crate::server::ROLE;

/// The program that was built for the benchmark, which is linked to glibc.
const BUILT: &str = env!("CARGO_BIN_EXE_coder-agent-exporter");

/// The program that is shipped, where it is given.
pub(crate) fn shipped() -> Option<String> {
    env::var("EXPORTER").ok().filter(|it| !it.is_empty())
}

/// The program that runs.
pub(crate) fn binary() -> String {
    shipped().unwrap_or_else(|| BUILT.to_owned())
}

pub(super) struct Ours {
    program: Program,
    scraper: Scraper,
    path: String,
    /// Whether a round is a scrape of a collection that was scraped just before.
    is_young: bool,
    page_bytes: u64,
}

impl Ours {
    pub(super) fn start(place: Place<'_>, query: &str, min_interval: &str) -> Result<Self> {
        let url = place.url(ROLE);
        let program = exporter(
            &url,
            &[("--collect.min-interval", min_interval)],
            place.folder,
        )?;
        Ok(Self {
            scraper: Scraper::connect(program.address)?,
            program,
            path: format!("/metrics{query}"),
            is_young: min_interval != "0s",
            page_bytes: 0,
        })
    }
}

impl Contestant for Ours {
    fn run(&mut self) -> Result<Duration> {
        self.scraper.awake("/-/healthy")?;
        if self.is_young {
            // What workspaces are used for is read once a minute; the first scrape after that
            // writes the page anew.
            self.scraper.get(&self.path, Encoding::Gzip)?;
        }
        let started = Instant::now();
        let body = self.scraper.get(&self.path, Encoding::Gzip)?;
        let took = started.elapsed();
        self.page_bytes = body.wire_bytes();
        Ok(took)
    }

    fn answer(&mut self) -> Result<Option<Answer>> {
        self.scraper.awake("/-/healthy")?;
        let page = self.scraper.get(&self.path, Encoding::Gzip)?.text()?;
        Ok(Some(Answer::of_our_page(&page)))
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

/// The exporter with these settings, once it listens.
pub(crate) fn exporter(url: &str, settings: &[(&str, &str)], folder: &Path) -> Result<Program> {
    let mut command = guarded(&binary());
    // Nothing that whoever runs this has set is a setting of it.
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .arg("serve");
    command.arg(format!("--postgres.url={url}"));
    for (flag, value) in settings {
        command.arg(format!("{flag}={value}"));
    }
    Program::start(command, folder, |command, address| {
        command.arg(format!("--web.listen-address={address}"));
    })
}
