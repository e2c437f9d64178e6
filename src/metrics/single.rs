//! Metrics of `/probe`, for one workspace in the style of multi-target exporters
//! (`docs/spec/probe.md`).

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::fleet::model::agent::Label;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::probe::scope::SkipReason;
use crate::fleet::rules::health::Assessment;

use super::family::{Exposed, Family, MetricKind, Sink, Source, Stability};

/// The result of a probe of one workspace.
#[derive(Debug, Clone)]
pub struct ProbePage {
    /// The outcome, or the reason why the agent was not dialed.
    pub outcome: Result<ProbeOutcome, SkipReason>,
    /// Duration of the probe.
    pub duration: Duration,
    /// Timeout of the probe.
    pub allowed: Duration,
    /// Duration of each phase by name, with every phase.
    pub phases: Vec<(&'static str, Duration)>,
    /// The probed agent; `None` if no agent was chosen.
    pub agent: Option<ProbePageAgent>,
}

/// The probed agent, for labels and health.
#[derive(Debug, Clone)]
pub struct ProbePageAgent {
    /// `workspace_agents.id`.
    pub id: Uuid,
    /// `workspace_agents.name`.
    pub name: Label,
    /// Status and health from the database, before the dial.
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
        help: "Whether the workspace's agent answered; absent if the dial was skipped",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let outcome = page.outcome.iter();
            outcome
                .copied()
                .try_for_each(|it| sink.sample(&[], it.is_reached().into()))
        },
    },
    Family {
        name: "probe_skipped",
        help: "Why --probe.scope excluded the workspace from the dial: 1 for the reason, 0 for all others",
        kind: MetricKind::Gauge,
        labels: &["reason"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let mut all = SkipReason::ALL.iter();
            all.try_for_each(|it| sink.sample(&[it.as_str()], (page.outcome == Err(*it)).into()))
        },
    },
    Family {
        name: "probe_duration_seconds",
        help: "Duration of the probe",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.duration.as_secs_f64().into()),
    },
    Family {
        name: "probe_timeout_seconds",
        help: "Timeout of the probe",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.allowed.as_secs_f64().into()),
    },
    Family {
        name: "probe_phase_duration_seconds",
        help: "Duration of each phase of the probe; phases may overlap",
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
        help: "Outcome of the probe: 1 for one outcome, 0 for all others; absent if the dial was skipped",
        kind: MetricKind::Gauge,
        labels: &["outcome"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let Ok(outcome) = page.outcome else {
                return Ok(());
            };
            let mut all = ProbeOutcome::ALL.iter();
            all.try_for_each(|it| sink.sample(&[it.as_str()], (*it == outcome).into()))
        },
    },
    Family {
        name: "probe_binding_switched",
        help: "Whether a binding to an agent of an earlier build was repaired",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], (page.outcome == Ok(ProbeOutcome::Switched)).into()),
    },
    Family {
        name: "probe_agent_info",
        help: "Information about the probed agent, as read from the database before the dial",
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
