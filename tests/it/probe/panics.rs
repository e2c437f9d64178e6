//! A mistake in this program costs the probe it is in, or the round, and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coder_agent_exporter::collect::{self, Collect};
use coder_agent_exporter::fleet::model::outcome::ProbeOutcome;
use coder_agent_exporter::fleet::probe::scope::ProbeScope;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::incident::model::IncidentSettings;
use coder_agent_exporter::postgres::database::Database;
use coder_agent_exporter::probe::{self, Probe};
use coder_agent_exporter::resolver::{self, DialError, Dialer, Target};

use super::*;

/// Panics when it dials the agent `bad`, and while it is mined, when it lets go of any.
#[derive(Default)]
struct Clumsy {
    is_mined: Arc<AtomicBool>,
}

struct Line {
    is_mined: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        assert!(!self.is_mined, "let go");
    }
}

impl Dialer for Clumsy {
    type Connection = Line;

    async fn dial(&self, target: &Target) -> Result<Line, DialError> {
        assert!(&*target.agent != "bad", "dialed");
        Ok(Line {
            is_mined: self.is_mined.load(Ordering::Relaxed),
        })
    }

    fn counts_as_use(&self) -> bool {
        false
    }
}

fn probe(coder: &Coder, dialer: Clumsy) -> Probe<Clumsy> {
    let limits = Limits::default();
    let settings = collect::CollectSettings {
        collectors: Collector::DEFAULT.to_vec(),
        limits,
        named_apps: false,
        metadata_keys: Vec::new(),
        incidents: IncidentSettings::default(),
        min_interval: Duration::ZERO,
    };
    let database = Database::new(&coder.url().parse().unwrap(), 2).unwrap();
    let settings_of_probe = probe::ProbeSettings {
        scope: ProbeScope::All,
        interval: Duration::from_millis(50),
        sample: None,
        concurrency: 4,
        horizon: Duration::from_secs(900),
        collect_timeout: Duration::from_secs(10),
        limits,
        resolver: resolver::ResolverSettings::default(),
    };
    Probe::new(Collect::new(database, settings), dialer, settings_of_probe)
}

fn count(probe: &Probe<Clumsy>, outcome: ProbeOutcome) -> u64 {
    let outcomes = probe.stats().outcomes;
    let of = outcomes.into_iter().find(|(it, _)| *it == outcome);
    of.unwrap().1
}

#[tokio::test]
async fn probe_that_panics_costs_itself_and_none_of_the_others() {
    let coder = Coder::new().await;
    for name in ["good", "bad", "fine"] {
        coder.add(workspace(name).agent(agent(name))).await;
    }
    let probe = probe(&coder, Clumsy::default());
    probe.round().await;
    assert_eq!(count(&probe, ProbeOutcome::Ok), 2);
    assert_eq!(count(&probe, ProbeOutcome::ExporterError), 1);
    assert!(probe.failures()[0].message.contains("panicked"));
}

#[tokio::test]
async fn round_that_panics_is_followed_by_the_next() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let is_mined = Arc::new(AtomicBool::new(true));
    let dialer = Clumsy {
        is_mined: is_mined.clone(),
    };
    let probe = probe(&coder, dialer);
    let rounds = tokio::spawn({
        let probe = probe.clone();
        async move { probe.run().await }
    });
    eventually("three rounds have panicked", async || {
        count(&probe, ProbeOutcome::ExporterError) >= 3
    })
    .await;
    assert!(!rounds.is_finished());
    is_mined.store(false, Ordering::Relaxed);
    eventually("a round has come to its end", async || {
        count(&probe, ProbeOutcome::Ok) > 0
    })
    .await;
    rounds.abort();
}
