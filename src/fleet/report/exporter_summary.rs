//! The state of the exporter, for the API.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::model::label_value::Variants;
use crate::fleet::probe::results::ProbeStats;
use crate::fleet::report::format::moment;
use crate::fleet::report::schema::one_of;
use crate::fleet::stats::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use crate::fleet::stats::fleet_stats::FleetStats;

/// State of the exporter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExporterSummary<'a> {
    /// Version of the exporter.
    pub version: &'static str,
    /// Clock of the exporter minus clock of the database.
    pub clock_skew_seconds: Option<f64>,
    /// Newest heartbeat minus the time of the data. Positive when coderd's clock is ahead.
    pub heartbeat_lead_seconds: Option<f64>,
    /// Replication lag of the standby that the exporter reads; null on a primary.
    pub replica_lag_seconds: Option<f64>,
    /// Coder's database schema.
    pub schema: SchemaSummary,
    /// Result of each enabled collector.
    pub collectors: Vec<CollectorSummary<'a>>,
    /// Results of the probe; null when the probe is off.
    pub probe: Option<ProbeSummary>,
}

/// Coder's database schema, as found in the database.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SchemaSummary {
    /// Number of the last migration; null without permission to read it.
    pub migration: Option<i64>,
    /// Whether this version of Coder has sub-agents.
    pub has_agent_parent_id: bool,
    /// Whether this version of Coder soft-deletes agents.
    pub has_agent_deleted: bool,
    /// Whether this version of Coder binds chats to agents.
    pub has_chat_agent_id: bool,
    /// Whether this version of Coder says when provisioner daemons were last seen.
    pub has_provisioner_last_seen: bool,
    /// Whether this version of Coder records how startup scripts ended.
    pub has_script_timings: bool,
    /// Whether this version of Coder watches memory and disks of agents.
    pub has_resource_monitors: bool,
}

/// Result of one collector in the last collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectorSummary<'a> {
    /// Name of the collector.
    #[schemars(schema_with = "one_of::<Collector>")]
    pub collector: &'static str,
    /// Whether the collector succeeded. When it failed, its data is null.
    pub success: bool,
    /// Time from the query to the last row; null when the collector failed.
    pub duration_seconds: Option<f64>,
    /// Rows that the database returned; null when the collector failed.
    pub rows: Option<u64>,
    /// Reason of the failure; null when the collector succeeded.
    pub message: Option<Cow<'a, str>>,
}

/// Results of the probe's rounds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProbeSummary {
    /// Share of workspaces probed within the horizon, of those that are in scope now and were one
    /// horizon ago; null when there are none.
    pub coverage_ratio: Option<f64>,
    /// Agents whose status in the database contradicts the dial; null before the first round.
    pub disagreements: Option<u64>,
    /// When the last round ended; null before the first round has ended.
    pub last_round_at: Option<String>,
}

impl<'a> ExporterSummary<'a> {
    /// The state of the exporter after a collection that found this fleet.
    pub fn of(
        collection: &'a CollectionResult,
        fleet: &FleetStats,
        probe: Option<&ProbeStats>,
    ) -> Self {
        let schema = &fleet.snapshot.schema;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            clock_skew_seconds: collection.clock_skew_seconds,
            heartbeat_lead_seconds: fleet.heartbeat_lead_seconds(),
            replica_lag_seconds: fleet.snapshot.replica_lag_seconds,
            schema: SchemaSummary {
                migration: schema.migration,
                has_agent_parent_id: schema.has_parent_id,
                has_agent_deleted: schema.has_deleted,
                has_chat_agent_id: schema.has_chat_agent_id,
                has_provisioner_last_seen: schema.has_provisioner_last_seen,
                has_script_timings: schema.has_script_timings,
                has_resource_monitors: schema.has_resource_monitors,
            },
            collectors: collection
                .reports
                .iter()
                .map(CollectorSummary::of)
                .collect(),
            probe: probe.map(ProbeSummary::of),
        }
    }
}

impl<'a> CollectorSummary<'a> {
    fn of(report: &'a CollectorReport) -> Self {
        let collector = report.collector.as_str();
        let message = match &report.outcome {
            Outcome::Loaded { duration, rows } => {
                return Self {
                    collector,
                    success: true,
                    duration_seconds: Some(duration.as_secs_f64()),
                    rows: Some(*rows),
                    message: None,
                };
            }
            Outcome::Failed(failure) => failure.message.as_str().into(),
            Outcome::NotRun => "not run because of an earlier failure".into(),
            Outcome::Unsupported { missing } => {
                format!("this Coder version has no {missing}").into()
            }
        };
        Self {
            collector,
            success: false,
            duration_seconds: None,
            rows: None,
            message: Some(message),
        }
    }
}

impl ProbeSummary {
    fn of(stats: &ProbeStats) -> Self {
        let disagreements = stats.disagreements.as_ref();
        let counts = |pairs: &Vec<(_, _, u64)>| pairs.iter().map(|(_, _, count)| count).sum();
        Self {
            coverage_ratio: stats.coverage,
            disagreements: disagreements.map(counts),
            last_round_at: stats.last.map(moment),
        }
    }
}
