//! Tests of single flight, deadlines and history, on a paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::fleet::fixtures::{agent, fleet_of};
use crate::fleet::stats::collection::{CollectorReport, Outcome};
use crate::incident::model::IncidentSettings;

use super::state::WATCHED;
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A fake database that takes some time for each collection and counts collections.
#[derive(Clone)]
struct SlowDatabase {
    takes: Duration,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    running: AtomicUsize,
    ended: AtomicUsize,
}

/// Decrements the number of running collections when a collection ends or is dropped.
struct Running(Arc<Counts>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SlowDatabase {
    fn that_takes(takes: Duration) -> Self {
        let counts = Arc::default();
        Self { takes, counts }
    }

    fn begun(&self) -> usize {
        self.counts.begun.load(Ordering::Relaxed)
    }

    fn running(&self) -> usize {
        self.counts.running.load(Ordering::Relaxed)
    }

    fn ended(&self) -> usize {
        self.counts.ended.load(Ordering::Relaxed)
    }
}

impl CollectionSource for SlowDatabase {
    async fn collection(
        &self,
        wanted: CollectionRequest<'_>,
        deadline: Instant,
    ) -> CollectionResult {
        self.counts.begun.fetch_add(1, Ordering::Relaxed);
        self.counts.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(self.counts.clone());
        if timeout_at(deadline, sleep(self.takes)).await.is_err() {
            let failure = Failure::new(ErrorKind::Timeout, "too slow");
            return CollectionResult::failed(failure, wanted.collectors.iter().copied());
        }
        self.counts.ended.fetch_add(1, Ordering::Relaxed);
        let reports = wanted.collectors.iter().map(|&collector| CollectorReport {
            collector,
            outcome: Outcome::Loaded {
                duration: self.takes,
                rows: 1,
            },
        });
        CollectionResult {
            fleet: Ok(fleet_of(vec![agent()])),
            reports: reports.collect(),
            clock_skew_seconds: Some(0.0),
        }
    }
}

fn collect_from(source: &SlowDatabase, min_interval: Duration) -> Collect<SlowDatabase> {
    let settings = CollectSettings {
        collectors: vec![Collector::Agents, Collector::Apps],
        limits: Limits::default(),
        named_apps: false,
        metadata_keys: Vec::new(),
        incidents: IncidentSettings::default(),
        min_interval,
    };
    Collect::new(source.clone(), settings)
}

fn ask(collect: &Collect<SlowDatabase>, patience: Duration) -> JoinHandle<Arc<CollectionResult>> {
    let collect = collect.clone();
    let deadline = Instant::now() + patience;
    tokio::spawn(async move { collect.collection(deadline).await })
}

fn kind(collection: &CollectionResult) -> Option<ErrorKind> {
    collection.fleet.as_ref().err().map(|it| it.kind)
}

#[tokio::test(start_paused = true)]
async fn requests_at_the_same_time_share_one_collection() {
    let source = SlowDatabase::that_takes(SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let requests: Vec<_> = (0..100).map(|_| ask(&collect, 10 * SECOND)).collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    assert_eq!(source.begun(), 1);
    assert!(answers.iter().all(|it| Arc::ptr_eq(it, &answers[0])));
}

/// Some of them come while a collection runs, when they are through with the answer before.
#[tokio::test(start_paused = true)]
async fn clients_that_ask_again_at_once_wait_for_one_collection_at_most() {
    const ROUNDS: u64 = 50;
    let source = SlowDatabase::that_takes(SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let client = |number: u64| {
        let collect = collect.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            for round in 0..ROUNDS {
                let asked = Instant::now();
                collect.collection(asked + 10 * SECOND).await;
                waits.push(asked.elapsed());
                sleep(Duration::from_millis(number * 7 + round % 3 * 20)).await;
            }
            waits
        })
    };
    let clients: Vec<_> = (0..8).map(client).collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.append(&mut client.await.unwrap());
    }
    waits.sort();
    let longest = waits[waits.len() - 1];
    assert_eq!(longest, SECOND);
    assert!(longest < 2 * waits[waits.len() / 2]);
    let begun = source.begun() as u64;
    assert!((ROUNDS..ROUNDS + 3).contains(&begun), "{begun}");
}

