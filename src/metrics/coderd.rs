//! Coder's own agent metrics, by its names and labels, so that dashboards made for them work.
//!
//! Only the numbers differ: these are true for one moment. Served with
//! `--metrics.coderd-compat`.

use std::collections::BTreeMap;
use std::fmt;

use crate::fleet::agent::Agent;
use crate::fleet::census::Fleet;
use crate::fleet::named::Variants;
use crate::fleet::pass::Collector;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// The three families of coderd that this exporter can stand in for.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coderd_agents_up",
        help: "Agents by workspace and template version; only with --metrics.coderd-compat",
        kind: MetricKind::Gauge,
        labels: &[
            "username",
            "workspace_name",
            "template_name",
            "template_version",
        ],
        source: Source::Collector(Collector::Agents),
        stability: Stability::FollowsCoder,
        samples: up,
    },
    Family {
        name: "coderd_agents_connections",
        help: "Agents by name, status and lifecycle state; only with --metrics.coderd-compat",
        kind: MetricKind::Gauge,
        labels: &[
            "agent_name",
            "username",
            "workspace_name",
            "status",
            "lifecycle_state",
            "tailnet_node",
        ],
        source: Source::Collector(Collector::Agents),
        stability: Stability::FollowsCoder,
        samples: connections,
    },
    Family {
        name: "coderd_agents_apps",
        help: "Apps by agent, name and health; only with --metrics.coderd-compat",
        kind: MetricKind::Gauge,
        labels: &[
            "agent_name",
            "username",
            "workspace_name",
            "app_name",
            "health",
        ],
        source: Source::Collector(Collector::Apps),
        stability: Stability::FollowsCoder,
        samples: apps,
    },
];

/// Coder has no series for a node it does not know either.
const TAILNET_NODE: &str = "unknown";

/// Series by their labels: two rows with the same labels are one series.
type Series<'a, const N: usize> = BTreeMap<[&'a str; N], u64>;

fn fleet(page: &Page) -> Option<&Fleet> {
    page.fleet().filter(|_| page.detail.coderd_compat)
}

fn write<const N: usize>(series: Series<'_, N>, sink: &mut dyn Sink) -> fmt::Result {
    series
        .into_iter()
        .try_for_each(|(labels, value)| sink.sample(&labels, value.into()))
}

fn up(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let mut series = Series::new();
    if let Some(fleet) = fleet(page) {
        for (agent, _) in fleet.judged() {
            let scope = fleet.snapshot.scopes.get(agent.scope);
            let template = scope.map_or("", |scope| &*scope.template);
            let version = match &*agent.template_version {
                "" => "unknown",
                version => version,
            };
            let labels = [&*agent.owner, &*agent.workspace, template, version];
            *series.entry(labels).or_default() += 1;
        }
    }
    write(series, sink)
}

fn connections(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let mut series = Series::new();
    if let Some(fleet) = fleet(page) {
        for (agent, assessment) in fleet.judged() {
            let labels = [
                &*agent.name,
                &*agent.owner,
                &*agent.workspace,
                assessment.status.as_str(),
                agent.lifecycle.as_str(),
                TAILNET_NODE,
            ];
            // Set, not added: two agents of one name in one workspace are one connection here.
            series.insert(labels, 1);
        }
    }
    write(series, sink)
}

fn apps(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let mut series = Series::new();
    if let Some(fleet) = fleet(page) {
        let agents: &[Agent] = fleet.snapshot.agents.as_deref().unwrap_or_default();
        for app in fleet.snapshot.named_apps.iter().flatten() {
            let Some(agent) = agents.get(app.agent) else {
                continue;
            };
            let labels = [
                &*agent.name,
                &*agent.owner,
                &*agent.workspace,
                &*app.name,
                app.health.as_str(),
            ];
            *series.entry(labels).or_default() += app.count;
        }
    }
    write(series, sink)
}
