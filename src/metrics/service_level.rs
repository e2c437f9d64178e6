//! Families of the service level.

use std::fmt;

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::Collector;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// Agent-seconds, and durations of start-ups.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_agent_expected_seconds_total",
        help: "Seconds for which agents were expected to be available, summed over agents",
        kind: MetricKind::Counter,
        labels: &["organization_name", "template_name", "kind"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: expected,
    },
    Family {
        name: "coder_agent_unavailable_seconds_total",
        help: "Seconds for which agents had a problem, summed over agents, by health class",
        kind: MetricKind::Counter,
        labels: &["organization_name", "template_name", "kind", "health"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: unavailable,
    },
    Family {
        name: "coder_agent_startup_duration_seconds",
        help: "Duration of the first start of agents, by phase and by how it ended",
        kind: MetricKind::Histogram,
        labels: &[
            "organization_name",
            "template_name",
            "kind",
            "phase",
            "result",
        ],
        source: Source::Collector(Collector::Startups),
        stability: Stability::Stable,
        samples: startups,
    },
];

fn knows_agents(page: &Page) -> bool {
    page.fleet().is_some_and(|fleet| fleet.agents.is_some())
}

fn expected(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    if !knows_agents(page) {
        return Ok(());
    }
    for (scope, kind, seconds) in page.service_level.seconds() {
        let labels = [&*scope.organization, &*scope.template, kind.as_str()];
        sink.sample(&labels, seconds.expected.into())?;
    }
    Ok(())
}

fn unavailable(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    if !knows_agents(page) {
        return Ok(());
    }
    for (scope, kind, seconds) in page.service_level.seconds() {
        for &health in Health::ALL.iter().filter(|it| it.is_problem()) {
            let labels = [
                &*scope.organization,
                &*scope.template,
                kind.as_str(),
                health.as_str(),
            ];
            sink.sample(&labels, seconds.unavailable[health].into())?;
        }
    }
    Ok(())
}

fn startups(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    if page
        .fleet()
        .is_none_or(|it| it.snapshot.startup_jobs.is_none())
    {
        return Ok(());
    }
    for (startup, durations) in page.service_level.startups() {
        let labels = [
            &*startup.scope.organization,
            &*startup.scope.template,
            startup.kind.as_str(),
            startup.phase.as_str(),
            startup.result.as_str(),
        ];
        sink.histogram(&labels, durations)?;
    }
    Ok(())
}
