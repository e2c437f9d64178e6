//! The exporter's own work on each fleet, piece by piece.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::config::postgres_url::PostgresUrl;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::model::startup::JobTimes;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::{CollectionResult, Collector};
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::transitions::Transitions;
use crate::incident::facts::incidents_of;
use crate::incident::model::IncidentSettings;
use crate::metrics::exposition::Format;
use crate::metrics::page::{AgentLabels, AgentSeries, Detail, ErrorCounts, Page};
use crate::postgres::database::{CollectionRequest, Database};
use crate::scale::{Allocated, weigh};
use crate::service_level::ServiceLevel;

/// The pieces, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A collection of the agents alone: read, decoded, classified.
    Agents,
    /// A collection of every collector.
    Collection,
    /// What a collection ends with: each agent judged and counted.
    Classify,
    /// An agent compared with the collection before.
    Follow,
    /// The same, and its time counted for the service level.
    ServiceLevel,
    /// The same, where nine of ten agents have just started.
    Startups,
    /// What agents with problems have in common, where one of ten has a problem.
    Incidents,
    /// A page with series of every agent.
    Every(Format),
    /// The page as it is by default: counts, and series of agents with a problem.
    Default(Format),
}

/// The formats, in an order of our own.
pub(crate) const FORMATS: [Format; 3] = [Format::Text, Format::OpenMetrics, Format::Protobuf];

impl Piece {
    pub(crate) const ALL: [Self; 13] = [
        Self::Agents,
        Self::Collection,
        Self::Classify,
        Self::Follow,
        Self::ServiceLevel,
        Self::Startups,
        Self::Incidents,
        Self::Every(FORMATS[0]),
        Self::Every(FORMATS[1]),
        Self::Every(FORMATS[2]),
        Self::Default(FORMATS[0]),
        Self::Default(FORMATS[1]),
        Self::Default(FORMATS[2]),
    ];
}

/// A deadline that valgrind keeps.
const LONG: Duration = Duration::from_secs(300);

/// Prints for each fleet and piece a line: allocations, their bytes, bytes and samples of a page.
pub(crate) fn run(urls: &[String]) {
    // One thread: what the driver does for us happens while we wait for it, and is weighed.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for url in urls {
        let url: PostgresUrl = url.parse().unwrap();
        let database = {
            let _runtime = runtime.enter();
            Database::new(&url, 1).unwrap()
        };
        // Once, so that there is a connection and the server has read its catalog.
        collection(&runtime, &database, Collector::DEFAULT);
        one_fleet(&runtime, &database);
    }
}

fn one_fleet(runtime: &Runtime, database: &Database) {
    let (_, agents) = weigh(|| collection(runtime, database, &[Collector::Agents]));
    say(agents, b"");
    let (collection, everything) = weigh(|| collection(runtime, database, Collector::DEFAULT));
    say(everything, b"");
    let snapshot = collection.fleet.as_ref().unwrap().snapshot.clone();
    let starting = starting(snapshot.clone());
    let later = later(snapshot.clone());
    let (_, classify) = weigh(|| FleetStats::of(snapshot, &Limits::default()));
    say(classify, b"");
    let fleet = collection.fleet.as_ref().unwrap();
    let mut before = Transitions::default();
    before.observe(fleet, |_| {});
    let (_, compared) = weigh(|| before.observe(&later, |_| {}));
    say(compared, b"");
    for earlier in [fleet, &starting] {
        let mut before = (ServiceLevel::default(), Transitions::default());
        follow(&mut before, earlier);
        let (_, counted) = weigh(|| follow(&mut before, &later));
        say(counted, b"");
    }
    let (found, analysis) = weigh(|| incidents_of(fleet, IncidentSettings::default()));
    assert!(!found.is_empty(), "there is nothing to look for");
    say(analysis, b"");
    let collection = Arc::new(collection);
    for agent_series in [AgentSeries::All, AgentSeries::Problems] {
        let page = Arc::new(page(collection.clone(), agent_series));
        for format in FORMATS {
            // Once before: the allocator puts in order what earlier pieces left behind.
            drop(format.write(&page).unwrap());
            let (written, allocated) = weigh(|| format.write(&page).unwrap());
            say(allocated, &written);
        }
    }
}

/// The fleet half a minute later, with the jobs that built its agents.
fn later(mut snapshot: Snapshot) -> FleetStats {
    snapshot.now = snapshot.now.after(Duration::from_secs(30));
    let agents = snapshot.agents.iter().flatten();
    let job = |agent: &Agent| JobTimes {
        created_at: agent.created_at,
        started_at: agent.created_at,
        completed_at: agent.created_at,
    };
    snapshot.startup_jobs = Some(agents.map(|it| (it.id, job(it))).collect());
    FleetStats::of(snapshot, &Limits::default())
}

/// The fleet before the start of its agents ended.
fn starting(mut snapshot: Snapshot) -> FleetStats {
    for agent in snapshot.agents.iter_mut().flatten() {
        agent.ready_at = None;
    }
    FleetStats::of(snapshot, &Limits::default())
}

fn follow((level, transitions): &mut (ServiceLevel, Transitions), fleet: &FleetStats) {
    let mut interval = level.begin(fleet);
    transitions.observe(fleet, |sight| interval.see(fleet, &sight));
    level.add(fleet, interval);
}

fn collection(
    runtime: &Runtime,
    database: &Database,
    collectors: &[Collector],
) -> CollectionResult {
    let wanted = CollectionRequest {
        collectors,
        limits: &Limits::default(),
        named_apps: false,
        metadata_keys: &[],
    };
    let collection = runtime.block_on(database.collection(wanted, Instant::now() + LONG));
    assert_eq!(collection.failures().count(), 0, "{:?}", collection.reports);
    collection
}

fn page(collection: Arc<CollectionResult>, agent_series: AgentSeries) -> Page {
    Page {
        incidents: None,
        collection,
        transitions: Arc::default(),
        service_level: Arc::default(),
        errors: ErrorCounts::default(),
        probe: None,
        activity: None,
        coder: None,
        process: None,
        detail: Detail {
            agent_series,
            max_agent_series: usize::MAX,
            coderd_compat: false,
            agent_labels: AgentLabels::Full,
            max_page_bytes: usize::MAX,
        },
        addresses: Default::default(),
        is_config_current: true,
        tls_refused: 0,
        deprecated_settings: 0,
        budget: Arc::default(),
    }
}

fn say(Allocated { times, bytes }: Allocated, page: &[u8]) {
    let text = String::from_utf8_lossy(page);
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    println!("{times} {bytes} {length} {samples}", length = page.len());
}
