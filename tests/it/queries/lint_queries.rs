//! How the queries of a panel must ask.

use coder_agent_exporter::metrics::catalogue::families;
use coder_agent_exporter::metrics::family::MetricKind;
use promql_parser::label::MatchOp;
use serde_json::Value;

use super::expression::{OF_SERIES, RATE_INTERVAL, Selector, asked_with};
use super::files::{Dashboard, list, text};

/// Functions that make of a counter what can be looked at.
const OF_COUNTERS: &[&str] = &["rate", "irate", "increase"];
/// Labels that every series has, where its target has them.
const OF_ALL_SERIES: &[&str] = &["job", "instance", "deployment"];

/// Grafana's rules target-rate-interval, target-counter-agg, target-job, target-instance and
/// target-required-matchers.
pub(super) fn faults(board: &Dashboard, panel: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for target in list(&panel["targets"]) {
        // That it is PromQL at all is a test of names.rs.
        let Ok(asked) = asked_with(text(&target["expr"]), chosen) else {
            continue;
        };
        for selector in &asked.selectors {
            faults.extend(counter_faults(selector, target));
            faults.extend(choice_faults(board, selector));
        }
    }
    faults
}

pub(super) fn counter_faults(selector: &Selector, target: &Value) -> Option<String> {
    let metric = selector.metrics.first()?;
    let kind = kind_of(metric);
    let is_counter = matches!(kind, Some(MetricKind::Counter | MetricKind::Histogram));
    let is_counted = selector.within.is_some_and(|it| OF_COUNTERS.contains(&it));
    if is_counter && !is_counted && selector.within != Some(OF_SERIES) {
        return Some(format!(
            "{metric} only ever goes up: ask for its rate or increase"
        ));
    }
    if !is_counter && is_counted {
        return Some(format!("{metric} goes up and down: it has no rate"));
    }
    let is_over_time = target["instant"] != true;
    let range = selector.range.map(|it| format!("{}s", it.as_secs()));
    if is_counted && is_over_time && range.as_deref() != Some(RATE_INTERVAL) {
        return Some(format!("{metric}: ask for its rate over $__rate_interval"));
    }
    None
}

/// What the reader chose holds for every metric that has the label.
fn choice_faults(board: &Dashboard, selector: &Selector) -> Vec<String> {
    let mut faults = Vec::new();
    for variable in board.chosen_variables() {
        let name = text(&variable["name"]);
        let asked = text(&variable["query"]["query"]);
        let label = asked
            .rsplit_once(", ")
            .map(|(_, it)| it.trim_end_matches(')'));
        let Some(label) = label else { continue };
        let is_chosen = selector.matchers.iter().any(|it| {
            let alternatives = it.value.split('|').any(|it| it == chosen(name));
            it.name == label && matches!(it.op, MatchOp::Re(_)) && alternatives
        });
        for metric in &selector.metrics {
            if has_label(metric, label) && !is_chosen {
                faults.push(format!("{metric}: asked for without {label}=~\"${name}\""));
            }
        }
    }
    faults
}

/// What stands for the reader's choice of a variable.
fn chosen(name: &str) -> String {
    format!("chosen_{name}")
}

fn kind_of(series: &str) -> Option<MetricKind> {
    let bare = series
        .strip_suffix("_bucket")
        .or_else(|| series.strip_suffix("_count"))
        .or_else(|| series.strip_suffix("_sum"));
    let named = |name: &str| families().find(|it| it.name == name);
    let family = named(series).or_else(|| bare.and_then(named));
    family.map(|it| it.kind)
}

/// A constant of the rules: it has no labels.
const OF_ALL_DEPLOYMENTS: &str = "deployment:coder_agent_availability:objective";

fn has_label(series: &str, label: &str) -> bool {
    let bare = series.strip_suffix("_bucket").unwrap_or(series);
    let own = families().find(|it| it.name == bare);
    if series == OF_ALL_DEPLOYMENTS {
        return false;
    }
    OF_ALL_SERIES.contains(&label) || own.is_some_and(|it| it.labels.contains(&label))
}
