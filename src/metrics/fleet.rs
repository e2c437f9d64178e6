//! Metrics that count agents.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::fleet::model::agent::{Kind, Label, Scope};
use crate::fleet::model::label_value::{CountByLabel, Counted, Variants};
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::fleet_stats::AgentCounts;
use crate::fleet::stats::transitions::pairs;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// Counts of agents by organization and template.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_agents",
        help: "Workspace agents of latest builds by connection status",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "kind", "status"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| count_agents(page, sink, |agent_counts| &agent_counts.status),
    },
    Family {
        name: "coder_agents_lifecycle",
        help: "Workspace agents of latest builds by last reported lifecycle state",
        kind: MetricKind::Gauge,
        labels: &[
            "organization_name",
            "template_name",
            "kind",
            "lifecycle_state",
        ],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| count_agents(page, sink, |agent_counts| &agent_counts.lifecycle),
    },
    Family {
        name: "coder_agents_health",
        help: "Workspace agents of latest builds by health class; each agent is in exactly one class",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "kind", "health"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: |page, sink| count_agents(page, sink, |agent_counts| &agent_counts.health),
    },
    Family {
        name: "coder_agents_version",
        help: "Workspace agents of latest builds by agent version; all but the 20 most common count as other",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "version"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: versions,
    },
    Family {
        name: "coder_agent_oldest_problem_timestamp_seconds",
        help: "Unix timestamp at which the oldest current problem of this class began",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "kind", "health"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: oldest_problems,
    },
    Family {
        name: "coder_agent_heartbeat_age_seconds",
        help: "Time since the last heartbeat of agents whose connection was not closed",
        kind: MetricKind::GaugeHistogram,
        labels: &["organization_name", "template_name", "kind"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: heartbeat_ages,
    },
    Family {
        name: "coder_agent_status_transitions_total",
        help: "Total number of changes of connection status between two collections",
        kind: MetricKind::Counter,
        labels: &["organization_name", "template_name", "from", "to"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples: transitions,
    },
];

/// Maximum number of versions with their own series. A fleet during an upgrade has a handful, and
/// more than twenty are too many to read one by one.
const MOST_VERSIONS: usize = 20;

fn all_counts(page: &Page) -> impl Iterator<Item = (&Scope, Kind, &AgentCounts)> {
    let agents = page.fleet().and_then(|fleet| fleet.agents.as_ref());
    let all_counts = agents.into_iter().flatten();
    all_counts.map(|((scope, kind), agent_counts)| (scope, *kind, agent_counts))
}

fn count_agents<V: Counted>(
    page: &Page,
    sink: &mut dyn Sink,
    counts: fn(&AgentCounts) -> &CountByLabel<V>,
) -> fmt::Result {
    for (scope, kind, agent_counts) in all_counts(page) {
        for (value, count) in counts(agent_counts).iter() {
            sink.sample(&agent_labels(scope, kind, value), count.into())?;
        }
    }
    Ok(())
}

fn agent_labels<'a>(scope: &'a Scope, kind: Kind, value: &'a str) -> [&'a str; 4] {
    [&scope.organization, &scope.template, kind.as_str(), value]
}

fn oldest_problems(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for (scope, kind, agent_counts) in all_counts(page) {
        for (health, since) in &agent_counts.oldest {
            let labels = agent_labels(scope, kind, health.as_str());
            sink.sample(&labels, since.as_unix_seconds().into())?;
        }
    }
    Ok(())
}

fn heartbeat_ages(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for (scope, kind, agent_counts) in all_counts(page) {
        let labels = [&*scope.organization, &*scope.template, kind.as_str()];
        sink.histogram(&labels, &agent_counts.heartbeat_ages)?;
    }
    Ok(())
}

fn transitions(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    if page.fleet().is_none_or(|fleet| fleet.agents.is_none()) {
        return Ok(());
    }
    for (scope, counts) in page.transitions.iter() {
        for (from, to, count) in pairs(counts) {
            let labels = [
                &*scope.organization,
                &*scope.template,
                from.as_str(),
                to.as_str(),
            ];
            sink.sample(&labels, count.into())?;
        }
    }
    Ok(())
}

fn versions(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let common = common_versions(page);
    let mut counts: BTreeMap<(&Scope, &str), u64> = BTreeMap::new();
    for (scope, _, agent_counts) in all_counts(page) {
        for (version, count) in &agent_counts.versions {
            let version = version_name(version);
            let is_common = common.contains(version);
            let shown = if is_common { version } else { "other" };
            *counts.entry((scope, shown)).or_default() += count;
        }
    }
    for ((scope, version), count) in counts {
        let labels = [&*scope.organization, &*scope.template, version];
        sink.sample(&labels, count.into())?;
    }
    Ok(())
}

/// The most common versions of the whole fleet. Equally common versions are sorted by name.
fn common_versions(page: &Page) -> BTreeSet<&str> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, _, agent_counts) in all_counts(page) {
        for (version, count) in &agent_counts.versions {
            *counts.entry(version_name(version)).or_default() += count;
        }
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|&(version, count)| (Reverse(count), version));
    let versions = ranked.into_iter().map(|(version, _)| version);
    versions.take(MOST_VERSIONS).collect()
}

/// The version for a label. A row has none before its agent first connects.
fn version_name(version: &Label) -> &str {
    match &**version {
        "" => "unknown",
        version => version,
    }
}
