//! Metrics about the exporter itself. They are present even if the database does not answer.

use std::fmt;

use crate::fleet::model::label_value::Variants;
use crate::fleet::model::snapshot::Schema;
use crate::fleet::stats::collection::Outcome;
use crate::fleet::stats::fleet_stats::FleetStats;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// Results, durations and errors of the exporter's own work.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_exporter_up",
        help: "Whether the database answered in this scrape and the agents could be read",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.collection.is_up().into()),
    },
    Family {
        name: "coder_exporter_collector_success",
        help: "Whether the collector succeeded; if it failed, its metrics are absent",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: collector_success,
    },
    Family {
        name: "coder_exporter_collector_duration_seconds",
        help: "Time from the collector's query to its last row",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: collector_durations,
    },
    Family {
        name: "coder_exporter_collector_rows",
        help: "Number of rows that the collector read from the database",
        kind: MetricKind::Gauge,
        labels: &["collector"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: collector_rows,
    },
    Family {
        name: "coder_exporter_snapshot_timestamp_seconds",
        help: "Unix timestamp of the fleet metrics' snapshot, by the database's clock",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| {
            let now = page.fleet().map(|it| it.snapshot.now.as_unix_seconds());
            optional(now, sink)
        },
    },
    Family {
        name: "coder_exporter_clock_skew_seconds",
        help: "Exporter's clock minus the database's clock; positive when the exporter is ahead",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| optional(page.collection.clock_skew_seconds, sink),
    },
    Family {
        name: "coder_exporter_heartbeat_lead_seconds",
        help: "Newest heartbeat minus the snapshot's timestamp; positive when coderd's clock is ahead",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| {
            let lead = page.fleet().and_then(FleetStats::heartbeat_lead_seconds);
            optional(lead, sink)
        },
    },
    Family {
        name: "coder_exporter_replica_lag_seconds",
        help: "Replication lag of the standby that the exporter reads; absent on a primary",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| {
            let lag = page.fleet().and_then(|it| it.snapshot.replica_lag_seconds);
            optional(lag, sink)
        },
    },
    Family {
        name: "coder_exporter_schema_info",
        help: "Information about the database schema: last migration and optional features found",
        kind: MetricKind::Info,
        labels: &[
            "migration",
            "has_agent_parent_id",
            "has_agent_deleted",
            "has_chat_agent_id",
            "has_provisioner_last_seen",
            "has_script_timings",
            "has_resource_monitors",
            "newer_than_tested",
        ],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: schema_info,
    },
    Family {
        name: "coder_exporter_errors_total",
        help: "Total number of errors by kind",
        kind: MetricKind::Counter,
        labels: &["kind"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: errors,
    },
    Family {
        name: "coder_exporter_build_differences_total",
        help: "Total number of builds that were read again and differed from what was remembered; 0 unless rows were changed by hand",
        kind: MetricKind::Counter,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.errors.build_differences.into()),
    },
    Family {
        name: "coder_exporter_last_error_timestamp_seconds",
        help: "Unix timestamp of the last error of this kind; absent if there was none",
        kind: MetricKind::Gauge,
        labels: &["kind"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: last_errors,
    },
    Family {
        name: "coder_exporter_series_dropped",
        help: "Number of series, replicas or incidents left out of a metric because of its limit or of --metrics.max-page-bytes",
        kind: MetricKind::Gauge,
        labels: &["metric"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| {
            let mut dropped = page.dropped().iter();
            dropped.try_for_each(|(metric, count)| sink.sample(&[metric], (*count).into()))
        },
    },
    Family {
        name: "coder_exporter_unobserved_seconds_total",
        help: "Seconds between collections that were too far apart for the service level",
        kind: MetricKind::Counter,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.service_level.unobserved_seconds().into()),
    },
    Family {
        name: "coder_exporter_config_last_reload_successful",
        help: "Whether the last reload of the configuration files was successful",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.is_config_current.into()),
    },
    Family {
        name: "coder_exporter_tls_refused_total",
        help: "Clients that were refused because of their TLS certificate",
        kind: MetricKind::Counter,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.tls_refused.into()),
    },
    Family {
        name: "coder_exporter_deprecated_settings",
        help: "Settings in use under a deprecated name; the log names them at the start",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| sink.sample(&[], page.deprecated_settings.into()),
    },
    Family {
        name: "coder_exporter_agent_limit_seconds",
        help: "Limits after which an agent counts as lost or stuck, from the settings --agent.*",
        kind: MetricKind::Gauge,
        labels: &["limit"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: agent_limits,
    },
    Family {
        name: "coder_exporter_links_info",
        help: "Addresses of Coder and of this exporter, for links of alerts and dashboards; empty when not set",
        kind: MetricKind::Info,
        labels: &["coder_url", "external_url"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: |page, sink| {
            let addresses = &page.addresses;
            sink.sample(&[&addresses.coder, &addresses.external], true.into())
        },
    },
    Family {
        name: "coder_exporter_build_info",
        help: "Version of the exporter, and the commit that it was built from; unknown when not built from a checkout",
        kind: MetricKind::Info,
        labels: &["version", "revision"],
        source: Source::Exporter,
        stability: Stability::Stable,
        samples: build_info,
    },
];

fn build_info(_: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let revision = match env!("BUILD_COMMIT") {
        "" => "unknown",
        commit => commit,
    };
    sink.sample(&[env!("CARGO_PKG_VERSION"), revision], true.into())
}

fn optional(value: Option<f64>, sink: &mut dyn Sink) -> fmt::Result {
    match value {
        Some(value) => sink.sample(&[], value.into()),
        None => Ok(()),
    }
}

fn schema_info(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let Some(fleet) = page.fleet() else {
        return Ok(());
    };
    let Schema {
        migration,
        has_parent_id,
        has_deleted,
        has_chat_agent_id,
        has_provisioner_last_seen,
        has_script_timings,
        has_resource_monitors,
    } = &fleet.snapshot.schema;
    let is_newer = fleet.snapshot.schema.is_newer_than_tested();
    let migration = migration.map(|it| it.to_string()).unwrap_or_default();
    let yes_or_no = |has: &bool| if *has { "true" } else { "false" };
    let labels = [
        &*migration,
        yes_or_no(has_parent_id),
        yes_or_no(has_deleted),
        yes_or_no(has_chat_agent_id),
        yes_or_no(has_provisioner_last_seen),
        yes_or_no(has_script_timings),
        yes_or_no(has_resource_monitors),
        is_newer.as_ref().map(yes_or_no).unwrap_or_default(),
    ];
    sink.sample(&labels, true.into())
}

fn agent_limits(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let limits = page.fleet().map(|it| it.limits().by_name());
    for (limit, duration) in limits.into_iter().flatten() {
        sink.sample(&[limit], duration.as_secs_f64().into())?;
    }
    Ok(())
}

fn collector_success(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.collection.reports {
        // A collector that this Coder has nothing for neither succeeds nor fails.
        if matches!(report.outcome, Outcome::Unsupported { .. }) {
            continue;
        }
        let loaded = matches!(report.outcome, Outcome::Loaded { .. });
        sink.sample(&[report.collector.as_str()], loaded.into())?;
    }
    Ok(())
}

fn collector_durations(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.collection.reports {
        if let Outcome::Loaded { duration, .. } = report.outcome {
            let seconds = duration.as_secs_f64();
            sink.sample(&[report.collector.as_str()], seconds.into())?;
        }
    }
    Ok(())
}

fn collector_rows(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for report in &page.collection.reports {
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
