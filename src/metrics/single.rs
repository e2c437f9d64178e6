//! Families of `/probe`: one workspace, in the style of multi-target exporters
//! (`docs/spec/probe.md`).

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::agent::Label;
use crate::fleet::health::Assessment;
use crate::fleet::named::Variants;
use crate::fleet::outcome::ProbeOutcome;

use super::family::{Exposed, Family, MetricKind, Sink, Source, Stability};

/// What a probe of one workspace found.
#[derive(Debug, Clone)]
pub struct ProbePage {
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// How long it took.
    pub duration: Duration,
    /// How long each phase took, by name, every phase.
    pub phases: Vec<(&'static str, Duration)>,
    /// The agent it was about; `None` when there was none.
    pub agent: Option<ProbePageAgent>,
}

/// The agent that a probe was about.
#[derive(Debug, Clone)]
pub struct ProbePageAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// What it was by the database, before it was dialed.
    pub assessment: Assessment,
}

impl Exposed for ProbePage {
    fn families() -> impl Iterator<Item = &'static Family<Self>> {
        FAMILIES.iter()
    }
}

const FAMILIES: &[Family<ProbePage>] = &[
    Family {
        name: "probe_success",
        help: "Whether the workspace's agent answered",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.outcome.is_reached().into()),
    },
    Family {
        name: "probe_duration_seconds",
        help: "How long the probe took",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.duration.as_secs_f64().into()),
    },
    Family {
        name: "probe_phase_duration_seconds",
        help: "How long each phase of the probe took; phases may overlap",
        kind: MetricKind::Gauge,
        labels: &["phase"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let mut phases = page.phases.iter();
            phases.try_for_each(|(phase, took)| sink.sample(&[phase], took.as_secs_f64().into()))
        },
    },
    Family {
        name: "probe_outcome",
        help: "What came of the probe: 1 for one outcome, 0 for all others",
        kind: MetricKind::Gauge,
        labels: &["outcome"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let mut all = ProbeOutcome::ALL.iter();
            all.try_for_each(|it| sink.sample(&[it.as_str()], (*it == page.outcome).into()))
        },
    },
    Family {
        name: "probe_binding_switched",
        help: "Whether a binding to an agent of an earlier build was repaired",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], (page.outcome == ProbeOutcome::Switched).into()),
    },
    Family {
        name: "probe_agent_info",
        help: "The agent the probe was about, as the database had it before the dial",
        kind: MetricKind::Info,
        labels: &["agent_id", "agent_name", "status", "health"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: agent_info,
    },
];

fn agent_info(page: &ProbePage, sink: &mut dyn Sink) -> fmt::Result {
    let Some(agent) = &page.agent else {
        return Ok(());
    };
    let mut id = Uuid::encode_buffer();
    let labels: [&str; 4] = [
        agent.id.hyphenated().encode_lower(&mut id),
        &agent.name,
        agent.assessment.status.as_str(),
        agent.assessment.health.as_str(),
    ];
    sink.sample(&labels, true.into())
}
