//! What is counted, and the line in the end.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::World;
use crate::harness::http;

/// How many wrong answers are shown: the first tell what is wrong.
const SHOWN: u64 = 20;

/// Counts of everything.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    compared: AtomicU64,
    stale: AtomicU64,
    down: AtomicU64,
    hung_up: AtomicU64,
    faults: AtomicU64,
    wrong: AtomicU64,
}

fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed)
}

impl Tally {
    pub(crate) fn compared(&self) {
        count(&self.compared);
    }

    pub(crate) fn stale(&self) {
        count(&self.stale);
    }

    pub(crate) fn down(&self) {
        count(&self.down);
    }

    pub(crate) fn hung_up(&self) {
        count(&self.hung_up);
    }

    pub(crate) fn fault(&self) {
        count(&self.faults);
    }

    pub(crate) fn wrong(&self, what: &str) {
        if count(&self.wrong) < SHOWN {
            eprintln!("wrong: {what}");
        }
    }

    pub(crate) fn outcome(&self, before: Standing, after: Standing) -> Outcome {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Outcome {
            compared: read(&self.compared),
            stale: read(&self.stale),
            down: read(&self.down),
            hung_up: read(&self.hung_up),
            faults: read(&self.faults),
            wrong: read(&self.wrong),
            peak_kib: after.peak_kib,
            leaked: after.descriptors - before.descriptors,
        }
    }
}

/// How long connections may take to close after the last fault. What is still open then, leaked.
const CLOSING: Duration = Duration::from_secs(60);

/// How the program stands while nothing is asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Open descriptors that are not connections to the database.
    descriptors: i64,
    peak_kib: u64,
}

/// Looks at the program until it has no more descriptors open than `before`, or until
/// [`CLOSING`] is over.
pub(crate) async fn standing_after(world: &World, before: Standing) -> Standing {
    let deadline = Instant::now() + CLOSING;
    loop {
        let after = standing(world).await;
        if after.descriptors <= before.descriptors || Instant::now() > deadline {
            return after;
        }
    }
}

/// Waits until the number of open descriptors has not changed for a second, and looks at the
/// program.
pub(crate) async fn standing(world: &World) -> Standing {
    let client = world.admin().await;
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'",
        world.role
    );
    let mut seen = Vec::new();
    // Cancelling takes up to five seconds where nobody answers.
    for _ in 0..100 {
        http::get(world.program.address, "/metrics", &[])
            .await
            .expect("it answers");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let sessions: i64 = client.query_one(&sessions, &[]).await.unwrap().get(0);
        let files = fs::read_dir(format!("/proc/{}/fd", world.program.id())).unwrap();
        seen.push(files.count() as i64 - sessions);
        let last = seen.last_chunk::<10>();
        if last.is_some_and(|last| last.iter().all(|it| *it == last[0])) {
            break;
        }
    }
    let status = fs::read_to_string(format!("/proc/{}/status", world.program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|it| it.split_whitespace().next()?.parse().ok());
    Standing {
        descriptors: *seen.last().expect("one look"),
        peak_kib: peak.expect("a peak"),
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    compared: u64,
    stale: u64,
    down: u64,
    hung_up: u64,
    faults: u64,
    wrong: u64,
    peak_kib: u64,
    leaked: i64,
}

impl Outcome {
    /// No wrong answer, no leak, and something to go by.
    pub(crate) fn is_good(&self) -> bool {
        self.wrong == 0 && self.leaked <= 0 && self.compared > 0 && self.faults > 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            compared,
            stale,
            down,
            hung_up,
            faults,
            wrong,
            peak_kib,
            leaked,
        } = self;
        let collections = compared + stale + down;
        let peak = *peak_kib as f64 / 1024.0;
        write!(
            f,
            "{collections} passes ({compared} compared, {down} down, {stale} shared with an earlier \
             one), {hung_up} scrapers hung up, {faults} faults, {wrong} wrong answers, peak \
             memory {peak:.1} MiB, {leaked} leaked descriptors"
        )
    }
}
