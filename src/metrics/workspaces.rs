//! Metrics that count apps, workspaces and chats.

use std::collections::BTreeMap;
use std::fmt;

use crate::fleet::model::agent::Scope;
use crate::fleet::model::label_value::{CountByLabel, Counted, Variants};
use crate::fleet::model::time::Timestamp;
use crate::fleet::stats::collection::Collector;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// Counts by organization and template.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_apps",
        help: "Workspace apps of latest builds by health; unknown where the agent is not connected or not expected",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "health"],
        source: Source::Collector(Collector::Apps),
        stability: Stability::Stable,
        samples: |page, sink| count(page.fleet().and_then(|it| it.apps.as_ref()), sink),
    },
    Family {
        name: "coder_workspaces",
        help: "Workspaces that are not deleted, by state of their latest build",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "state"],
        source: Source::Collector(Collector::Workspaces),
        stability: Stability::Stable,
        samples: |page, sink| count(page.fleet().and_then(|it| it.workspaces.as_ref()), sink),
    },
    Family {
        name: "coder_workspace_oldest_build_timestamp_seconds",
        help: "Unix timestamp at which the oldest build was created whose workspace is still in this state; absent when none is",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "state"],
        source: Source::Collector(Collector::Workspaces),
        stability: Stability::Stable,
        samples: oldest_builds,
    },
    Family {
        name: "coder_chat_bindings",
        help: "Chats that are not archived, by state of their agent binding; requires Coder v2.32",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "state"],
        source: Source::Collector(Collector::Bindings),
        stability: Stability::Stable,
        samples: |page, sink| count(page.fleet().and_then(|it| it.bindings.as_ref()), sink),
    },
];

/// Of workspaces that are on their way to another state: since when.
fn oldest_builds(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let counts = page.fleet().and_then(|it| it.snapshot.workspaces.as_ref());
    let mut oldest: BTreeMap<(&Scope, &'static str), Timestamp> = BTreeMap::new();
    for count in counts.into_iter().flatten() {
        let state = count.state();
        if let Some(at) = count.oldest.filter(|_| state.is_under_way()) {
            let known = oldest.entry((&count.scope, state.as_str())).or_insert(at);
            *known = at.min(*known);
        }
    }
    for ((scope, state), at) in oldest {
        let labels = [&*scope.organization, &*scope.template, state];
        sink.sample(&labels, at.as_unix_seconds().into())?;
    }
    Ok(())
}

fn count<V: Counted>(
    by_scope: Option<&BTreeMap<Scope, CountByLabel<V>>>,
    sink: &mut dyn Sink,
) -> fmt::Result {
    for (scope, counts) in by_scope.into_iter().flatten() {
        for (value, count) in counts.iter() {
            let labels = [&*scope.organization, &*scope.template, value];
            sink.sample(&labels, count.into())?;
        }
    }
    Ok(())
}
