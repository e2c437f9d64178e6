//! The result of a collection.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::Failure;
use crate::fleet::stats::fleet_stats::FleetStats;

/// The result of one collection (`docs/spec/collection.md`): a judged snapshot, or the failure.
#[derive(Debug, Clone)]
pub struct CollectionResult {
    /// The fleet, or the failure of the whole collection.
    pub fleet: Result<FleetStats, Failure>,
    /// The result of each enabled collector, in the order in which they ran.
    pub reports: Vec<CollectorReport>,
    /// The exporter's clock minus the database's clock, in seconds; `None` if the database was not
    /// reached.
    pub clock_skew_seconds: Option<f64>,
}

impl CollectionResult {
    /// The result of a collection that got no answer from the database.
    pub fn failed(failure: Failure, collectors: impl IntoIterator<Item = Collector>) -> Self {
        let reports = collectors
            .into_iter()
            .map(CollectorReport::not_run)
            .collect();
        Self {
            fleet: Err(failure),
            reports,
            clock_skew_seconds: None,
        }
    }

    /// The number of agents; zero if they are unknown.
    pub fn agent_count(&self) -> usize {
        let fleet = self.fleet.as_ref().ok();
        let agents = fleet.and_then(|it| it.snapshot.agents.as_ref());
        agents.map_or(0, Vec::len)
    }

    /// Whether the database answered and the agents were read, where they were asked for.
    pub fn is_up(&self) -> bool {
        let mut reports = self.reports.iter();
        let agents = reports.find(|it| it.collector == Collector::Agents);
        let are_read = agents.is_none_or(|it| matches!(it.outcome, Outcome::Loaded { .. }));
        self.fleet.is_ok() && are_read
    }

    /// All failures, each once, with the collector that failed.
    pub fn failures(&self) -> impl Iterator<Item = (Option<Collector>, &Failure)> {
        let of_the_collection = self.fleet.as_ref().err().map(|failure| (None, failure));
        let of_collectors = self
            .reports
            .iter()
            .filter_map(|report| match &report.outcome {
                Outcome::Failed(failure) => Some((Some(report.collector), failure)),
                _ => None,
            });
        of_the_collection.into_iter().chain(of_collectors)
    }
}

/// A part of the collection that is enabled, loaded and reported separately.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Collector {
    /// Agents of the population.
    Agents,
    /// Apps of the agents, by health.
    Apps,
    /// Why agents have their problems.
    Causes,
    /// Workspaces by the state of their latest build.
    Workspaces,
    /// Chats by the state of their binding.
    Bindings,
    /// Replicas of Coder itself.
    Replicas,
    /// Provisioner daemons, and the jobs that have not ended.
    Provisioners,
    /// The jobs that built the agents which have just started.
    Startups,
    /// Metadata of the agents' resources, for the keys of `--incident.resource-metadata`.
    Metadata,
}

impl Collector {
    /// Those that are on unless they are switched off. The metadata collector is on where keys are
    /// configured.
    pub const DEFAULT: &[Self] = &[
        Self::Agents,
        Self::Apps,
        Self::Causes,
        Self::Workspaces,
        Self::Bindings,
        Self::Replicas,
        Self::Provisioners,
        Self::Startups,
    ];
}

/// The result of one collector in a collection.
#[derive(Debug, Clone)]
pub struct CollectorReport {
    /// Which collector ran, or should have run.
    pub collector: Collector,
    /// Whether it loaded its rows, and if not, why.
    pub outcome: Outcome,
}

/// The result of one collector in a collection.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its rows are in the snapshot.
    Loaded {
        /// Time from the query to the last row.
        duration: Duration,
        /// Number of rows from the database.
        rows: u64,
    },
    /// Its query failed; the other collectors continued.
    Failed(Failure),
    /// It did not run, because the database did not answer or a collector that it depends on
    /// failed.
    NotRun,
    /// This version of Coder has no data for it (`docs/spec/coder-schema.md`). Its metrics are
    /// absent.
    Unsupported {
        /// The missing table or column, such as `chats.agent_id`.
        missing: &'static str,
    },
}

impl CollectorReport {
    /// The report of a collector that did not run.
    pub const fn not_run(collector: Collector) -> Self {
        Self {
            collector,
            outcome: Outcome::NotRun,
        }
    }
}
