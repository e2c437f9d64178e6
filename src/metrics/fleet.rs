//! Families that count the agents and apps of the fleet.

use std::fmt;

use crate::fleet::agent::{Kind, Scope};
use crate::fleet::census::Tally;
use crate::fleet::named::{Counts, Variants};
use crate::fleet::pass::Collector;

use super::family::{Family, MetricKind, Sink, Source};
use super::page::Page;

/// Agents and apps, by organization and template.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_agents",
        help: "Workspace agents of latest builds by connection status",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "kind", "status"],
        source: Source::Collector(Collector::Agents),
        samples: |page, sink| count_agents(page, sink, |tally| &tally.status),
    },
    Family {
        name: "coder_agents_lifecycle",
        help: "Workspace agents of latest builds by the lifecycle state they last reported",
        kind: MetricKind::Gauge,
        labels: &[
            "organization_name",
            "template_name",
            "kind",
            "lifecycle_state",
        ],
        source: Source::Collector(Collector::Agents),
        samples: |page, sink| count_agents(page, sink, |tally| &tally.lifecycle),
    },
    Family {
        name: "coder_agents_health",
        help: "Workspace agents of latest builds by health class, each agent in exactly one",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "kind", "health"],
        source: Source::Collector(Collector::Agents),
        samples: |page, sink| count_agents(page, sink, |tally| &tally.health),
    },
    Family {
        name: "coder_apps",
        help: "Workspace apps of latest builds by health",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "health"],
        source: Source::Collector(Collector::Apps),
        samples: count_apps,
    },
];

fn count_agents<V: Variants>(
    page: &Page,
    sink: &mut dyn Sink,
    counts: fn(&Tally) -> &Counts<V>,
) -> fmt::Result {
    let agents = page.fleet().and_then(|fleet| fleet.agents.as_ref());
    for ((scope, kind), tally) in agents.into_iter().flatten() {
        for (value, count) in counts(tally).iter() {
            sink.sample(&agent_labels(scope, *kind, value), count.into())?;
        }
    }
    Ok(())
}

fn agent_labels<'a>(scope: &'a Scope, kind: Kind, value: &'a str) -> [&'a str; 4] {
    [&scope.organization, &scope.template, kind.as_str(), value]
}

fn count_apps(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let apps = page.fleet().and_then(|fleet| fleet.apps.as_ref());
    for (scope, counts) in apps.into_iter().flatten() {
        for (health, count) in counts.iter() {
            let labels = [&*scope.organization, &*scope.template, health];
            sink.sample(&labels, count.into())?;
        }
    }
    Ok(())
}
