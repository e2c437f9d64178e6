//! How Coder itself is, as the API tells it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::model::coder::CoderAnswers;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::count_of_each_or_null;
use crate::fleet::rules::coder::{CoderState, ReplicaState, replica_state};
use crate::fleet::stats::fleet_stats::FleetStats;

/// State of Coder itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CoderSummary<'a> {
    /// Whether Coder is down: no replica is running and no agent heartbeat is newer than 30 s. Null
    /// when this is not known.
    pub down: Option<bool>,
    /// Last sign of life, when Coder is down.
    pub down_since: Option<String>,
    /// Replicas of coderd by state. Every state is present.
    #[schemars(schema_with = "count_of_each_or_null::<ReplicaState>")]
    pub replicas: Option<BTreeMap<&'static str, u64>>,
    /// Whether Coder answered this exporter at /healthz; null without `--coder.url`.
    pub up: Option<bool>,
    /// Why it did not answer; null when it did.
    pub message: Option<&'a str>,
    /// Version of Coder; null when it did not answer.
    pub version: Option<&'a str>,
    /// Time that Coder took to answer.
    pub round_trip_seconds: Option<f64>,
    /// Severity of each section of Coder's health report: ok, warning or error. Null when the
    /// report cannot be read.
    pub health: Option<BTreeMap<&'static str, &'static str>>,
}

impl<'a> CoderSummary<'a> {
    /// What the database and Coder's own answers say.
    pub fn of(fleet: &FleetStats, answers: Option<&'a CoderAnswers>) -> Self {
        let state = fleet.coder_state();
        let since = match state {
            Some(CoderState::Down { since, .. }) => Some(moment(since)),
            _ => None,
        };
        let healthz = answers.and_then(|it| it.healthz.as_ref());
        let severities = answers.and_then(|it| it.severities.as_ref());
        Self {
            down: state.map(CoderState::is_down),
            down_since: since,
            replicas: replicas(fleet),
            up: healthz.map(Result::is_ok),
            message: healthz.and_then(|it| it.as_ref().err()).map(String::as_str),
            version: answers.and_then(|it| it.version.as_deref()),
            round_trip_seconds: healthz
                .and_then(|it| it.as_ref().ok())
                .map(|it| it.as_secs_f64()),
            health: severities.map(|it| {
                let known = it.iter().filter_map(|(section, severity)| {
                    Some((section.as_str(), severity.as_ref()?.as_str()))
                });
                known.collect()
            }),
        }
    }
}

fn replicas(fleet: &FleetStats) -> Option<BTreeMap<&'static str, u64>> {
    let replicas = fleet.snapshot.replicas.as_ref()?;
    let mut counts: BTreeMap<_, _> = ReplicaState::ALL
        .iter()
        .map(|it| (it.as_str(), 0))
        .collect();
    for replica in replicas.iter().filter(|it| it.is_coderd()) {
        let state = replica_state(replica, fleet.snapshot.now);
        *counts.entry(state.as_str()).or_default() += 1;
    }
    Some(counts)
}
