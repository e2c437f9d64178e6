//! Metrics about this process, with the names of the Prometheus client libraries.

use std::fmt;

use super::family::{Family, MetricKind, Sink, Source, Stability, Value};
use super::page::{Page, ProcessStats};

/// CPU, memory and file descriptors.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "process_cpu_seconds_total",
        help: "Total user and system CPU time spent in seconds",
        kind: MetricKind::Counter,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.cpu_seconds.into())),
    },
    Family {
        name: "process_open_fds",
        help: "Number of open file descriptors",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.open_fds.into())),
    },
    Family {
        name: "process_max_fds",
        help: "Maximum number of open file descriptors",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.max_fds?.into())),
    },
    Family {
        name: "process_virtual_memory_bytes",
        help: "Virtual memory size in bytes",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.virtual_memory_bytes.into())),
    },
    Family {
        name: "process_resident_memory_bytes",
        help: "Resident memory size in bytes",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.resident_memory_bytes.into())),
    },
    Family {
        name: "process_start_time_seconds",
        help: "Start time of the process since the Unix epoch in seconds",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Process,
        stability: Stability::Stable,
        samples: |page, sink| sample(page, sink, |stats| Some(stats.start_time_seconds.into())),
    },
];

fn sample(
    page: &Page,
    sink: &mut dyn Sink,
    value: fn(&ProcessStats) -> Option<Value>,
) -> fmt::Result {
    match page.process.as_ref().and_then(value) {
        Some(value) => sink.sample(&[], value),
        None => Ok(()),
    }
}
