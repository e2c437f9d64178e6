//! What one collection found, and what failed in it.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::Failure;
use crate::fleet::stats::fleet_stats::FleetStats;

/// One collection over the database (`docs/spec/collection.md`): a judged snapshot, or why there is
/// none.
#[derive(Debug, Clone)]
pub struct CollectionResult {
    /// The fleet, or why the database did not answer.
    pub fleet: Result<FleetStats, Failure>,
    /// What became of each collector that is on, in the order in which they ran.
    pub reports: Vec<CollectorReport>,
    /// Exporter's clock minus the database's, in seconds; `None` when it was not reached.
    pub clock_skew_seconds: Option<f64>,
}

impl CollectionResult {
    /// A collection in which the database did not answer, so that nothing is known.
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

    /// How many agents it found; none where they are not known.
    pub fn agent_count(&self) -> usize {
        let fleet = self.fleet.as_ref().ok();
        let agents = fleet.and_then(|it| it.snapshot.agents.as_ref());
        agents.map_or(0, Vec::len)
    }

    /// Everything that went wrong, once each.
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

/// A part of the collection that is loaded, reported and switched on its own.
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
    /// The agents of the population.
    Agents,
    /// Their apps.
    Apps,
    /// Why agents are stuck in `created`.
    Causes,
    /// Workspaces by the state of their latest build.
    Workspaces,
    /// Chats by what they are bound to.
    Bindings,
}

/// How one collector fared in one collection.
#[derive(Debug, Clone)]
pub struct CollectorReport {
    /// Which.
    pub collector: Collector,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one collector in one collection.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its rows are in the snapshot.
    Loaded {
        /// From its query to its last row.
        duration: Duration,
        /// Rows the database sent.
        rows: u64,
    },
    /// Its query failed; the other collectors went on.
    Failed(Failure),
    /// It had no chance: the database did not answer, or what it builds on failed.
    NotRun,
    /// This Coder has nothing for it to read (`docs/spec/coder-schema.md`); its families are
    /// absent.
    Unsupported {
        /// The table or column that came later, as in `chats.agent_id`.
        missing: &'static str,
    },
}

impl CollectorReport {
    /// A collector that had no chance.
    pub const fn not_run(collector: Collector) -> Self {
        Self {
            collector,
            outcome: Outcome::NotRun,
        }
    }
}
