//! Random pages: whatever a database may hold and an operator may ask for.

use std::sync::Arc;
use std::time::Duration;

use enum_map::EnumMap;
use proptest::prelude::*;
use proptest::sample::select;

use coder_agent_exporter::error::{ErrorKind, Failure};
use coder_agent_exporter::fleet::model::agent::Scope;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::stats::collection::{
    CollectionResult, Collector, CollectorReport, Outcome,
};
use coder_agent_exporter::fleet::stats::fleet_stats::FleetStats;
use coder_agent_exporter::fleet::stats::transitions::{TransitionCounts, Transitions};
use coder_agent_exporter::incident::facts::incidents_of;
use coder_agent_exporter::incident::model::IncidentSettings;
use coder_agent_exporter::metrics::page::{
    AgentLabels, AgentSeries, Detail, ErrorCounts, Page, ProcessStats,
};
use coder_agent_exporter::service_level::ServiceLevel;

use super::fleets::{self, moment, name};
use super::probed;

/// A page of a fleet that is known, with whatever else there may be.
pub(super) fn page() -> impl Strategy<Value = Arc<Page>> {
    let fleet = (fleets::snapshot(), limits());
    let fleet = fleet.prop_map(|(snapshot, limits)| Ok(FleetStats::of(snapshot, &limits)));
    page_of(fleet.boxed())
}

/// A page of a collection that failed.
pub(super) fn page_of_a_failure() -> impl Strategy<Value = Arc<Page>> {
    let failure = select(ErrorKind::ALL).prop_map(|kind| Err(Failure::new(kind, "no answer")));
    page_of(failure.boxed())
}

fn page_of(fleet: BoxedStrategy<Result<FleetStats, Failure>>) -> impl Strategy<Value = Arc<Page>> {
    let parts = (
        fleet,
        reports(),
        prop::option::of(-1e9..1e9_f64),
        transitions(),
        errors(),
        probed::stats(),
        prop::option::of(process()),
        detail(),
    );
    parts.prop_map(
        |(fleet, reports, clock_skew_seconds, transitions, errors, probe, process, detail)| {
            let known = fleet.as_ref().ok().filter(|it| it.agents.is_some());
            let incidents = known.map(|it| incidents_of(it, IncidentSettings::default()).into());
            let service_level = fleet.as_ref().map(service_level).unwrap_or_default();
            Arc::new(Page {
                incidents,
                collection: Arc::new(CollectionResult {
                    fleet,
                    reports,
                    clock_skew_seconds,
                }),
                transitions: transitions.into(),
                service_level,
                errors,
                probe,
                activity: None,
                coder: None,
                process,
                detail,
                addresses: Default::default(),
                is_config_current: true,
                tls_refused: 0,
                deprecated_settings: 0,
                budget: Default::default(),
            })
        },
    )
}

/// Bounds of every length: 0.7 × 7 s is not a round number.
fn limits() -> impl Strategy<Value = Limits> {
    select(&[30_000_u64, 7_000, 15_000, 1, 86_400_000][..]).prop_map(|millis| Limits {
        inactive_timeout: Duration::from_millis(millis),
        ..Limits::default()
    })
}

fn detail() -> impl Strategy<Value = Detail> {
    let series = select(&[AgentSeries::None, AgentSeries::Problems, AgentSeries::All][..]);
    let most = prop_oneof![0..4_usize, Just(1000)];
    let parts = (series, most, any::<bool>());
    parts.prop_map(|(agent_series, max_agent_series, coderd_compat)| Detail {
        agent_series,
        max_agent_series,
        coderd_compat,
        agent_labels: AgentLabels::Full,
        max_page_bytes: Detail::default().max_page_bytes,
    })
}

fn reports() -> impl Strategy<Value = Vec<CollectorReport>> {
    let outcomes = prop::collection::vec(outcome(), Collector::ALL.len());
    outcomes.prop_map(|outcomes| {
        let collectors = Collector::ALL.iter().zip(outcomes);
        collectors
            .map(|(&collector, outcome)| CollectorReport { collector, outcome })
            .collect()
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(micros, rows)| Outcome::Loaded {
            duration: Duration::from_micros(micros.into()),
            rows: rows.into(),
        }),
        Just(Outcome::Failed(Failure::new(ErrorKind::Query, "no"))),
        Just(Outcome::NotRun),
        Just(Outcome::Unsupported {
            missing: "chats.agent_id"
        }),
    ]
}

/// A collection half a minute after one with the same agents, none of which was ready.
fn service_level(fleet: &FleetStats) -> Arc<ServiceLevel> {
    let mut before = fleet.snapshot.clone();
    for agent in before.agents.iter_mut().flatten() {
        agent.ready_at = None;
    }
    let before = FleetStats::of(before, &Limits::default());
    let mut later = fleet.snapshot.clone();
    later.now = later.now.after(Duration::from_secs(30));
    let later = FleetStats::of(later, &Limits::default());
    let (mut level, mut transitions) = (ServiceLevel::default(), Transitions::default());
    for fleet in [before, later] {
        let mut interval = level.begin(&fleet);
        transitions.observe(&fleet, |sight| interval.see(&fleet, &sight));
        level.add(&fleet, interval);
    }
    Arc::new(level)
}

fn transitions() -> impl Strategy<Value = TransitionCounts> {
    let scope = (name(), name()).prop_map(|(organization, template)| Scope {
        organization,
        template,
    });
    let counts = any::<[[u32; 4]; 4]>().prop_map(|it| {
        let rows = it.map(|row| EnumMap::from_array(row.map(u64::from)));
        EnumMap::from_array(rows)
    });
    prop::collection::btree_map(scope, counts, 0..3)
}

fn errors() -> impl Strategy<Value = ErrorCounts> {
    let errors = prop::collection::vec((select(ErrorKind::ALL), moment()), 0..5);
    errors.prop_map(|errors| {
        let mut counts = ErrorCounts::default();
        errors.iter().for_each(|&(kind, at)| counts.add(kind, at));
        counts
    })
}

fn process() -> impl Strategy<Value = ProcessStats> {
    let max_fds = prop::option::of(any::<u32>().prop_map(u64::from));
    (0.0..1e9_f64, max_fds).prop_map(|(seconds, max_fds)| ProcessStats {
        cpu_seconds: seconds,
        open_fds: 9,
        max_fds,
        virtual_memory_bytes: 1 << 40,
        resident_memory_bytes: 1 << 24,
        start_time_seconds: 1.7e9 + seconds,
    })
}