#[tokio::test(start_paused = true)]
async fn collection_is_served_again_only_while_it_is_younger_than_the_interval() {
    let source = SlowDatabase::that_takes(SECOND);
    let collect = collect_from(&source, 5 * SECOND);
    ask(&collect, 10 * SECOND).await.unwrap();
    sleep(5 * SECOND - Duration::from_millis(1)).await;
    ask(&collect, 10 * SECOND).await.unwrap();
    assert_eq!(source.begun(), 1);
    sleep(Duration::from_millis(1)).await;
    ask(&collect, 10 * SECOND).await.unwrap();
    assert_eq!(source.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn failure_is_not_served_again() {
    let source = SlowDatabase::that_takes(20 * SECOND);
    let collect = collect_from(&source, 60 * SECOND);
    for expected in 1..=3 {
        let answer = ask(&collect, SECOND).await.unwrap();
        assert_eq!(kind(&answer), Some(ErrorKind::Timeout));
        assert_eq!(source.begun(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn collection_ends_when_the_last_request_goes() {
    let source = SlowDatabase::that_takes(10 * SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let (first, second) = (ask(&collect, 60 * SECOND), ask(&collect, 60 * SECOND));
    sleep(SECOND).await;
    first.abort();
    sleep(SECOND).await;
    assert_eq!(source.running(), 1);
    second.abort();
    sleep(SECOND).await;
    assert_eq!((source.running(), source.ended()), (0, 0));
    // The next request is not held up by the one that was dropped.
    ask(&collect, 60 * SECOND).await.unwrap();
    assert_eq!((source.begun(), source.ended()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn request_with_less_time_leaves_at_its_own_deadline() {
    let source = SlowDatabase::that_takes(8 * SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let began = Instant::now();
    let patient = ask(&collect, 30 * SECOND);
    sleep(SECOND).await;
    let hurried = ask(&collect, 2 * SECOND).await.unwrap();
    assert_eq!(kind(&hurried), Some(ErrorKind::Timeout));
    assert_eq!(began.elapsed(), 3 * SECOND + GRACE);
    let counted: u64 = collect.errors().iter().map(|(_, it)| it.total).sum();
    assert_eq!(counted, 1);
    assert_eq!(kind(&patient.await.unwrap()), None);
    assert_eq!(source.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn request_with_more_time_collects_once_more_after_the_first_ran_out() {
    let source = SlowDatabase::that_takes(4 * SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let hurried = ask(&collect, 2 * SECOND);
    sleep(SECOND).await;
    let patient = ask(&collect, 20 * SECOND);
    assert_eq!(kind(&hurried.await.unwrap()), Some(ErrorKind::Timeout));
    assert_eq!(kind(&patient.await.unwrap()), None);
    assert_eq!(source.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn some_of_the_collectors_are_not_served_for_all_of_them() {
    let source = SlowDatabase::that_takes(SECOND);
    let collect = collect_from(&source, 60 * SECOND);
    let deadline = Instant::now() + 10 * SECOND;
    let some = collect.collection_of(&[Collector::Apps], deadline).await;
    assert_eq!(some.reports.len(), 1);
    let all = collect.collection(deadline).await;
    assert_eq!(all.reports.len(), 2);
    assert_eq!(source.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn open_page_keeps_the_last_collection_for_a_minute() {
    let source = SlowDatabase::that_takes(SECOND);
    let collect = collect_from(&source, Duration::ZERO);
    let look = async |max_age| collect.recent(max_age, Instant::now() + 10 * SECOND).await;
    look(5 * SECOND).await;
    look(5 * SECOND).await;
    assert_eq!(source.begun(), 1);
    // A scrape wants a new one, and the page then has that.
    ask(&collect, 10 * SECOND).await.unwrap();
    look(5 * SECOND).await;
    assert_eq!(source.begun(), 2);
    // No page has asked for a minute: the next collection is not kept.
    sleep(WATCHED).await;
    ask(&collect, 10 * SECOND).await.unwrap();
    assert!(collect.state.lock().latest.is_none());
}
