//! Families about Coder's replicas: its signs of life in the database
//! (`docs/spec/signs-of-life.md`).

use std::collections::HashSet;
use std::fmt;

use uuid::Uuid;

use crate::fleet::model::coder::Replica;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::coder::{ReplicaState, replica_state};
use crate::fleet::stats::collection::Collector;

use super::family::{Family, MetricKind, Sink, Source, Stability, Value};
use super::page::Page;

/// So many replicas get series of their own: those whose sign of life is newest.
const MOST_REPLICAS: usize = 50;

const INFO: &str = "coder_replica_info";

const LABELS: &[&str] = &["replica", "hostname", "version"];

/// What there is of Coder's replicas.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "coder_down",
        help: "Whether Coder is down: no replica is running and no agent heartbeat is newer than 30 seconds",
        kind: MetricKind::Gauge,
        labels: &[],
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: |page, sink| {
            let state = page.fleet().and_then(|it| it.coder_state());
            state.map_or(Ok(()), |it| sink.sample(&[], it.is_down().into()))
        },
    },
    Family {
        name: "coder_last_sign_of_life_timestamp_seconds",
        help: "Unix timestamp of the newest sign of life of Coder by source",
        kind: MetricKind::Gauge,
        labels: &["source"],
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: signs,
    },
    Family {
        name: "coder_replicas",
        help: "Replicas of coderd by state; workspace proxies are not counted",
        kind: MetricKind::Gauge,
        labels: &["state"],
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: counts,
    },
    Family {
        name: INFO,
        help: "Information about each replica of coderd and each workspace proxy",
        kind: MetricKind::Info,
        labels: LABELS,
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: |page, sink| each(page, sink, |_| Some(true.into())),
    },
    Family {
        name: "coder_replica_heartbeat_timestamp_seconds",
        help: "Unix timestamp at which the replica last updated its row",
        kind: MetricKind::Gauge,
        labels: LABELS,
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: |page, sink| {
            each(page, sink, |it| {
                it.updated_at.map(|at| at.as_unix_seconds().into())
            })
        },
    },
    Family {
        name: "coder_replica_database_latency_seconds",
        help: "Database latency that the replica measured",
        kind: MetricKind::Gauge,
        labels: LABELS,
        source: Source::Collector(Collector::Replicas),
        stability: Stability::Stable,
        samples: |page, sink| {
            each(page, sink, |it| {
                it.database_latency.map(|it| it.as_secs_f64().into())
            })
        },
    },
];

/// How many replicas get no series of their own, where replicas are known.
pub(super) fn dropped(page: &Page) -> impl Iterator<Item = (&'static str, u64)> {
    let replicas = page.fleet().and_then(|it| it.snapshot.replicas.as_ref());
    let left_out = replicas.map(|it| it.len().saturating_sub(MOST_REPLICAS) as u64);
    left_out.into_iter().map(|count| (INFO, count))
}

fn replicas(page: &Page) -> &[Replica] {
    let replicas = page.fleet().and_then(|it| it.snapshot.replicas.as_deref());
    replicas.unwrap_or_default()
}

fn signs(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let Some(fleet) = page.fleet().filter(|it| it.snapshot.replicas.is_some()) else {
        return Ok(());
    };
    let coderds = replicas(page).iter().filter(|it| it.is_coderd());
    let replica = coderds.filter_map(|it| it.updated_at).max();
    let daemons = fleet.snapshot.provisioners.iter();
    let daemons = daemons.flat_map(|it| &it.daemons);
    let provisioner = daemons.filter_map(|it| it.last_seen_at).max();
    let signs = [
        ("replica", replica),
        ("heartbeat", fleet.newest_heartbeat()),
        ("provisioner", provisioner),
    ];
    for (source, at) in signs {
        if let Some(at) = at {
            sink.sample(&[source], at.as_unix_seconds().into())?;
        }
    }
    Ok(())
}

fn counts(page: &Page, sink: &mut dyn Sink) -> fmt::Result {
    let Some(fleet) = page.fleet().filter(|it| it.snapshot.replicas.is_some()) else {
        return Ok(());
    };
    let now = fleet.snapshot.now;
    for &state in ReplicaState::ALL {
        let coderds = replicas(page).iter().filter(|it| it.is_coderd());
        let count = coderds.filter(|it| replica_state(it, now) == state).count();
        sink.sample(&[state.as_str()], (count as u64).into())?;
    }
    Ok(())
}

fn each(
    page: &Page,
    sink: &mut dyn Sink,
    value: impl Fn(&Replica) -> Option<Value>,
) -> fmt::Result {
    let mut id = Uuid::encode_buffer();
    let mut written = HashSet::new();
    for replica in replicas(page).iter().take(MOST_REPLICAS) {
        // The id is the primary key; a page must stay whole all the same.
        let Some(value) = value(replica).filter(|_| written.insert(replica.id)) else {
            continue;
        };
        let id = &*replica.id.hyphenated().encode_lower(&mut id);
        sink.sample(&[id, &replica.hostname, &replica.version], value)?;
    }
    Ok(())
}
