//! The exporter for as long as one likes, with a fleet that changes, a database that breaks and
//! scrapers that hang up, and every answer compared with the truth: `scripts/soak [SECONDS]`.
//!
//! [`life`] changes the rows, [`breakage`] breaks what the exporter stands on, [`scrapers`] ask
//! and compare, [`truth`] is what the answer must have been.
//!
//! The comparison is exact. A page says of which moment it is; while somebody compares, nothing
//! changes, and the database works out by itself what is true of that moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for whoever watches, that ends where something unforeseen happens"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the harness is that of tests that use other parts of it"
)]
#[path = "../it/harness/mod.rs"]
mod harness;

mod breakage;
mod life;
mod scrapers;
mod tally;
mod truth;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use coder_agent_exporter::demo::cluster::SUPERUSER;
use harness::proxy::Proxy;
use harness::{Coder, Program, agent, prepared, workspace};
use tally::Tally;

const AGENTS: u32 = 200;

/// What all parts share.
struct World {
    program: Program,
    proxy: Proxy,
    /// Where the superuser finds the database, past the proxy.
    admin_url: String,
    role: String,
    /// Held by who changes rows, and by who compares.
    gate: Mutex<()>,
    /// When the rows last changed, in microseconds by the database's clock.
    last_change: AtomicI64,
    is_over: AtomicBool,
    tally: Tally,
}

impl World {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// A superuser's session, as soon as there is one to be had.
    async fn admin(&self) -> Client {
        for _ in 0..3000 {
            if let Ok((client, connection)) = tokio_postgres::connect(&self.admin_url, NoTls).await
            {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the database has not come back for half a minute");
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // A test runner that looks for tests in here, and whoever runs them all, find none.
    let Some(seconds) = arguments.iter().find_map(|it| it.parse().ok()) else {
        return ExitCode::SUCCESS;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = runtime.block_on(soak(Duration::from_secs(seconds)));
    println!("soak: {seconds} s: {outcome}");
    if outcome.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn soak(time: Duration) -> tally::Outcome {
    let coder = Coder::on(prepared()).await;
    settle(&coder).await;
    let proxy = Proxy::to(&coder).await;
    let url = format!("--postgres.url={}", proxy.url(&coder));
    let world = Arc::new(World {
        program: Program::serve(&[&url, "--collect.timeout=3s"]).await,
        proxy,
        admin_url: coder.cluster().url(SUPERUSER, &coder.database),
        role: coder.role.clone(),
        gate: Mutex::new(()),
        last_change: AtomicI64::new(0),
        is_over: AtomicBool::new(false),
        tally: Tally::default(),
    });
    scrapers::check_that_a_lie_is_noticed(&world).await;
    let before = tally::standing(&world).await;
    let tasks = [
        tokio::spawn(life::change(world.clone())),
        tokio::spawn(scrapers::compare(world.clone())),
        tokio::spawn(scrapers::hang_up(world.clone())),
    ];
    let breakage = tokio::spawn(breakage::run(world.clone(), coder));
    tokio::time::sleep(time).await;
    world.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    // The server is there until its owner goes.
    let _coder = breakage.await.unwrap();
    scrapers::compare_once(&world, scrapers::Expect::Whole).await;
    let after = tally::standing_after(&world, before).await;
    world.tally.outcome(before, after)
}

/// Some hundred agents in a few organizations, and apps that can be slowed down.
async fn settle(coder: &Coder) {
    coder.add_many(1, AGENTS, 2).await;
    for (organization, template) in [("acme", "gpu"), ("labs", "docker"), ("labs", "gpu")] {
        for number in 0..10 {
            let home = workspace(&format!("{organization} {template} {number}"))
                .organization(organization)
                .template(template);
            let main = agent("main").app("healthy").app("unhealthy");
            coder.add(home.agent(main.sub(agent("dev")))).await;
        }
    }
    coder.paced("workspace_apps").await;
    coder.sql("CHECKPOINT").await;
}
