//! What every test stands on: a Coder database of its own, rows, an exporter, its answers.
//!
//! ```ignore
//! let coder = Coder::new().await;                               // a database, Coder's schema
//! coder.add(workspace("box").agent(agent("main"))).await;       // rows
//! let page = coder.exporter().await.scrape().await;             // as the restricted role
//! assert_eq!(page.value("coder_agents", &[("status", "connected")]), 1.0);
//! ```

pub(crate) mod alertmanager;
mod certificates;
mod coder;
pub(crate) mod coderd;
mod curl;
mod exporter;
pub(crate) mod exposition;
pub(crate) mod firewall;
pub(crate) mod fleet;
mod folder;
pub(crate) mod http;
pub(crate) mod json;
mod pgbouncer;
mod program;
pub(crate) mod prometheus;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod reports;
mod rows;
pub(crate) mod secured;
pub(crate) mod standby;
pub(crate) mod statements;
pub(crate) mod terminal;
pub(crate) mod wire;

use std::time::{Duration, Instant};

pub(crate) use coder_agent_exporter::chance::Chance;

pub(crate) use certificates::{Authority, Paper, Valid};
pub(crate) use coder::{Coder, prepared};
pub(crate) use curl::{Curled, curl};
pub(crate) use exporter::{Exporter, LATE_ON_A_BUSY_MACHINE, Settings};
pub(crate) use fleet::{Job, agent, build, literal, start, stop, waiting_agent, workspace};
pub(crate) use folder::Folder;
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use program::{BINARY, Ended, Program, program_on_any_port, run, run_program, run_with};
use proptest::prelude::ProptestConfig;

/// Lets this much time pass on tokio's clock, at once. Nothing may be under way that has a time
/// limit.
pub(crate) async fn later(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

/// Waits until `condition` holds; fails with `what` when it does not within ten seconds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How many random cases a test makes up: `usual` of them, and ten times as many where
/// `PROPTEST_CASES` is ten times proptest's own 256.
pub(crate) fn times(usual: u32) -> u32 {
    (usual * ProptestConfig::default().cases / 256).max(1)
}
