//! What Cloudflare's pint checks of rules, as its documentation has it, for the rules that are shipped.
//!
//! | its check | here |
//! | --- | --- |
//! | promql/syntax, promql/series | names.rs, for the queries in the texts of alerts too |
//! | alerts/annotation, rule/name, rule/label | `alert_files.rs` |
//! | alerts/comparison, alerts/template, promql/aggregate, promql/vector_matching, promql/impossible, promql/counter, promql/rate, promql/regexp, rule/duplicate, rule/dependency | here |
//! | alerts/count, promql/range_query, query/cost, labels/conflict, rule/link | they ask a Prometheus or the web: not here |

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::label::MatchOp;
use promql_parser::parser::token::{T_LAND, T_LOR, T_LUNLESS};
use promql_parser::parser::{self, Expr};
use serde_json::json;

use super::derived::{Deriving, Labels};
use super::expression::asked;
use super::files::{Rule, rules};
use super::lint_queries::counter_faults;

/// Alerts whose query has no condition, and why.
const WITHOUT_CONDITION: &[(&str, &str)] = &[
    ("CoderWatchdog", "always fires"),
    (
        "CoderIncident",
        "an incident has a series only while it lasts",
    ),
];

/// Rules whose result lacks what separates deployments, in part at least, and why.
const FOR_ALL_DEPLOYMENTS: &[(&str, &str)] = &[
    ("CoderWatchdog", "is about Prometheus"),
    (
        "CoderNoData",
        "its last part is for a Prometheus that never had any",
    ),
    (
        "deployment:coder_agent_availability:objective",
        "is a constant",
    ),
];

/// What separates deployments (alerts/README.md).
const OF_DEPLOYMENTS: [&str; 3] = ["deployment", "cluster", "namespace"];

/// Two scrapes at the longest interval that the rules allow.
const SHORTEST_RATE: Duration = Duration::from_secs(4 * 60);

/// What is wrong with these rules, one sentence each.
fn faults(rules: &[Rule]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut deriving = Deriving::new();
    for rule in rules {
        let name = rule.name();
        if !seen.insert((name, &rule.labels)) {
            faults.push(format!("{name}: is there twice"));
        }
        let labels = deriving.derive(&rule.expr, rule.record.as_ref());
        let of_query = deriving.faults.drain(..).chain(query_faults(&rule.expr));
        let of_labels = label_faults(rule, &labels);
        let all = of_query.chain(of_labels).chain(comparison_fault(rule));
        faults.extend(all.map(|it| format!("{name}: {it}")));
    }
    faults
}

fn is_listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

/// promql/counter, promql/rate, promql/regexp.
fn query_faults(query: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for selector in asked(query).unwrap_or_default().selectors {
        faults.extend(counter_faults(&selector, &json!({"instant": true})));
        let of_rate = ["rate", "increase"].contains(&selector.within.unwrap_or_default());
        if of_rate && selector.range.is_some_and(|it| it < SHORTEST_RATE) {
            faults.push(format!("{:?}: its range is too short", selector.metrics));
        }
        for matcher in &selector.matchers {
            let is_plain = |it: char| it.is_ascii_alphanumeric() || "_- ".contains(it);
            let is_pattern = matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_));
            if is_pattern && matcher.value.chars().all(is_plain) {
                faults.push(format!("{}: needs no regular expression", matcher.name));
            }
        }
    }
    faults
}

/// promql/aggregate and alerts/template.
fn label_faults(rule: &Rule, labels: &Labels) -> Vec<String> {
    let mut faults = Vec::new();
    if !is_listed(FOR_ALL_DEPLOYMENTS, rule.name()) {
        let lost = OF_DEPLOYMENTS
            .iter()
            .filter(|it| !labels.all.contains(**it));
        faults.extend(lost.map(|it| format!("loses the label {it}")));
    }
    for text in rule.annotations.values() {
        for rest in text.split("$labels.").skip(1) {
            let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
            let end = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
            let used = &rest[..end];
            if !OF_DEPLOYMENTS.contains(&used) && !labels.some.contains(used) {
                faults.push(format!("a text uses the label {used}, which it never has"));
            }
        }
    }
    faults
}

/// alerts/comparison.
fn comparison_fault(rule: &Rule) -> Option<String> {
    rule.alert.as_ref()?;
    let query = parser::parse(&rule.expr).ok()?;
    let fires_always = !has_condition(&query);
    let expected = is_listed(WITHOUT_CONDITION, rule.name());
    match (fires_always, expected) {
        (true, false) => Some("fires whenever its metric is there".to_owned()),
        (false, true) => Some("has a condition: take it off the list".to_owned()),
        _ => None,
    }
}

fn has_condition(query: &Expr) -> bool {
    match query {
        Expr::Paren(it) => has_condition(&it.expr),
        Expr::Aggregate(it) => has_condition(&it.expr),
        Expr::Call(it) => it.func.name == "absent",
        Expr::Binary(it) => match it.op.id() {
            T_LOR => has_condition(&it.lhs) && has_condition(&it.rhs),
            T_LAND => has_condition(&it.lhs) || has_condition(&it.rhs),
            T_LUNLESS => true,
            _ => {
                let compares = it.op.is_comparison_operator();
                compares && !it.modifier.as_ref().is_some_and(|it| it.return_bool)
            }
        },
        _ => false,
    }
}

#[test]
fn shipped_rules_pass_what_pint_checks() {
    let faults = faults(&rules());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn fault_of_a_rule_is_found() {
    let sound = Rule {
        alert: Some("CoderTest".to_owned()),
        record: None,
        expr: "coder_down == 1".to_owned(),
        lasting: None,
        labels: Default::default(),
        annotations: [("summary".to_owned(), "{{ $labels.instance }}".to_owned())].into(),
    };
    assert_eq!(faults(std::slice::from_ref(&sound)), Vec::<String>::new());
    let twice = faults(&[sound.clone(), sound.clone()]);
    assert_eq!(twice, ["CoderTest: is there twice"]);
    for (expr, fault) in [
        ("coder_down", "fires whenever its metric is there"),
        (
            "coder_down == 1 or coder_up",
            "fires whenever its metric is there",
        ),
        ("coder_down == bool 1", "fires whenever its metric is there"),
        (
            "max without (cluster) (coder_down) == 1",
            "loses the label cluster",
        ),
        (
            "max without (instance) (coder_down) == 1",
            "a text uses the label instance",
        ),
        (
            "coder_down == 1 and max without (pod) (coder_up) == 1",
            "never meet",
        ),
        ("coder_exporter_errors_total > 3", "only ever goes up"),
        (
            "rate(coder_exporter_errors_total[2m]) > 3",
            "its range is too short",
        ),
        (r#"up{job=~"x"} == 0"#, "needs no regular expression"),
        ("coder_dawn == 1", "neither scraped nor recorded before"),
    ] {
        let mut rule = sound.clone();
        rule.expr = expr.to_owned();
        let found = faults(&[rule]);
        assert!(
            found.iter().any(|it| it.contains(fault)),
            "{expr}: wanted {fault:?}, found {found:?}"
        );
    }
}
