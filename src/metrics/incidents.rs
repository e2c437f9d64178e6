//! Families about incidents.

use std::fmt;

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;
use crate::incident::model::Incident;

use super::family::{Family, MetricKind, Sink, Source, Stability, Value};
use super::page::Page;

/// At most so many incidents have series: people's first, the largest first.
const MOST: usize = 20;

const fn family(
    name: &'static str,
    help: &'static str,
    samples: fn(&Page, &mut dyn Sink) -> fmt::Result,
) -> Family {
    Family {
        name,
        help,
        kind: MetricKind::Gauge,
        labels: &["kind", "family", "factor", "value"],
        source: Source::Collector(Collector::Agents),
        stability: Stability::Stable,
        samples,
    }
}

/// One series of each for every incident.
pub(super) const FAMILIES: &[Family] = &[
    family(
        "coder_incident_agents",
        "Agents with a problem that have something in common, by what that is",
        |page, sink| each(page, sink, |it| Some((it.members.len() as u64).into())),
    ),
    family(
        "coder_incident_expected_agents",
        "Agents that the incident could have hit",
        |page, sink| each(page, sink, |it| Some(u64::from(it.expected).into())),
    ),
    family(
        "coder_incident_users",
        "Owners of the workspaces in an incident",
        |page, sink| each(page, sink, |it| Some(u64::from(it.owners).into())),
    ),
    family(
        "coder_incident_users_in_session",
        "Owners who were in session when their agent was lost: people who were cut off at work",
        |page, sink| {
            each(page, sink, |it| {
                Some(u64::from(it.owners_in_session?).into())
            })
        },
    ),
    family(
        "coder_incident_start_timestamp_seconds",
        "When the first agent of an incident got its problem",
        |page, sink| each(page, sink, |it| Some(it.first?.as_unix_seconds().into())),
    ),
    family(
        "coder_incident_last_agent_timestamp_seconds",
        "When the last agent of an incident got its problem",
        |page, sink| each(page, sink, |it| Some(it.last?.as_unix_seconds().into())),
    ),
];

/// Incidents that got no series.
pub(super) fn dropped(page: &Page) -> impl Iterator<Item = (&'static str, u64)> {
    let incidents = page.incidents.iter();
    let more = incidents.map(|it| it.len().saturating_sub(MOST) as u64);
    more.map(|count| ("coder_incident_agents", count))
}

fn each(
    page: &Page,
    sink: &mut dyn Sink,
    value: impl Fn(&Incident) -> Option<Value>,
) -> fmt::Result {
    let incidents = page.incidents.iter().flat_map(|it| it.iter());
    for incident in incidents.take(MOST) {
        if let Some(value) = value(incident) {
            let (kind, family) = (incident.kind.as_str(), incident.family.as_str());
            let factor = incident.common.factor();
            sink.sample(&[kind, family, &factor, incident.common.value()], value)?;
        }
    }
    Ok(())
}
