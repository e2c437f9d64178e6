//! Coder's own agent metrics, with its names and labels, so that existing dashboards work.
//!
//! All values are from the same time, unlike Coder's. Enabled by `--metrics.coderd-compat`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::app::NamedApp;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::duplicates::repeats;
use crate::fleet::stats::fleet_stats::FleetStats;

use super::budget::{Write, within};
use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

const UP: &str = "coderd_agents_up";
const CONNECTIONS: &str = "coderd_agents_connections";
const APPS: &str = "coderd_agents_apps";

/// All of them can grow; the first is kept longest when the page has no room.
pub(super) const GROWING: &[(&str, Write)] = &[(UP, up), (CONNECTIONS, connections), (APPS, apps)];

/// The three families of coderd that the exporter can provide.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: UP,
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
        samples: |page, sink| within(page, UP, up, sink),
    },
    Family {
        name: CONNECTIONS,
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
        samples: |page, sink| within(page, CONNECTIONS, connections, sink),
    },
    Family {
        name: APPS,
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
        samples: |page, sink| within(page, APPS, apps, sink),
    },
];

/// The value of the label `tailnet_node`, which is not in the database. Coder uses it for a node
/// that it does not know.
const TAILNET_NODE: &str = "unknown";

/// Values by labels: rows with the same labels are added to one series.
type Series<'a, const N: usize> = BTreeMap<[&'a str; N], u64>;

/// Number of rows that give the same series as another row (`docs/spec/failures.md`): agents with
/// the same name in a workspace, or workspaces with the same name and owner, which Coder's labels
/// do not distinguish. They are merged as in Coder: counts are added, and a connection stays 1.
pub fn merged_rows(fleet: &FleetStats) -> u64 {
    let agents: &[Agent] = fleet.snapshot.agents.as_deref().unwrap_or_default();
    let agents_of_one_name = repeats(
        fleet
            .judged()
            .map(|(agent, assessment)| connection_labels(agent, assessment.status)),
    );
    // All agents of one workspace count together: it is workspaces that repeat each other.
    let workspaces: HashMap<Uuid, _> = agents
        .iter()
        .map(|agent| (agent.workspace_id, up_labels(fleet, agent)))
        .collect();
    let apps = fleet.snapshot.named_apps.iter().flatten();
    let apps = apps.filter_map(|app| Some(app_labels(agents.get(app.agent)?, app)));
    agents_of_one_name + repeats(workspaces.into_values()) + repeats(apps)
}

/// The families, with the number of series that the limits left out.
pub(super) fn dropped(page: &Page) -> impl Iterator<Item = (&'static str, u64)> {
    let fleet = fleet(page);
    let agents = fleet.filter(|it| it.agents.is_some()).map(|_| {
        let of = |metric| (metric, page.cut_from(metric));
        [of(UP), of(CONNECTIONS)]
    });
    let apps = fleet.filter(|it| it.snapshot.named_apps.is_some());
    let apps = apps.map(|it| (APPS, it.snapshot.dropped_apps + page.cut_from(APPS)));
    agents.into_iter().flatten().chain(apps)
}

fn fleet(page: &Page) -> Option<&FleetStats> {
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
            *series.entry(up_labels(fleet, agent)).or_default() += 1;
        }
    }
    write(series, sink)
}

fn connections(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let mut series = Series::new();
    if let Some(fleet) = fleet(page) {
        for (agent, assessment) in fleet.judged() {
            // Set, not added: two agents of one name in one workspace are one connection here.
            series.insert(connection_labels(agent, assessment.status), 1);
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
            *series.entry(app_labels(agent, app)).or_default() += app.count;
        }
    }
    write(series, sink)
}

fn up_labels<'a>(fleet: &'a FleetStats, agent: &'a Agent) -> [&'a str; 4] {
    let scope = fleet.snapshot.scopes.get(agent.scope);
    let template = scope.map_or("", |scope| &*scope.template);
    let version = match &*agent.template_version {
        "" => "unknown",
        version => version,
    };
    [&agent.owner, &agent.workspace, template, version]
}

fn connection_labels(agent: &Agent, status: Status) -> [&str; 6] {
    [
        &agent.name,
        &agent.owner,
        &agent.workspace,
        status.as_str(),
        agent.lifecycle.as_str(),
        TAILNET_NODE,
    ]
}

fn app_labels<'a>(agent: &'a Agent, app: &'a NamedApp) -> [&'a str; 5] {
    [
        &agent.name,
        &agent.owner,
        &agent.workspace,
        &app.name,
        app.health.as_str(),
    ]
}
