//! The labels of a query's result, derived from those of the metrics it asks for.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::Labels as Names;
use promql_parser::parser::token::{T_BOTTOMK, T_LAND, T_LOR, T_LUNLESS, T_TOPK};
use promql_parser::parser::{
    self, AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use super::names::scraped;

type Set = BTreeSet<String>;

/// The labels of the series of a result; target labels are taken to be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// Some of the series have these.
    pub(super) some: Set,
    /// All of them have these.
    pub(super) all: Set,
}

/// Derives them, and notes operands that can never meet.
pub(super) struct Deriving {
    metrics: BTreeMap<String, Labels>,
    pub(super) faults: Vec<String>,
}

impl Labels {
    fn these(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let all: Set = names.into_iter().map(Into::into).collect();
        Self {
            some: all.clone(),
            all,
        }
    }

    fn map(&self, change: impl Fn(&Set) -> Set) -> Self {
        Self {
            some: change(&self.some),
            all: change(&self.all),
        }
    }
}

impl Deriving {
    /// Knows the metrics of a scrape, and what Prometheus writes of alerts on a deployment.
    pub(super) fn new() -> Self {
        let of_alerts = ["alertname", "alertstate", "severity"];
        let of_alerts = of_alerts
            .into_iter()
            .chain(["job", "deployment", "cluster", "namespace"]);
        let mut metrics: BTreeMap<_, _> = scraped()
            .into_iter()
            .map(|(name, own)| (name, Labels::these(own)))
            .collect();
        metrics.insert("ALERTS".to_owned(), Labels::these(of_alerts));
        Self {
            metrics,
            faults: Vec::new(),
        }
    }

    /// The labels of this query's result, which may be recorded under a name.
    pub(super) fn derive(&mut self, query: &str, record: Option<&String>) -> Labels {
        let labels = match parser::parse(query) {
            Ok(query) => self.of(&query).unwrap_or_default(),
            Err(error) => {
                self.faults.push(format!("no PromQL: {error}"));
                Labels::default()
            }
        };
        if let Some(name) = record {
            self.metrics.insert(name.clone(), labels.clone());
        }
        labels
    }

    /// `None` for a number or a text.
    fn of(&mut self, expression: &Expr) -> Option<Labels> {
        match expression {
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => None,
            Expr::Unary(it) => self.of(&it.expr),
            Expr::Paren(it) => self.of(&it.expr),
            Expr::Subquery(it) => self.of(&it.expr),
            Expr::VectorSelector(it) => self.metric(it.name.as_ref()),
            Expr::MatrixSelector(it) => self.metric(it.vs.name.as_ref()),
            Expr::Aggregate(it) => self.aggregation(it),
            Expr::Binary(it) => self.binary(it),
            Expr::Call(it) => self.call(it),
        }
    }

    fn metric(&mut self, name: Option<&String>) -> Option<Labels> {
        let name = name.map_or("", String::as_str);
        if let Some(labels) = self.metrics.get(name) {
            return Some(labels.clone());
        }
        self.faults
            .push(format!("{name:?} is neither scraped nor recorded before"));
        Some(Labels::default())
    }

    fn aggregation(&mut self, it: &AggregateExpr) -> Option<Labels> {
        let inner = self.of(&it.expr)?;
        if [T_TOPK, T_BOTTOMK].contains(&it.op.id()) {
            return Some(inner);
        }
        Some(inner.map(|labels| match &it.modifier {
            None => Set::new(),
            Some(modifier) => kept(labels, modifier),
        }))
    }

