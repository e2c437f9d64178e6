//! How the exporter itself fares, as the API tells it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::collection::{CollectionResult, Collector, CollectorReport, Outcome};
use super::fleet_stats::FleetStats;
use super::format::moment;
use super::label_value::Variants;
use super::probes::ProbeStats;
use super::schema::one_of;

/// How the exporter itself fares.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExporterSummary<'a> {
    /// Its version.
    pub version: &'static str,
    /// Its clock minus the database's.
    pub clock_skew_seconds: Option<f64>,
    /// Newest heartbeat minus the moment of the data: positive when coderd's clock is ahead.
    pub heartbeat_lead_seconds: Option<f64>,
    /// How far the standby that is read is behind; null on a primary.
    pub replica_lag_seconds: Option<f64>,
    /// What kind of Coder the database belongs to.
    pub schema: SchemaSummary,
    /// What became of each collector that is on.
    pub collectors: Vec<CollectorSummary<'a>>,
    /// The probe's rounds; null when the probe is off.
    pub probe: Option<ProbeSummary>,
}

/// What kind of Coder the database belongs to, as found by looking.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SchemaSummary {
    /// Number of the last migration; null when it may not be read.
    pub migration: Option<i64>,
    /// Whether it has sub-agents.
    pub has_agent_parent_id: bool,
    /// Whether it deletes agents softly.
    pub has_agent_deleted: bool,
    /// Whether it has bound chats.
    pub has_chat_agent_id: bool,
}

/// What became of one collector in the pass that this is told from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectorSummary<'a> {
    /// Its name.
    #[schemars(schema_with = "one_of::<Collector>")]
    pub collector: &'static str,
    /// Whether it was loaded; what it knows is null elsewhere when it was not.
    pub success: bool,
    /// From its query to its last row; null when it was not loaded.
    pub duration_seconds: Option<f64>,
    /// Rows that the database sent; null when it was not loaded.
    pub rows: Option<u64>,
    /// Why it was not loaded; null when it was.
    pub message: Option<Cow<'a, str>>,
}

/// What the probe's rounds have come to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProbeSummary {
    /// Of the workspaces in the probe's scope now and one horizon ago, the share probed within the
    /// horizon; null when there is none.
    pub coverage_ratio: Option<f64>,
    /// Agents whose status and dial contradict each other; null before the first round.
    pub disagreements: Option<u64>,
    /// When the last round ended; null before that.
    pub last_round_at: Option<String>,
}

impl<'a> ExporterSummary<'a> {
    /// What is to be told of a pass, which found this fleet.
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
