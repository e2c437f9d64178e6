//! Families about what workspaces are used for (`docs/spec/metrics.md#activity`).

use std::fmt;

use crate::fleet::stats::workspace_activity::workspaces_by_activity;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// What workspaces are used for.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_workspaces_activity",
        help: "Started workspaces by what they were used for in the last 3 minutes",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "template_name", "activity"],
        source: Source::Activity,
        stability: Stability::Stable,
        samples: by_activity,
    },
    Family {
        name: "coder_exporter_activity_timestamp_seconds",
        help: "Unix timestamp of the last reading of the session reports, by the database's clock",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Activity,
        stability: Stability::Stable,
        samples: |page, sink| {
            let at = page.activity.as_ref().map(|it| it.now.as_unix_seconds());
            at.map_or(Ok(()), |it| sink.sample(&[], it.into()))
        },
    },
];

fn by_activity(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let known = page.fleet().zip(page.activity.as_deref());
    let counts = known.and_then(|(fleet, activity)| workspaces_by_activity(fleet, activity));
    for (scope, counts) in counts.into_iter().flatten() {
        for (activity, count) in counts.iter() {
            let labels = [&*scope.organization, &*scope.template, activity];
            sink.sample(&labels, count.into())?;
        }
    }
    Ok(())
}
