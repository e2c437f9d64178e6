//! Does every query ask for metrics, labels and values that exist?

use std::collections::{BTreeMap, BTreeSet};

use coder_agent_exporter::metrics::catalogue::families;
use coder_agent_exporter::metrics::family::{Exposed, MetricKind};
use coder_agent_exporter::metrics::single::ProbePage;
use promql_parser::label::{MatchOp, Matcher};

use super::closed;
use super::expression::{ANYTHING, Asked, asked, values};
use super::files::{Query, alert_queries, dashboards, rules};

/// Labels that come from the scrape; `deployment` is the one the README asks for.
const OF_TARGETS: &[&str] = &[
    "job",
    "instance",
    "pod",
    "deployment",
    "cluster",
    "namespace",
];
/// What Prometheus writes itself.
const OF_PROMETHEUS: &[&str] = &["up", "scrape_duration_seconds", "scrape_samples_scraped"];

/// What a metric may be asked for.
#[derive(Debug, Clone)]
enum Labels {
    These(BTreeSet<&'static str>),
    /// Those of all metrics: a rule made it of them.
    OfAll,
}

/// Every name that a query may use.
struct Known {
    metrics: BTreeMap<String, Labels>,
    labels: BTreeSet<&'static str>,
}

impl Known {
    fn new(recorded: impl IntoIterator<Item = String>) -> Self {
        let scraped = scraped();
        let mut labels = BTreeSet::from(["alertname", "alertstate", "severity"]);
        labels.extend(scraped.values().flatten());
        let mut metrics: BTreeMap<_, _> = scraped
            .into_iter()
            .map(|(name, own)| (name, Labels::These(own)))
            .collect();
        let made = recorded
            .into_iter()
            .chain(["ALERTS", "ALERTS_FOR_STATE"].map(str::to_owned));
        metrics.extend(made.map(|name| (name, Labels::OfAll)));
        Self { metrics, labels }
    }

    fn faults(&self, query: &Query) -> Vec<String> {
        let place = &query.place;
        let asked = match asked(&query.text) {
            Ok(asked) => asked,
            Err(error) => return vec![format!("{place}: no PromQL: {error}")],
        };
        let mut faults = Vec::new();
        let is_constant = query.text.trim_start().starts_with("vector(");
        if asked.selectors.is_empty() && !is_constant {
            faults.push(format!("{place}: asks for no metric"));
        }
        for selector in &asked.selectors {
            if selector.metrics.is_empty() {
                faults.push(format!("{place}: a selector without a metric"));
            }
            for metric in &selector.metrics {
                for fault in self.selector_faults(metric, &selector.matchers) {
                    faults.push(format!("{place}: {fault}"));
                }
            }
        }
        faults.extend(self.label_faults(&asked).map(|it| format!("{place}: {it}")));
        faults
    }

    fn selector_faults(&self, metric: &str, matchers: &[Matcher]) -> Vec<String> {
        let Some(labels) = self.metrics.get(metric) else {
            return vec![format!("there is no metric {metric}")];
        };
        let labels = match labels {
            Labels::These(labels) => labels,
            Labels::OfAll => &self.labels,
        };
        let faults = matchers.iter().flat_map(|matcher| {
            let name = matcher.name.as_str();
            if labels.contains(name) {
                value_faults(metric, matcher)
            } else {
                vec![format!("{metric} has no label {name}")]
            }
        });
        faults.collect()
    }

    fn label_faults(&self, asked: &Asked) -> impl Iterator<Item = String> {
        let unknown = |it: &&String| !self.labels.contains(it.as_str()) && !asked.made.contains(it);
        let unknown = asked.labels.iter().filter(unknown);
        unknown.map(|it| format!("no metric has a label {it}"))
    }
}

/// Every metric that a scrape brings, with its labels and those of the target.
pub(super) fn scraped() -> BTreeMap<String, BTreeSet<&'static str>> {
    let of_pages = families().map(|it| (it.name, it.kind, it.labels));
    let of_probes = ProbePage::families().map(|it| (it.name, it.kind, it.labels));
    let mut metrics = BTreeMap::new();
    for (name, kind, own) in of_pages.chain(of_probes) {
        let own: BTreeSet<_> = own.iter().chain(OF_TARGETS).copied().collect();
        let with_le = own.iter().copied().chain(["le"]).collect();
        for (suffix, labels) in series(kind, own, with_le) {
            metrics.insert(format!("{name}{suffix}"), labels);
        }
    }
    for name in OF_PROMETHEUS {
        let of_target = OF_TARGETS.iter().copied().collect();
        metrics.insert((*name).to_owned(), of_target);
    }
    metrics
}

