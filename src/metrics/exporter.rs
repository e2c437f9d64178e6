//! Families about this exporter's own work. They are there whatever the database does.

use std::fmt;

use crate::fleet::named::Variants;
use crate::fleet::pass::Outcome;

use super::family::{Family, MetricKind, Sink, Source};
use super::page::Page;
use super::problems;

/// What this exporter did, and how it went.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_exporter_up",
        help: "Whether the database answered this scrape",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        samples: |page, sink| sink.sample(&[], page.fleet().is_some().into()),
    },
    Family {
        name: "coder_exporter_collector_success",
        help: "Whether a collector loaded in this pass; without success its families are absent",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        samples: collector_success,
    },
    Family {
        name: "coder_exporter_collector_duration_seconds",
        help: "Time from a collector's query to its last row in this pass",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        samples: collector_durations,
    },
    Family {
        name: "coder_exporter_collector_rows",
        help: "Rows the database sent to a collector in this pass",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        samples: collector_rows,
    },
    Family {
        name: "coder_exporter_snapshot_timestamp_seconds",
        help: "The moment all fleet families are true for, by the database's clock",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        samples: |page, sink| match page.fleet() {
            Some(fleet) => sink.sample(&[], fleet.snapshot.now.as_unix_seconds().into()),
            None => Ok(()),
        },
    },
    Family {
        name: "coder_exporter_clock_skew_seconds",
        help: "Exporter's clock minus the database's; positive when the exporter is ahead",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        samples: |page, sink| match page.pass.clock_skew_seconds {
            Some(skew) => sink.sample(&[], skew.into()),
            None => Ok(()),
        },
    },
    Family {
        name: "coder_exporter_errors_total",
        help: "Errors since the exporter started, by kind",
        kind: MetricKind::Counter,
        labels: &["kind"],
        source: Source::Exporter,
        samples: errors,
    },
    Family {
        name: "coder_exporter_last_error_timestamp_seconds",
        help: "When an error of this kind last happened; absent when it never did",
        kind: MetricKind::Gauge,
        labels: &["kind"],
        source: Source::Exporter,
        samples: last_errors,
    },
    Family {
        name: "coder_exporter_series_dropped",
        help: "Agents left out of a family in this scrape, because of --metrics.max-agent-series",
        kind: MetricKind::Gauge,
        labels: &["metric"],
        source: Source::Exporter,
        samples: |page, sink| {
            problems::dropped(page)
                .try_for_each(|(metric, count)| sink.sample(&[metric], count.into()))
        },
    },
    Family {
        name: "coder_exporter_build_info",
        help: "The version of this exporter",
        kind: MetricKind::Info,
        labels: &["version"],
        source: Source::Exporter,
        samples: |_, sink| sink.sample(&[env!("CARGO_PKG_VERSION")], true.into()),
    },
];

fn collector_success(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.pass.reports {
        let loaded = matches!(report.outcome, Outcome::Loaded { .. });
        sink.sample(&[report.collector.as_str()], loaded.into())?;
    }
    Ok(())
}

fn collector_durations(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.pass.reports {
        if let Outcome::Loaded { duration, .. } = report.outcome {
            let seconds = duration.as_secs_f64();
            sink.sample(&[report.collector.as_str()], seconds.into())?;
        }
    }
    Ok(())
}

fn collector_rows(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.pass.reports {
        if let Outcome::Loaded { rows, .. } = report.outcome {
            sink.sample(&[report.collector.as_str()], rows.into())?;
        }
    }
    Ok(())
}

fn errors(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for (kind, count) in page.errors.iter() {
        sink.sample(&[kind.as_str()], count.total.into())?;
    }
    Ok(())
}

fn last_errors(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for (kind, count) in page.errors.iter() {
        if let Some(last) = count.last {
            sink.sample(&[kind.as_str()], last.as_unix_seconds().into())?;
        }
    }
    Ok(())
}
