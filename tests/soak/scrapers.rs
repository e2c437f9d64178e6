//! Those who ask: one who compares, and a crowd that hangs up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::World;
use crate::harness::Chance;
use crate::harness::exposition::{Format, Page};
use crate::harness::{LATE_ON_A_BUSY_MACHINE, http};
use crate::truth::Truth;

const MOMENT: &str = "coder_exporter_snapshot_timestamp_seconds";

/// What a page must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Something may be broken.
    Anything,
    /// Nothing is broken any more.
    Whole,
}

/// Asks and compares until it is over.
pub(crate) async fn compare(world: Arc<World>) {
    let mut chance = Chance::new(12);
    while world.goes_on() {
        compare_once(&world, Expect::Anything).await;
        tokio::time::sleep(Duration::from_millis(5 + chance.below(60))).await;
    }
}

/// Asks once and compares, while nothing changes.
pub(crate) async fn compare_once(world: &World, expect: Expect) {
    let _gate = world.gate.lock().await;
    let Some(page) = scrape(world, 2.0).await else {
        return;
    };
    let collectors = page.samples("coder_exporter_collector_success", &[]);
    let all_loaded = collectors.map(|it| it.value).all(|it| it == 1.0);
    if expect == Expect::Whole && !all_loaded {
        world
            .tally
            .wrong("nothing is broken any more, and yet it is down");
    }
    let Some(moment) = page.get(MOMENT, &[]) else {
        let has_fleet = ["coder_agents", "coder_apps", "coder_workspaces"];
        if has_fleet.iter().any(|family| page.has(family)) {
            world
                .tally
                .wrong("a page without a moment says something of the fleet");
        }
        return world.tally.down();
    };
    let micros = (moment * 1e6).round() as i64;
    if micros <= world.last_change.load(Ordering::SeqCst) {
        // It joined a collection that began before the gate was shut.
        return world.tally.stale();
    }
    for difference in truth(world, micros).await.differences(&page) {
        world.tally.wrong(&difference);
    }
    world.tally.compared();
}

/// The comparison must be able to fail, or it is none.
pub(crate) async fn check_that_a_lie_is_noticed(world: &World) {
    let page = scrape(world, 10.0).await.expect("a page");
    let micros = (page.value(MOMENT, &[]) * 1e6).round() as i64;
    let truth = truth(world, micros).await;
    assert_eq!(truth.differences(&page), Vec::<String>::new());
    let differences = truth.with_a_lie().differences(&page);
    assert_eq!(differences.len(), 1, "one agent too many goes unnoticed");
}

async fn truth(world: &World, micros: i64) -> Truth {
    loop {
        let client = world.admin().await;
        match Truth::of(&client, micros).await {
            Ok(truth) => return truth,
            // It went away in the middle: it is asked again when it is back.
            Err(error) if error.code().is_none_or(|it| it.code().starts_with("57")) => {}
            Err(error) => panic!("the database cannot be asked for the truth: {error:?}"),
        }
    }
}

/// A page, when there is one; one that is broken or late is a wrong answer.
async fn scrape(world: &World, seconds: f64) -> Option<Page> {
    let started = Instant::now();
    let header = seconds.to_string();
    let headers = [("X-Prometheus-Scrape-Timeout-Seconds", header.as_str())];
    let response = http::get(world.program.address, "/metrics", &headers).await;
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            world.tally.wrong(&format!("no answer: {error}"));
            return None;
        }
    };
    if started.elapsed() > Duration::from_secs_f64(seconds) + LATE_ON_A_BUSY_MACHINE {
        world
            .tally
            .wrong(&format!("an answer after {:?}", started.elapsed()));
    }
    match (response.status, Page::read(Format::Text, &response.body)) {
        (200, Ok(page)) => Some(page),
        (200, Err(error)) => {
            world.tally.wrong(&format!("a broken page: {error}"));
            None
        }
        (status, _) => {
            world.tally.wrong(&format!("status {status}"));
            None
        }
    }
}

/// Twenty scrapes a second by those who lose their patience.
pub(crate) async fn hang_up(world: Arc<World>) {
    let mut chance = Chance::new(13);
    let mut scrapers = JoinSet::new();
    while world.goes_on() {
        let patience = Duration::from_millis(chance.below(500) * chance.below(5));
        let seconds = chance.pick(&[0.6, 1.0, 2.0, 5.0]);
        let shared = world.clone();
        scrapers.spawn(async move {
            let scrape = scrape(&shared, seconds);
            if tokio::time::timeout(patience, scrape).await.is_err() {
                shared.tally.hung_up();
            }
        });
        while scrapers.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scrapers.join_all().await;
}
