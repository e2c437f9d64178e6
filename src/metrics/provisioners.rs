//! Families about provisioner daemons and the jobs that wait for them
//! (`docs/spec/signs-of-life.md`).

use std::collections::BTreeMap;
use std::fmt;

use crate::fleet::model::agent::Label;
use crate::fleet::rules::provisioner::{ProvisionerCounts, count_provisioners};
use crate::fleet::stats::collection::Collector;

use super::family::{Family, MetricKind, Sink, Source, Stability};
use super::page::Page;

/// What can be built, and what waits.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_provisioner_daemons",
        help: "Provisioner daemons by status; requires Coder v2.5",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "status"],
        source: Source::Collector(Collector::Provisioners),
        stability: Stability::Stable,
        samples: |page, sink| {
            for (organization, counts) in counts(page) {
                for (status, count) in counts.daemons.iter() {
                    sink.sample(&[&organization, status], count.into())?;
                }
            }
            Ok(())
        },
    },
    Family {
        name: "coder_provisioner_jobs",
        help: "Provisioner jobs that have not ended, by status; requires Coder v2.5",
        kind: MetricKind::Gauge,
        labels: &["organization_name", "status"],
        source: Source::Collector(Collector::Provisioners),
        stability: Stability::Stable,
        samples: |page, sink| {
            for (organization, counts) in counts(page) {
                for (status, count) in counts.jobs.iter() {
                    sink.sample(&[&organization, status], count.into())?;
                }
            }
            Ok(())
        },
    },
    Family {
        name: "coder_provisioner_oldest_pending_job_timestamp_seconds",
        help: "Unix timestamp at which the oldest pending provisioner job was created; absent when none is pending",
        kind: MetricKind::Gauge,
        labels: &["organization_name"],
        source: Source::Collector(Collector::Provisioners),
        stability: Stability::Stable,
        samples: |page, sink| {
            for (organization, counts) in counts(page) {
                if let Some(at) = counts.oldest_pending {
                    sink.sample(&[&organization], at.as_unix_seconds().into())?;
                }
            }
            Ok(())
        },
    },
    Family {
        name: "coder_provisioner_unmatched_jobs",
        help: "Pending provisioner jobs whose organization and tags fit no daemon that is online; requires Coder v2.5",
        kind: MetricKind::Gauge,
        labels: &["organization_name"],
        source: Source::Collector(Collector::Provisioners),
        stability: Stability::Stable,
        samples: unmatched,
    },
];

fn counts(page: &Page) -> BTreeMap<Label, ProvisionerCounts> {
    let counts = page.fleet().and_then(|fleet| {
        let provisioners = fleet.snapshot.provisioners.as_ref()?;
        Some(count_provisioners(provisioners, fleet.snapshot.now))
    });
    counts.unwrap_or_default()
}

fn unmatched(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    for (organization, counts) in counts(page) {
        sink.sample(&[&organization], counts.unmatched.into())?;
    }
    Ok(())
}
