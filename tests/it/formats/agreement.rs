//! One page, three formats: the same series with the same values, each of them once.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;

use crate::harness::exposition::protobuf::{Exposition, Native};
use crate::harness::exposition::{self, Series, series};
use crate::harness::times;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::fleet_stats::FleetStats;
use coder_agent_exporter::metrics::exposition::Format;
use coder_agent_exporter::metrics::page::{AgentSeries, Page};

use super::pages::{page, page_of_a_failure};

fn text(page: &Arc<Page>) -> exposition::Page {
    read(page, Format::Text, exposition::Format::Text)
}

fn open_metrics(page: &Arc<Page>) -> exposition::Page {
    read(page, Format::OpenMetrics, exposition::Format::OpenMetrics)
}

fn read(page: &Arc<Page>, written: Format, read: exposition::Format) -> exposition::Page {
    let body = String::from_utf8(written.write(page).unwrap()).unwrap();
    exposition::Page::read(read, &body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

fn protobuf(page: &Arc<Page>) -> Exposition {
    let body = Format::Protobuf.write(page).unwrap();
    Exposition::read(&body).unwrap_or_else(|error| panic!("{error}"))
}

/// What each format says; the readers refuse a page that says anything twice.
fn three_ways(page: &Arc<Page>) -> [Series; 3] {
    [
        series(&text(page)),
        series(&open_metrics(page)),
        series(&protobuf(page).page),
    ]
}

fn population(fleet: &FleetStats) -> Option<f64> {
    Some(fleet.snapshot.agents.as_ref()?.len() as f64)
}

proptest! {
    // Each case is a whole fleet in up to three formats.
    #![proptest_config(ProptestConfig::with_cases(times(100)))]

    #[test]
    fn every_format_carries_the_same_series_and_values(page in page()) {
        let [text, open_metrics, protobuf] = three_ways(&page);
        prop_assert_eq!(&text, &open_metrics);
        prop_assert_eq!(&text, &protobuf);
        prop_assert!(text.len() > 10);
    }

    #[test]
    fn every_format_tells_the_same_of_an_outage(page in page_of_a_failure()) {
        let [text, open_metrics, protobuf] = three_ways(&page);
        prop_assert_eq!(&text, &open_metrics);
        prop_assert_eq!(&text, &protobuf);
        let fleet_families = ["coder_agent", "coder_app", "coder_workspace", "coder_chat", "coderd_"];
        let is_probe = |name: &str| name.starts_with("coder_agent_probe_");
        for (name, _) in text.keys().filter(|(name, _)| !is_probe(name)) {
            prop_assert!(!fleet_families.iter().any(|it| name.starts_with(it)), "{name}");
        }
    }

    /// An empty value and no label are the same to Prometheus.
    #[test]
    fn no_two_series_are_equal_to_prometheus(page in page()) {
        let mut seen = HashSet::new();
        for (name, labels) in series(&text(&page)).into_keys() {
            let labels: BTreeMap<_, _> =
                labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let series = format!("{name}{labels:?}");
            prop_assert!(seen.insert((name, labels)), "{series}");
        }
    }

    #[test]
    fn sum_over_every_label_is_the_population_of_any_fleet(page in page()) {
        let fleet = page.fleet().unwrap();
        let read = text(&page);
        let total = population(fleet).filter(|&it| it > 0.0);
        for family in [
            "coder_agents",
            "coder_agents_lifecycle",
            "coder_agents_health",
            "coder_agents_version",
        ] {
            prop_assert_eq!(read.get(family, &[]), total, "{}", read.show(family));
        }
        let ages = read.get("coder_agent_heartbeat_age_seconds_count", &[]);
        prop_assert_eq!(ages.is_some(), total.is_some());
        prop_assert!(ages <= total);
    }

    #[test]
    fn coders_own_metrics_count_the_same_agents(page in page()) {
        let fleet = page.fleet().unwrap();
        let wanted = population(fleet).filter(|&it| it > 0.0 && page.detail.coderd_compat);
        let read = text(&page);
        prop_assert_eq!(read.get("coderd_agents_up", &[]), wanted);
        let connections = read.get("coderd_agents_connections", &[]);
        prop_assert_eq!(connections.is_some(), wanted.is_some());
        prop_assert!(connections <= wanted);
    }

    #[test]
    fn names_come_back_exactly_as_they_went_in(page in page()) {
        let fleet = page.fleet().unwrap();
        let most = page.detail.max_agent_series;
        let all = page.detail.agent_series == AgentSeries::All;
        let mut expected: Vec<_> = fleet.judged().map(|(agent, assessment)| {
            let scope = fleet.snapshot.scopes.get(agent.scope).unwrap();
            let labels = [
                ("organization_name", scope.organization.to_string()),
                ("template_name", scope.template.to_string()),
                ("kind", agent.kind.as_str().to_owned()),
                ("agent_id", agent.id.to_string()),
                ("agent_name", agent.name.to_string()),
                ("workspace_id", agent.workspace_id.to_string()),
                ("workspace_name", agent.workspace.to_string()),
                ("workspace_owner", agent.owner.to_string()),
                ("version", agent.version.to_string()),
                ("lifecycle_state", agent.lifecycle.as_str().to_owned()),
                ("status", assessment.status.as_str().to_owned()),
                ("health", assessment.health.as_str().to_owned()),
            ];
            let labels = labels.map(|(name, value)| (name.to_owned(), value));
            (assessment.since.is_none(), assessment.since, agent.id, BTreeMap::from(labels))
        }).collect();
        // Problems first, the oldest first.
        expected.sort();
        let expected: HashSet<_> =
            expected.into_iter().take(if all { most } else { 0 }).map(|it| it.3).collect();
        for page in [text(&page), open_metrics(&page), protobuf(&page).page] {
            let found = page.samples("coder_agent_info", &[]);
            let found: HashSet<_> = found.map(|it| it.labels.clone()).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn agents_without_series_of_their_own_are_counted(page in page()) {
        let fleet = page.fleet().unwrap();
        let read = text(&page);
        for (metric, wanted) in [
            ("coder_agent_problem_timestamp_seconds", fleet.problems().len()),
            ("coder_agent_info", fleet.judged().len()),
        ] {
            let dropped = [("metric", metric)];
            let Some(dropped) = read.get("coder_exporter_series_dropped", &dropped) else {
                prop_assert!(!read.has(metric));
                continue;
            };
            let shown = read.samples(metric, &[]).count();
            prop_assert!(shown <= page.detail.max_agent_series);
            prop_assert_eq!(shown + dropped as usize, wanted);
        }
        let versions = read.samples("coder_agents_version", &[]);
        let versions: HashSet<_> = versions.filter_map(|it| it.label("version")).collect();
        prop_assert!(versions.len() <= 21, "{versions:?}");
    }

    #[test]
    fn native_buckets_agree_with_the_classic_ones(page in page()) {
        let Exposition { page, natives } = protobuf(&page);
        for native in &natives {
            agrees(native, &page)?;
        }
        let counts = |name| page.samples(name, &[]).count();
        let histograms = counts("coder_agent_heartbeat_age_seconds_count")
            + counts("coder_agent_probe_duration_seconds_count");
        prop_assert_eq!(natives.len(), histograms);
    }
}

/// Up to each classic bound there are at least the native buckets that end before it, and at
/// most those that begin before it.
fn agrees(native: &Native, page: &exposition::Page) -> Result<(), TestCaseError> {
    let total: u64 = native.buckets.iter().map(|&(_, _, count)| count).sum();
    prop_assert_eq!(total, native.count);
    let labels: Vec<_> = native
        .labels
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let name = format!("{}_bucket", native.name);
    for bucket in page.samples(&name, &labels) {
        let bound: f64 = bucket.label("le").unwrap().parse().unwrap();
        let sum = |counts: fn(f64, f64, f64) -> bool| -> u64 {
            let buckets = native.buckets.iter();
            buckets
                .filter(|&&(from, to, _)| counts(from, to, bound))
                .map(|it| it.2)
                .sum()
        };
        // A hair's breadth for the powers of two.
        let surely = sum(|_, to, bound| to * (1.0 + 1e-9) <= bound);
        let perhaps = sum(|from, _, bound| from * (1.0 - 1e-9) < bound);
        let count = bucket.value as u64;
        prop_assert!(
            surely <= count && count <= perhaps,
            "{surely} {count} {perhaps} {bucket:?}"
        );
    }
    Ok(())
}
