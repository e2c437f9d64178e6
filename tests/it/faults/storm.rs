//! Single flight under fire (`docs/spec/collection.md`): scrapers that come in crowds, give up and
//! hang up.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::harness::Chance;
use crate::harness::exposition::{Format, Page};
use crate::harness::statements::logging_coder;
use crate::harness::*;

const STORM: Duration = Duration::from_secs(60);

/// Fifty scrapes a second.
const PAUSE: Duration = Duration::from_millis(20);

const AGENTS: u32 = 400;

/// How the program stands when nothing is going on.
#[derive(Debug)]
struct Calm {
    /// Of the fastest: what else the machine does slows some, and never all.
    fastest: Duration,
    /// Descriptors that are not connections to the database.
    descriptors: i64,
    sessions: i64,
}

async fn scrape(program: &Program) -> Page {
    let response = http::get(program.address, "/metrics", &[]).await.unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
    Page::read(Format::Text, &response.body).unwrap_or_else(|error| panic!("{error}"))
}

async fn calm(program: &Program, coder: &Coder) -> Calm {
    let mut took = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        let page = scrape(program).await;
        took.push(started.elapsed());
        page.assert_every_collector_loaded();
        assert_eq!(page.value("coder_agents", &[]), f64::from(AGENTS));
    }
    let sessions = coder.sessions("%").await;
    // Those of requests that were answered close soon after, and one by one.
    let mut descriptors = i64::MAX;
    for _ in 0..20 {
        descriptors = descriptors.min(descriptors_of(program, coder).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Calm {
        fastest: took.into_iter().min().unwrap(),
        descriptors,
        sessions,
    }
}

async fn descriptors_of(program: &Program, coder: &Coder) -> i64 {
    open_files(&format!("/proc/{}/fd", program.id())) - coder.sessions("%").await
}

fn open_files(folder: &str) -> i64 {
    fs::read_dir(folder).unwrap().count() as i64
}

/// A scraper that hangs up after a while, or waits for its answer when it comes first.
async fn impatient(address: std::net::SocketAddr, patience: Duration, header: String) -> bool {
    let headers = [("X-Prometheus-Scrape-Timeout-Seconds", header.as_str())];
    let get = http::get(address, "/metrics", &headers);
    match tokio::time::timeout(patience, get).await {
        Ok(Ok(response)) => {
            // 503 is more at once than --web.max-requests.
            assert!([200, 503].contains(&response.status), "{}", response.body);
            if response.status == 200 {
                Page::read(Format::Text, &response.body).unwrap_or_else(|error| panic!("{error}"));
            }
            true
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn minute_of_scrapers_that_hang_up_leaves_nothing_behind() {
    let coder = Coder::new().await;
    coder.add_many(1, AGENTS, 2).await;
    coder.paced("workspace_apps").await;
    let url = format!("--postgres.url={}", coder.url());
    let program = Program::serve(&[&url]).await;
    let before = calm(&program, &coder).await;

    let mut chance = Chance::new(2);
    let (mut scrapers, mut sent, mut most) = (JoinSet::new(), 0, 0);
    let started = Instant::now();
    let mut ticks = tokio::time::interval(PAUSE);
    while started.elapsed() < STORM {
        ticks.tick().await;
        if sent % 100 == 0 {
            let pace = chance.pick(&[0.0, 0.0, 0.05, 0.3, 3.0]);
            coder.pace(pace).await;
        }
        if sent % 10 == 0 {
            most = most.max(coder.sessions("%").await);
        }
        let patience = Duration::from_millis(chance.below(400) * chance.below(4));
        let header = chance.pick(&["0.7", "1", "2", "10"]).to_owned();
        scrapers.spawn(impatient(program.address, patience, header));
        sent += 1;
    }
    let answered = scrapers
        .join_all()
        .await
        .into_iter()
        .filter(|it| *it)
        .count();
    coder.pace(0.0).await;
    println!("{sent} scrapes, {answered} answered, at most {most} sessions seen");
    assert!(
        answered > 100 && sent - answered > 100,
        "{answered} of {sent}"
    );
    assert!(most <= 5, "the role allows no more");

    let none_active = async || coder.sessions("active").await == 0;
    eventually("nothing of ours is active", none_active).await;
    let one_clean_scrape = scrape(&program).await;
    one_clean_scrape.assert_every_collector_loaded();
    let within_limit = async || coder.sessions("%").await <= 2;
    eventually("what was cancelled has gone", within_limit).await;
    let after = calm(&program, &coder).await;
    println!("before {before:?}, after {after:?}");
    assert!((1..=2).contains(&after.sessions), "{after:?}");
    assert_eq!(
        after.descriptors, before.descriptors,
        "{before:?} {after:?}"
    );
    let limit = 5 * before.fastest + Duration::from_millis(100);
    assert!(after.fastest < limit, "{before:?} {after:?}");
}

#[tokio::test]
async fn hundred_scrapes_of_one_collection_are_one_collection_on_the_server() {
    let coder = logging_coder().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder.slow("workspace_apps", 2.0).await;
    let exporter = coder.exporter_with(|it| it.web.max_requests = 200).await;
    let first = exporter.scrape_within(30.0);
    let others = async {
        eventually("the first is under way", async || {
            coder.is_waited_for().await
        })
        .await;
        join_all((0..99).map(|_| exporter.scrape_within(30.0))).await
    };
    let (first, others) = tokio::join!(first, others);
    let moment = "coder_exporter_snapshot_timestamp_seconds";
    for page in &others {
        page.assert_every_collector_loaded();
        assert_eq!(page.value(moment, &[]), first.value(moment, &[]));
    }
    let log = fs::read_to_string(coder.cluster().folder().join("log")).unwrap();
    let begun = "[coder-agent-exporter] LOG:  statement: BEGIN";
    assert_eq!(log.matches(begun).count(), 1);
}

#[tokio::test]
async fn collection_ends_on_the_server_with_the_last_of_those_who_wait_and_not_before() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder.slow("workspace_agents", 60.0).await;
    let exporter = coder.exporter().await;
    let patient = [("X-Prometheus-Scrape-Timeout-Seconds", "50")];
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = http::send(exporter.address, "/metrics", &patient).await;
        clients.push(client.unwrap());
    }
    eventually("it reads the agents", async || coder.is_waited_for().await).await;
    let mut chance = Chance::new(3);
    while clients.len() > 1 {
        let next = chance.below(clients.len() as u64) as usize;
        drop(clients.swap_remove(next));
        tokio::time::sleep(Duration::from_millis(chance.below(30))).await;
        assert!(coder.is_waited_for().await, "{} still wait", clients.len());
    }
    let started = Instant::now();
    drop(clients);
    let none_active = async || coder.sessions("active").await == 0;
    eventually("nothing of ours is active", none_active).await;
    // Uncancelled it would take what is left of 50 s.
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}
