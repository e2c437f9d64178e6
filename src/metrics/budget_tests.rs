use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::super::exposition::Format;
use super::super::page::{AgentLabels, AgentSeries, Detail, ErrorCounts, Page};
use super::*;
use crate::fleet::fixtures::{agent, at, fleet_of};
use crate::fleet::model::app::{AppHealth, NamedApp};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::stats::collection::CollectionResult;

const AGENTS: u128 = 300;

/// A fleet with series of every sort: half of the agents have a problem, and names are long and
/// full of what has to be escaped.
fn fleet() -> FleetStats {
    let agents = (0..AGENTS).map(|number| Agent {
        id: Uuid::from_u128(number),
        workspace_id: Uuid::from_u128(number),
        workspace: format!("{number}{}", "\"\\\n".repeat(80)).into(),
        last_connected_at: Some(at(if number % 2 == 0 { 0 } else { -300 })),
        ..agent()
    });
    let mut fleet = fleet_of(agents.collect());
    let apps = (0..AGENTS as usize).map(|agent| NamedApp {
        agent,
        name: "x".repeat(256).into(),
        health: DbEnum::Known(AppHealth::Healthy),
        count: 1,
    });
    fleet.snapshot.named_apps = Some(apps.collect());
    fleet
}

fn page(max_page_bytes: usize) -> Arc<Page> {
    let collection = CollectionResult {
        fleet: Ok(fleet()),
        reports: Vec::new(),
        clock_skew_seconds: None,
    };
    Arc::new(Page {
        collection: Arc::new(collection),
        transitions: Arc::default(),
        service_level: Arc::default(),
        errors: ErrorCounts::default(),
        incidents: None,
        activity: None,
        coder: None,
        probe: None,
        process: None,
        detail: Detail {
            agent_series: AgentSeries::All,
            max_agent_series: usize::MAX,
            coderd_compat: true,
            agent_labels: AgentLabels::Full,
            max_page_bytes,
        },
        addresses: Default::default(),
        is_config_current: true,
        tls_refused: 0,
        deprecated_settings: 0,
        budget: Arc::default(),
    })
}

fn text(page: &Arc<Page>) -> String {
    String::from_utf8(Format::Text.write(page).unwrap()).unwrap()
}

/// Series of each family that can grow, in the order in which they are kept.
fn series(text: &str) -> Vec<usize> {
    let count = |name: &str| {
        let start = format!("{name}{{");
        text.lines().filter(|it| it.starts_with(&start)).count()
    };
    growing().map(|(name, _)| count(name)).collect()
}

/// The families of this exporter's own, which no limit cuts.
fn dropped(text: &str) -> BTreeMap<&str, u64> {
    let lines = text.lines();
    let lines = lines.filter_map(|it| it.strip_prefix("coder_exporter_series_dropped{metric=\""));
    let parts = lines.filter_map(|it| it.split_once("\"} "));
    parts
        .map(|(metric, count)| (metric, count.parse().unwrap()))
        .collect()
}

#[test]
fn page_that_fits_is_whole() {
    let whole = page(usize::MAX);
    assert_eq!(whole.cuts(), []);
    let whole = text(&whole);
    let agents = AGENTS as usize;
    assert_eq!(
        series(&whole),
        [agents / 2, agents, agents, agents, agents, agents]
    );
    // Measured, and not only estimated.
    let enough = page(whole.len() + 2 * LIVE_BYTES);
    assert!(upper_bound(&enough, enough.fleet().unwrap()) > enough.detail.max_page_bytes);
    assert_eq!(text(&enough), whole);
    assert!(dropped(&whole).values().all(|it| *it == 0));
}

#[test]
fn page_stays_within_its_bytes_and_names_what_it_left_out() {
    let all = text(&page(usize::MAX));
    let wanted = series(&all);
    let counts = text(&page(0)).len();
    for limit in (0..=all.len()).step_by(all.len() / 23) {
        let page = page(limit);
        let shown = text(&page);
        assert!(
            shown.len() <= limit.max(counts),
            "{} > {limit}",
            shown.len()
        );
        let written = series(&shown);
        let left_out = dropped(&shown);
        let mut is_cut = false;
        for (at, (name, _)) in growing().enumerate() {
            let missing = wanted[at] - written[at];
            assert_eq!(left_out[name], missing as u64, "{name} at {limit}");
            assert!(
                !is_cut || written[at] == 0,
                "{name} is worth less, at {limit}"
            );
            is_cut |= missing > 0;
        }
        let named: Vec<_> = page.cuts().iter().map(|it| it.metric).collect();
        let cut: Vec<_> = left_out
            .iter()
            .filter(|it| *it.1 > 0)
            .map(|it| *it.0)
            .collect();
        assert_eq!(named.len(), cut.len());
        assert!(shown.contains("coder_agents_health{"), "{limit}");
    }
}

#[test]
fn every_format_carries_the_same_series() {
    let all = text(&page(usize::MAX));
    let page = page(all.len() / 2);
    let open_metrics = Format::OpenMetrics.write(&page).unwrap();
    let open_metrics = String::from_utf8(open_metrics).unwrap();
    assert_eq!(series(&text(&page)), series(&open_metrics));
    assert!(series(&open_metrics).contains(&0));
}

#[test]
fn with_ids_no_series_names_a_workspace_or_its_owner() {
    let mut shown = Arc::unwrap_or_clone(page(usize::MAX));
    shown.detail.coderd_compat = false;
    assert!(text(&Arc::new(shown.clone())).contains("ada"));
    shown.detail.agent_labels = AgentLabels::Ids;
    let ids = text(&Arc::new(shown));
    assert!(!ids.contains("ada") && !ids.contains("299"), "{ids}");
    let agents = AGENTS as usize;
    assert_eq!(series(&ids)[..3], [agents / 2, agents, agents]);
}
