//! Families about what Coder says of itself over HTTP (`docs/spec/signs-of-life.md`). They are
//! there when `--coder.url` is set.

use std::fmt;

use crate::fleet::model::label_value::Variants;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// What Coder says.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_up",
        help: "Whether Coder answered this exporter at /healthz",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Coder,
        stability: Stability::Stable,
        samples: |page, sink| {
            let is_up = page.coder.as_ref().and_then(|it| it.is_up());
            is_up.map_or(Ok(()), |it| sink.sample(&[], it.into()))
        },
    },
    Family {
        name: "coder_round_trip_seconds",
        help: "Time that Coder took to answer at /healthz; absent when it did not",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Coder,
        stability: Stability::Stable,
        samples: |page, sink| {
            let healthz = page.coder.as_ref().and_then(|it| it.healthz.as_ref());
            match healthz {
                Some(Ok(took)) => sink.sample(&[], took.as_secs_f64().into()),
                _ => Ok(()),
            }
        },
    },
    Family {
        name: "coder_build_info",
        help: "Version of Coder",
        kind: MetricKind::Info,
        labels: &["version"],
        source: Source::Coder,
        stability: Stability::Stable,
        samples: |page, sink| {
            let version = page.coder.as_ref().and_then(|it| it.version.as_ref());
            version.map_or(Ok(()), |it| sink.sample(&[it], true.into()))
        },
    },
    Family {
        name: "coder_health_severity",
        help: "Severity in Coder's own health report by section: 0 ok, 1 warning, 2 error",
        kind: MetricKind::Gauge,
        labels: &["section"],
        source: Source::Coder,
        stability: Stability::Stable,
        samples: severities,
    },
];

fn severities(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let severities = page.coder.iter().filter_map(|it| it.severities.as_ref());
    for (section, severity) in severities.flatten() {
        if let Some(severity) = severity {
            sink.sample(&[section.as_str()], (*severity as u64).into())?;
        }
    }
    Ok(())
}
