//! How often the analysis of incidents finds a cause that was put into a made-up fleet, and how
//! often it sees one where there is none.
//!
//! [`fleets`] makes the fleets, [`causes`] breaks them, [`calm`] lets unbroken ones live for some
//! days, [`clear`] knows the right answers, [`tally`] counts them, [`why`] prints one fleet in full. `scripts/incidents` runs all of it, optimized, and prints the
//! table; every test run does a tenth, and holds it to [`limits`].

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for whoever watches, that ends where something unforeseen happens"
)]

mod calm;
mod causes;
mod clear;
mod fleets;
mod limits;
mod speed;
mod tally;
mod why;

// The exporter's source, not its library: so it is optimized together with this program, and only
// what is used of it, in a fraction of the time.
#[allow(dead_code, unreachable_pub, reason = "used in part")]
#[path = "../../src/chance.rs"]
mod chance;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/error.rs"]
mod error;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/fleet/mod.rs"]
mod fleet;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/incident/mod.rs"]
mod incident;

use std::process::ExitCode;

use calm::CalmDays;
use causes::{Case, PARTLY};
use tally::Table;

/// Its name for the test runner.
const TEST: &str = "tenth_of_the_laboratory_holds_the_figures";

/// How much is done.
struct Extent {
    fleets: u64,
    /// Fleets beside them with two causes that hit some of their agents.
    partly: u64,
    largest_fleet: f64,
    /// Agents, and days.
    calm: [(usize, u64); 3],
}

const WHOLE: Extent = Extent {
    fleets: 2400,
    partly: 240,
    largest_fleet: 20_000.0,
    calm: [(30, 100), (300, 100), (3000, 100)],
};

/// Not optimized, it takes some seconds.
const TENTH: Extent = Extent {
    fleets: 240,
    partly: 24,
    largest_fleet: 4000.0,
    calm: [(30, 14), (300, 3), (3000, 1)],
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|it| it == word);
    if has("--list") {
        if !has("--ignored") {
            println!("{TEST}: test");
        }
        return ExitCode::SUCCESS;
    }
    if has("speed") {
        speed::print();
        return ExitCode::SUCCESS;
    }
    if has("seed") {
        let seeds = arguments.iter().filter_map(|it| it.parse().ok());
        seeds.for_each(|it| why::print(it, WHOLE.largest_fleet));
        return ExitCode::SUCCESS;
    }
    let (extent, limits) = match has("whole") {
        true => (WHOLE, limits::WHOLE),
        false => (TENTH, limits::TENTH),
    };
    let table = broken_fleets(&extent);
    println!("{table}");
    let calm: Vec<CalmDays> = extent
        .calm
        .iter()
        .map(|&(size, days)| CalmDays::of(size, days))
        .collect();
    calm.iter().for_each(|it| println!("{it}"));
    let complaints = limits.compare(&table, &calm);
    complaints.iter().for_each(|it| println!("{it}"));
    match complaints.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Every cause in its turn, each in a fleet of its own.
fn broken_fleets(extent: &Extent) -> Table {
    let mut table = Table::default();
    let partly = (PARTLY + 1)..=(PARTLY + extent.partly);
    for seed in (1..=extent.fleets).chain(partly) {
        if let Some((cause, case)) = Case::of_seed(seed, extent.largest_fleet) {
            table.judge(cause, &case, seed);
        }
    }
    table
}
