//! The data of one exposition.

use std::sync::Arc;

use enum_map::EnumMap;

use crate::error::ErrorKind;
use crate::fleet::model::activity::Activity;
use crate::fleet::model::agent::Agent;
use crate::fleet::model::coder::CoderAnswers;
use crate::fleet::model::time::Timestamp;
use crate::fleet::probe::results::ProbeStats;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::transitions::TransitionCounts;
use crate::incident::model::Incident;
use crate::service_level::ServiceLevel;

pub use super::budget::{Budget, Cut};

/// The data that the families use.
#[derive(Debug, Clone)]
pub struct Page {
    /// The collection of this scrape. Concurrent scrapes share it.
    pub collection: Arc<CollectionResult>,
    /// What agents with problems have in common; `None` when agents are unknown.
    pub incidents: Option<Arc<[Incident]>>,
    /// Status changes since the process started.
    pub transitions: Arc<TransitionCounts>,
    /// Sums for the service level since the process started.
    pub service_level: Arc<ServiceLevel>,
    /// Errors since the process started.
    pub errors: ErrorCounts,
    /// Results of the probe; `None` if it is off.
    pub probe: Option<ProbeStats>,
    /// The session reports, where they could be read.
    pub activity: Option<Arc<Activity>>,
    /// What Coder says of itself, where it is asked.
    pub coder: Option<CoderAnswers>,
    /// Data of the operating system about this process; `None` if it is not available.
    pub process: Option<ProcessStats>,
    /// Which optional series are written.
    pub detail: Detail,
    /// Where Coder and this exporter can be opened.
    pub addresses: Addresses,
    /// Whether the settings in effect match the configuration files.
    pub is_config_current: bool,
    /// Clients that were refused because of their TLS certificate, since the process started.
    pub tls_refused: u64,
    /// Settings that were given under a deprecated name.
    pub deprecated_settings: u64,
    /// What does not fit into the page; shared by the pages of one collection.
    pub budget: Arc<Budget>,
}

impl Page {
    /// The fleet; `None` if the database did not answer.
    pub fn fleet(&self) -> Option<&FleetStats> {
        self.collection.fleet.as_ref().ok()
    }
}

/// Addresses for links of alerts and dashboards; an empty one is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// `--coder.url`.
    pub coder: String,
    /// `--web.external-url`.
    pub external: String,
}

/// How many series may go to single agents: `--metrics.agent-series`,
/// `--metrics.max-agent-series`, `--metrics.max-page-bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Agents that get their own series.
    pub agent_series: AgentSeries,
    /// Maximum number of agents with their own series; the oldest problems come first.
    pub max_agent_series: usize,
    /// Whether Coder's own agent metrics are served too.
    pub coderd_compat: bool,
    /// What series say of the people behind agents.
    pub agent_labels: AgentLabels,
    /// The page, as text, has at most this many bytes.
    pub max_page_bytes: usize,
}

impl Detail {
    /// The names of an agent's workspace and its owner, where series may carry them; an empty label
    /// is none.
    pub fn names<'a>(&self, agent: &'a Agent) -> (&'a str, &'a str) {
        match self.agent_labels {
            AgentLabels::Full => (&agent.workspace, &agent.owner),
            AgentLabels::Ids => ("", ""),
        }
    }
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            agent_series: AgentSeries::Problems,
            max_agent_series: 1000,
            coderd_compat: false,
            agent_labels: AgentLabels::Full,
            max_page_bytes: 32 << 20,
        }
    }
}

/// Agents that get their own series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AgentSeries {
    /// No agent: counts only.
    None,
    /// Agents with a problem.
    Problems,
    /// All agents.
    All,
}

/// What series of single agents say of their workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AgentLabels {
    /// Its name, and that of its owner.
    Full,
    /// Neither: agents and workspaces are told apart by their ids.
    Ids,
}

/// Number of errors by kind since the process started, with the time of the last one.
#[derive(Debug, Clone, Default)]
pub struct ErrorCounts {
    by_kind: EnumMap<ErrorKind, ErrorCount>,
    /// Number of builds that were read again and were not what was known of them
    /// (`docs/decisions/0023-what-cannot-change-is-read-once.md`). It must stay zero.
    pub build_differences: u64,
}

/// Errors of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErrorCount {
    /// Number of errors since the process started.
    pub total: u64,
    /// Time of the last error, by this machine's clock.
    pub last: Option<Timestamp>,
}

impl ErrorCounts {
    /// Counts one error at `now`.
    pub fn add(&mut self, kind: ErrorKind, now: Timestamp) {
        self.add_many(kind, 1, now);
    }

    /// Counts several errors, or none.
    pub fn add_many(&mut self, kind: ErrorKind, more: u64, now: Timestamp) {
        if more > 0 {
            let count = &mut self.by_kind[kind];
            count.total += more;
            count.last = Some(now);
        }
    }

    /// All kinds, including those without an error.
    pub fn iter(&self) -> impl Iterator<Item = (ErrorKind, ErrorCount)> {
        self.by_kind.iter().map(|(kind, &count)| (kind, count))
    }
}

/// Data of the operating system about this process, with the names and meanings of the Prometheus
/// client libraries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessStats {
    /// User and system CPU time, in seconds.
    pub cpu_seconds: f64,
    /// Number of open file descriptors.
    pub open_fds: u64,
    /// Limit of open file descriptors; `None` means no limit.
    pub max_fds: Option<u64>,
    /// Size of the address space, in bytes.
    pub virtual_memory_bytes: u64,
    /// Resident memory, in bytes.
    pub resident_memory_bytes: u64,
    /// Start of the process, in seconds since the Unix epoch.
    pub start_time_seconds: f64,
}
