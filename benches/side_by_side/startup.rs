//! How long it takes from nothing to an answer, and how large the program is.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contestants::{Place, binary};
use crate::http::{Encoding, Scraper};
use crate::program::Program;
use crate::server::{ROLE, url};
use crate::statistics::Spread;

pub(crate) struct Startup {
    /// From exec until it takes connections.
    pub(crate) listening: Option<Spread>,
    /// From exec until the first scrape is answered, its own connection to Postgres included.
    pub(crate) scraped: Option<Spread>,
    pub(crate) binary_bytes: u64,
}

pub(crate) fn startup(place: Place<'_>, rounds: usize) -> Result<Startup> {
    let (mut listening, mut scraped) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let url = url(ROLE, place.port, &place.shape.database());
        let mut command = Command::new(binary());
        command.env_clear().arg("serve");
        command.arg(format!("--postgres.url={url}"));
        let started = Instant::now();
        let program = Program::start(command, place.folder, |command, address| {
            command.arg(format!("--web.listen-address={address}"));
        })?;
        listening.push(started.elapsed());
        Scraper::connect(program.address)?.get("/metrics", Encoding::Gzip)?;
        scraped.push(started.elapsed());
    }
    let spread = |times: &[Duration]| Spread::of(times);
    Ok(Startup {
        listening: spread(&listening),
        scraped: spread(&scraped),
        binary_bytes: fs::metadata(binary())?.len(),
    })
}
