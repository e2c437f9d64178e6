//! What one exposition is made from.

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

pub use super::budget::{Budget, Cut};

/// Everything the families may draw on.
#[derive(Debug, Clone)]
pub struct Page {
    /// The collection this scrape got, shared with every scrape of the same moment.
    pub collection: Arc<CollectionResult>,
    /// What agents with problems have in common; `None` when agents are unknown.
    pub incidents: Option<Arc<[Incident]>>,
    /// Status changes since this process started.
    pub transitions: TransitionCounts,
    /// What went wrong since this process started.
    pub errors: ErrorCounts,
    /// What the probe found, when it is on.
    pub probe: Option<ProbeStats>,
    /// The session reports, where they could be read.
    pub activity: Option<Arc<Activity>>,
    /// What Coder says of itself, where it is asked.
    pub coder: Option<CoderAnswers>,
    /// What the operating system says of this process, where it can be asked.
    pub process: Option<ProcessStats>,
    /// How much detail the operator wants.
    pub detail: Detail,
    /// Whether what is in force is what the configuration files say.
    pub is_config_current: bool,
    /// What does not fit into the page.
    pub budget: Budget,
}

impl Page {
    /// The fleet, if the database answered.
    pub fn fleet(&self) -> Option<&FleetStats> {
        self.collection.fleet.as_ref().ok()
    }
}

/// How many series may go to single agents: `--metrics.agent-series`,
/// `--metrics.max-agent-series`, `--metrics.max-page-bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Agents that get their own series.
    pub agent_series: AgentSeries,
    /// At most this many agents do, oldest problem first.
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

/// How often each kind of error happened since this process started, and when last.
#[derive(Debug, Clone, Default)]
pub struct ErrorCounts {
    by_kind: EnumMap<ErrorKind, ErrorCount>,
}

/// One kind's share of [`ErrorCounts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErrorCount {
    /// Since this process started.
    pub total: u64,
    /// By this machine's clock.
    pub last: Option<Timestamp>,
}

impl ErrorCounts {
    /// Counts one error at `now`.
    pub fn add(&mut self, kind: ErrorKind, now: Timestamp) {
        self.add_many(kind, 1, now);
    }

    /// Counts several at once, or none.
    pub fn add_many(&mut self, kind: ErrorKind, more: u64, now: Timestamp) {
        if more > 0 {
            let count = &mut self.by_kind[kind];
            count.total += more;
            count.last = Some(now);
        }
    }

    /// Every kind, those that never happened included.
    pub fn iter(&self) -> impl Iterator<Item = (ErrorKind, ErrorCount)> {
        self.by_kind.iter().map(|(kind, &count)| (kind, count))
    }
}

/// What the operating system says of this process; names and meaning as in every Prometheus
/// client library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessStats {
    /// User and system time together.
    pub cpu_seconds: f64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// How many may be open; `None`: no limit.
    pub max_fds: Option<u64>,
    /// Address space.
    pub virtual_memory_bytes: u64,
    /// Memory in use.
    pub resident_memory_bytes: u64,
    /// When it started, in seconds since the Unix epoch.
    pub start_time_seconds: f64,
}