    fn binary(&mut self, it: &BinaryExpr) -> Option<Labels> {
        let (left, right) = match (self.of(&it.lhs), self.of(&it.rhs)) {
            (Some(left), Some(right)) => (left, right),
            (one, other) => return one.or(other),
        };
        if it.op.id() == T_LOR {
            return Some(Labels {
                some: left.some.union(&right.some).cloned().collect(),
                all: left.all.intersection(&right.all).cloned().collect(),
            });
        }
        let matching = it.modifier.as_ref().and_then(|it| it.matching.as_ref());
        let compared = |labels: &Labels| match matching {
            None => labels.some.clone(),
            Some(modifier) => kept(&labels.some, modifier),
        };
        let (ours, theirs) = (compared(&left), compared(&right));
        if ours != theirs {
            self.faults.push(format!(
                "the sides of {:?} never meet: {ours:?}, {theirs:?}",
                it.op.to_string()
            ));
        }
        if [T_LAND, T_LUNLESS].contains(&it.op.id()) {
            return Some(left);
        }
        let card = it.modifier.as_ref().map(|it| &it.card);
        Some(match (card, matching) {
            (Some(VectorMatchCardinality::ManyToOne(more)), _) => with(&left, more),
            (Some(VectorMatchCardinality::OneToMany(more)), _) => with(&right, more),
            (_, Some(modifier)) => left.map(|it| kept(it, modifier)),
            (_, None) => left,
        })
    }

    fn call(&mut self, it: &Call) -> Option<Labels> {
        let mut arguments = Vec::new();
        for argument in &it.args.args {
            arguments.extend(self.of(argument));
        }
        match it.func.name {
            "scalar" | "time" => None,
            "vector" | "absent" => Some(Labels::default()),
            "histogram_quantile" => {
                let without_le = |it: &Set| it.iter().filter(|it| *it != "le").cloned().collect();
                arguments.pop().map(|it| it.map(without_le))
            }
            "label_replace" => {
                let made = it.args.args.get(1).map(|it| &**it);
                let made = made.and_then(|it| match it {
                    Expr::StringLiteral(made) => Some(made.val.clone()),
                    _ => None,
                });
                let more = |it: &Set| it.iter().cloned().chain(made.clone()).collect();
                arguments.pop().map(|it| it.map(more))
            }
            _ => arguments.pop(),
        }
    }
}

/// What `by`, `without`, `on` or `ignoring` leaves.
fn kept(labels: &Set, modifier: &LabelModifier) -> Set {
    let named = |it: &&String| modifier.labels().labels.contains(it);
    let wanted = |it: &&String| named(it) == modifier.is_include();
    labels.iter().filter(wanted).cloned().collect()
}

fn with(labels: &Labels, more: &Names) -> Labels {
    labels.map(|it| it.iter().chain(&more.labels).cloned().collect())
}

#[test]
fn labels_are_derived_as_prometheus_has_them() {
    let target = ["job", "deployment", "cluster", "namespace"];
    let check = |query: &str, more: &[&str]| {
        let mut deriving = Deriving::new();
        let labels = deriving.derive(query, None);
        assert_eq!(deriving.faults, Vec::<String>::new(), "{query}");
        let wanted = Labels::these(target.iter().chain(more).copied());
        assert_eq!(labels, wanted, "{query}");
    };
    check("coder_down", &["instance", "pod"]);
    check("max without (instance, pod) (coder_down)", &[]);
    check(
        r#"sum without (instance, pod) (rate(coder_exporter_errors_total[5m])) > 3"#,
        &["kind"],
    );
    check(
        "max without (instance, pod) (coder_apps) / ignoring (health) group_left () \
         sum without (instance, pod, health) (coder_apps)",
        &["organization_name", "template_name", "health"],
    );
    check(
        "histogram_quantile(0.9, sum without (instance, pod, outcome) \
         (rate(coder_agent_probe_duration_seconds_bucket[5m])))",
        &[],
    );
    let mut deriving = Deriving::new();
    let either = deriving.derive("absent(up) or coder_down", None);
    assert_eq!((either.some.len(), either.all.len()), (6, 0));
    assert_eq!(deriving.derive("time() - 3", None), Labels::default());
    deriving.derive("sum by (job) (up) and up", None);
    assert!(deriving.faults[0].contains("never meet"));
}
