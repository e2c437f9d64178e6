//! Metrics of the probe's rounds (`docs/spec/probe.md`). They are present if the probe is on.

use std::fmt;

use crate::fleet::model::label_value::Variants;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// Outcomes, durations, disagreements and coverage of the rounds.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_agent_probe_outcomes_total",
        help: "Total number of workspaces probed in rounds by outcome; exporter_error says nothing about the agent",
        kind: MetricKind::Counter,
        labels: &["outcome"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let stats = page.probe.iter().flat_map(|it| &it.outcomes);
            stats
                .into_iter()
                .try_for_each(|(outcome, count)| sink.sample(&[outcome.as_str()], (*count).into()))
        },
    },
    Family {
        name: "coder_agent_probe_duration_seconds",
        help: "Duration of probes by outcome",
        kind: MetricKind::Histogram,
        labels: &["outcome"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let durations = page.probe.iter().flat_map(|it| &it.durations);
            durations
                .into_iter()
                .try_for_each(|(outcome, took)| sink.histogram(&[outcome.as_str()], took))
        },
    },
    Family {
        name: "coder_agent_probe_disagreements",
        help: "Agents probed within --probe.horizon whose database status contradicts the dial result",
        kind: MetricKind::Gauge,
        labels: &["status", "outcome"],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: disagreements,
    },
    Family {
        name: "coder_agent_probe_coverage_ratio",
        help: "Share of workspaces probed within --probe.horizon, of those in scope both now and one horizon ago",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let coverage = page.probe.as_ref().and_then(|it| it.coverage);
            coverage.map_or(Ok(()), |it| sink.sample(&[], it.into()))
        },
    },
    Family {
        name: "coder_agent_probe_coverage_limit_ratio",
        help: "Greatest share of the workspaces in scope that --probe.sample and --probe.interval can cover within --probe.horizon",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let limit = page.probe.as_ref().and_then(|it| it.coverage_limit);
            limit.map_or(Ok(()), |it| sink.sample(&[], it.into()))
        },
    },
    Family {
        name: "coder_agent_probe_interval_seconds",
        help: "Time between the starts of two probe rounds: --probe.interval",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let interval = page.probe.as_ref().map(|it| it.interval.as_secs_f64());
            interval.map_or(Ok(()), |it| sink.sample(&[], it.into()))
        },
    },
    Family {
        name: "coder_agent_probe_last_timestamp_seconds",
        help: "Unix timestamp at which the last probe round ended",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Probe,
        stability: Stability::Stable,
        samples: |page, sink| {
            let last = page.probe.as_ref().and_then(|it| it.last);
            last.map_or(Ok(()), |it| sink.sample(&[], it.as_unix_seconds().into()))
        },
    },
];

fn disagreements(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let pairs = page.probe.as_ref().and_then(|it| it.disagreements.as_ref());
    for (status, outcome, count) in pairs.into_iter().flatten() {
        sink.sample(&[status.as_str(), outcome.as_str()], (*count).into())?;
    }
    Ok(())
}