/// The series that every format has of a family of this type.
fn series<L: Clone>(kind: MetricKind, own: L, with_le: L) -> Vec<(&'static str, L)> {
    match kind {
        MetricKind::Gauge | MetricKind::Counter | MetricKind::Info => vec![("", own)],
        MetricKind::Histogram => vec![
            ("", own.clone()),
            ("_bucket", with_le),
            ("_count", own.clone()),
            ("_sum", own),
        ],
        // Its count and its sum are named otherwise from format to format.
        MetricKind::GaugeHistogram => vec![("", own), ("_bucket", with_le)],
    }
}

fn value_faults(metric: &str, matcher: &Matcher) -> Vec<String> {
    let Some(known) = closed::values(metric, &matcher.name) else {
        return Vec::new();
    };
    let (name, value) = (&matcher.name, &matcher.value);
    if let Some(named) = values(matcher) {
        // Empty stands for a series that has no such label.
        let unknown = named
            .iter()
            .filter(|it| !it.is_empty() && !known.contains(it));
        let fault = |it| format!("{metric}: its label {name} is never {it}");
        return unknown.map(fault).collect();
    }
    let (MatchOp::Re(pattern) | MatchOp::NotRe(pattern)) = &matcher.op else {
        return Vec::new();
    };
    if value.contains(ANYTHING) || known.iter().any(|it| pattern.is_match(it)) {
        return Vec::new();
    }
    vec![format!(
        "{metric}: no value of its label {name} matches {value}"
    )]
}

#[test]
fn every_query_asks_for_metrics_labels_and_values_that_exist() {
    let recorded = rules().into_iter().filter_map(|it| it.record);
    let known = Known::new(recorded);
    let dashboards = dashboards();
    let queries = dashboards.iter().flat_map(|it| it.queries());
    let faults: Vec<_> = queries
        .chain(alert_queries())
        .flat_map(|it| known.faults(&it))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn name_that_does_not_exist_is_found() {
    let known = Known::new(["template:recorded:sum".to_owned()]);
    for (text, fault) in [
        ("coder_agent", "there is no metric coder_agent"),
        (
            "template:other:sum",
            "there is no metric template:other:sum",
        ),
        (r#"{kind="root"}"#, "a selector without a metric"),
        ("1 + 1", "asks for no metric"),
        (
            r#"coder_agents{health="healthy"}"#,
            "coder_agents has no label health",
        ),
        (
            r#"coder_agents{status="lost"}"#,
            "its label status is never lost",
        ),
        (
            r#"coder_agents{status=~"connected|lost"}"#,
            "its label status is never lost",
        ),
        (
            r#"coder_agents{status=~"lost.+"}"#,
            "no value of its label status matches lost.+",
        ),
        (
            r#"coder_apps{health="disconnected"}"#,
            "its label health is never disconnected",
        ),
        (
            r#"template:recorded:sum{health="lost"}"#,
            "its label health is never lost",
        ),
        (
            "sum by (template) (coder_agents)",
            "no metric has a label template",
        ),
        (
            "coder_agents * on (agent) group_left () coder_apps",
            "no metric has a label agent",
        ),
        (
            "coder_agent_heartbeat_age_seconds_count",
            "there is no metric",
        ),
        (
            r#"ALERTS{alertstate="burning"}"#,
            "its label alertstate is never burning",
        ),
        ("sum by (status) (coder_agents", "no PromQL"),
    ] {
        let query = Query {
            place: "here".to_owned(),
            text: text.to_owned(),
        };
        let faults = known.faults(&query);
        let [found] = faults.as_slice() else {
            panic!("{text}: wanted one fault, {fault:?}, found {faults:?}");
        };
        assert!(
            found.contains(fault),
            "{text}: wanted {fault:?}, found {found:?}"
        );
    }
}

#[test]
fn name_that_exists_is_no_fault() {
    let known = Known::new(["template:recorded:sum".to_owned()]);
    for text in [
        r#"coder_agents{status=~"connected|timeout", template_name=~"$template", pod=""}"#,
        r#"coder_apps{health="disabled"} + on (template_name) group_left () template:recorded:sum{health="unhealthy"}"#,
        "histogram_quantile(0.9, sum by (le) (rate(coder_agent_probe_duration_seconds_bucket[5m])))",
        r#"sum by (advice) (label_replace(coder_agents, "advice", "$1", "status", "(.*)"))"#,
        r#"{__name__=~"coder_agents|coder_apps", template_name="x"}"#,
        r#"ALERTS{alertname=~"Coder.+", organization_name=~"$organization|"} and probe_success"#,
    ] {
        let query = Query {
            place: "here".to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(known.faults(&query), Vec::<String>::new());
    }
}
