//! What a row costs: allocations, bytes and instructions of decode, classify and encode, held to
//! [`limits`]: `scripts/check-cost`.
//!
//! Nothing is timed, so a busy machine finds what an idle one finds. [`fleets`] makes fleets that
//! differ in one number only; this program, run once more under valgrind, does the exporter's own
//! work on each ([`work`]), one piece at a time on the [`scale`]; what a row costs is the
//! difference between two fleets ([`rows`]), in which all that does not grow cancels out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for whoever watches, that ends where something unforeseen happens"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the harness is that of tests that use other parts of it"
)]
#[path = "../it/harness/mod.rs"]
mod harness;

mod callgrind;
mod fleets;
mod limits;
mod rows;
mod scale;
mod work;

// The exporter's source, not its library: so it is optimized together with this program, and only
// what is used of it, in a fraction of the time.
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/chance.rs"]
mod chance;
#[path = "../../src/clock.rs"]
mod clock;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/config"]
mod config {
    pub mod pg_service;
    pub mod postgres_env;
    pub mod postgres_session;
    pub mod postgres_tls;
    pub mod postgres_url;

    mod pgpass;
    mod postgres_url_parts;
}
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/certificates.rs"]
mod certificates;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/error.rs"]
mod error;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/fleet/mod.rs"]
mod fleet;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/incident/mod.rs"]
mod incident;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/metrics/mod.rs"]
mod metrics;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/offload.rs"]
mod offload;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/postgres/mod.rs"]
mod postgres;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/resolver/mod.rs"]
mod resolver;

#[allow(dead_code, unused_imports, unreachable_pub, reason = "used in part")]
#[path = "../../src/service_level/mod.rs"]
mod service_level;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((word, urls)) if word == "work" => work::run(urls),
        Some((word, _)) if word == "check" => return check(),
        // A test runner that looks for tests in here finds none.
        _ => {}
    }
    ExitCode::SUCCESS
}

fn check() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleets = runtime.block_on(fleets::Fleets::new());
    let weights = callgrind::weigh(&fleets.urls());
    let complaints = limits::compare(&rows::rows(&weights));
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
