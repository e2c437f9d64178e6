//! The exporter beside others who answer the same questions of the same database
//! (`docs/spec/performance.md`): `scripts/bench [--quick] [--growth]`.
//!
//! [`shapes`] makes the fleets, [`contestants`] are who runs, [`race`] compares their answers
//! and times them in turn, [`report`] says what came of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for whoever watches, that ends where something unforeseen happens"
)]

mod answer;
mod chart;
mod contestants;
mod growth;
mod http;
mod options;
mod phases;
mod process;
mod program;
mod psql;
mod race;
mod relay;
mod report;
mod server;
mod shapes;
mod startup;
mod statistics;
mod table;
mod targets;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use contestants::{Kind, Place};
use options::Options;
use race::race;
use relay::{Relay, Sort};
use report::Findings;
use server::Server;
use shapes::Shape;

/// Half of the round trip that some contestants are given.
const ONE_WAY: Duration = Duration::from_millis(1);
/// A machine that is busier than this is no place to measure.
const MOST_LOAD: f64 = 0.5;

fn main() -> ExitCode {
    let options = match options::read(std::env::args()) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            return ExitCode::from(64);
        }
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error how far it is.
fn progress(message: &str) {
    eprintln!("bench: {message}");
}

fn measure(options: &Options) -> Result<()> {
    let output = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    // Kept where something fails: it has what everybody said.
    let folder = output.join(format!("work-{}", std::process::id()));
    fs::create_dir_all(&folder).context("make a folder for logs")?;
    let load = process::load_average();
    if load > MOST_LOAD {
        progress(&format!(
            "the machine is busy (load {load}): figures will be worth less"
        ));
    }
    let server = Server::start()?;
    shapes::fill(&server, &[&*options.shapes, &*options.further].concat())?;
    let slow = Relay::start(Sort::Delaying(ONE_WAY), server.port())?;
    let place = |shape| Place {
        shape,
        port: server.port(),
        slow_port: slow.port,
        folder: &folder,
    };
    let mut findings = Findings::new(load, server.version()?, options.rounds);
    let small = options
        .shapes
        .first()
        .copied()
        .unwrap_or(Shape::TEN_THOUSAND);
    for shape in &options.shapes {
        let race = race(&server, place(*shape), &Kind::all(), options.rounds)?;
        let wire = race.outcome(Kind::Ours).and_then(|it| it.wire.as_ref());
        let first_row = wire.and_then(|it| it.first_row);
        let phases = phases::phases(place(*shape), options.rounds, first_row)?;
        println!("{}", report::race(&race));
        println!("{}", report::phases(*shape, &phases));
        findings.phases.push((*shape, phases));
        findings.races.push(race);
    }
    for shape in &options.further {
        let race = race(&server, place(*shape), &Kind::for_growth(), options.rounds)?;
        println!("{}", report::race(&race));
        findings.races.push(race);
    }
    progress("starting again and again");
    let startup = startup::startup(place(small), options.rounds)?;
    println!("{}", report::startup(small, &startup));
    findings.startup = Some(startup);
    if !options.further.is_empty() {
        println!(
            "{}",
            growth::report(&findings.races, &output.join("growth.svg"))?
        );
    }
    println!("{}", report::targets(&findings.races));
    let _ = fs::remove_dir_all(&folder);
    save(&output.join("side_by_side.json"), &findings)
}

fn save(path: &PathBuf, findings: &Findings) -> Result<()> {
    let text = serde_json::to_string_pretty(&findings.json())?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    progress(&format!("all of it is in {}", path.display()));
    Ok(())
}
