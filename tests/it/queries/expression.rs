//! What a query asks for, by a real parser.

use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_COUNT, T_GROUP};
use promql_parser::parser::{self, AggregateExpr, Call, Expr, VectorSelector};

/// What stands for `$__rate_interval` and `$__range` in a query that is only read.
pub(super) const RATE_INTERVAL: &str = "97s";
pub(super) const RANGE: &str = "3607s";
/// What stands for a choice of Grafana's reader: all.
pub(super) const ANYTHING: &str = ".*";

/// What a selector stands in whose series are counted, whatever their values.
pub(super) const OF_SERIES: &str = "count";

/// What a query asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) selectors: Vec<Selector>,
    /// Labels by which it groups, joins or sorts.
    pub(super) labels: Vec<String>,
    /// Labels it makes itself.
    pub(super) made: Vec<String>,
}

/// One selector.
#[derive(Debug)]
pub(super) struct Selector {
    /// The metrics it may mean.
    pub(super) metrics: Vec<String>,
    pub(super) matchers: Vec<Matcher>,
    /// The function over time it stands in, such as `rate`.
    pub(super) within: Option<&'static str>,
    /// The range it is asked for.
    pub(super) range: Option<Duration>,
}

/// Puts values for Grafana's variables, by what they are named.
pub(super) fn filled(query: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = query.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = variable(part);
        if name.is_empty() {
            filled.push('$');
        } else {
            filled.push_str(&value(name));
        }
        filled.push_str(rest);
    }
    filled
}

/// The name that a text begins with, in braces or not, and what follows; `1` of `$1` is none.
pub(super) fn variable(text: &str) -> (&str, &str) {
    let braced = text.strip_prefix('{').and_then(|it| it.split_once('}'));
    if let Some((inner, rest)) = braced {
        let (name, _) = inner.split_once(':').unwrap_or((inner, ""));
        return (name, rest);
    }
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if text.starts_with(|it: char| it.is_ascii_digit()) {
        return ("", text);
    }
    text.split_at(text.find(|it| !is_name(it)).unwrap_or(text.len()))
}

/// What a query asks for, whatever the reader chose.
pub(super) fn asked(query: &str) -> Result<Asked, String> {
    asked_with(query, |_| ANYTHING.to_owned())
}

/// The same, where the reader made this choice of each variable.
pub(super) fn asked_with(query: &str, choice: impl Fn(&str) -> String) -> Result<Asked, String> {
    let query = filled(query, |name| match name {
        "__rate_interval" | "__interval" => RATE_INTERVAL.to_owned(),
        "__range" => RANGE.to_owned(),
        name => choice(name),
    });
    let mut asked = Asked::default();
    asked.walk(&parser::parse(&query)?, None);
    Ok(asked)
}

impl Asked {
    fn walk(&mut self, expression: &Expr, within: Option<&'static str>) {
        match expression {
            Expr::Aggregate(it) => self.aggregation(it),
            Expr::Unary(it) => self.walk(&it.expr, None),
            Expr::Binary(it) => {
                let modifier = it.modifier.as_ref();
                let matching = modifier.and_then(|it| it.matching.as_ref());
                self.list(matching.map(|it| it.labels()));
                self.list(modifier.and_then(|it| it.card.labels()));
                self.walk(&it.lhs, None);
                self.walk(&it.rhs, None);
            }
            Expr::Paren(it) => self.walk(&it.expr, within),
            Expr::Subquery(it) => self.walk(&it.expr, None),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
            Expr::VectorSelector(it) => self.select(it, within, None),
            Expr::MatrixSelector(it) => self.select(&it.vs, within, Some(it.range)),
            Expr::Call(it) => self.call(it),
        }
    }

    fn aggregation(&mut self, it: &AggregateExpr) {
        self.list(it.modifier.as_ref().map(|it| it.labels()));
        match it.param.as_deref() {
            // count_values names its label.
            Some(Expr::StringLiteral(label)) => self.made.push(label.val.clone()),
            Some(parameter) => self.walk(parameter, None),
            None => {}
        }
        // These look at no value.
        let of_series = [T_COUNT, T_GROUP].contains(&it.op.id());
        self.walk(&it.expr, of_series.then_some(OF_SERIES));
    }

    fn call(&mut self, it: &Call) {
        let texts = it.args.args.iter().filter_map(|it| match &**it {
            Expr::StringLiteral(text) => Some(text.val.clone()),
            _ => None,
        });
        let texts: Vec<_> = texts.collect();
        match (it.func.name, texts.as_slice()) {
            ("label_replace", [made, _, source, _]) => {
                self.made.push(made.clone());
                self.labels.push(source.clone());
            }
            ("label_join", [made, _, sources @ ..]) => {
                self.made.push(made.clone());
                self.labels.extend_from_slice(sources);
            }
            _ => {}
        }
        for argument in &it.args.args {
            self.walk(argument, Some(it.func.name));
        }
    }

    fn select(
        &mut self,
        it: &VectorSelector,
        within: Option<&'static str>,
        range: Option<Duration>,
    ) {
        let all = it.matchers.matchers.iter();
        let all = all.chain(it.matchers.or_matchers.iter().flatten());
        let (named, matchers): (Vec<_>, Vec<_>) =
            all.cloned().partition(|it| it.name == "__name__");
        let names = named.iter().flat_map(|it| it.value.split('|'));
        let metrics = it.name.iter().map(String::as_str).chain(names);
        self.selectors.push(Selector {
            metrics: metrics.map(str::to_owned).collect(),
            matchers,
            within,
            range,
        });
    }

    fn list(&mut self, labels: Option<&promql_parser::label::Labels>) {
        self.labels
            .extend(labels.iter().flat_map(|it| it.labels.clone()));
    }
}

/// The values that a matcher names one by one; `None` when it is a pattern.
pub(super) fn values(matcher: &Matcher) -> Option<Vec<&str>> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_|-".contains(it);
    match &matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => Some(vec![&matcher.value]),
        MatchOp::Re(_) | MatchOp::NotRe(_) => {
            let is_list = matcher.value.chars().all(is_plain);
            is_list.then(|| matcher.value.split('|').collect())
        }
    }
}

#[test]
fn variables_are_filled_in_and_nothing_else_is() {
    let value = |name: &str| format!("<{name}>");
    for (query, expected) in [
        ("rate(a[$__rate_interval])", "rate(a[<__rate_interval>])"),
        (r#"a{b=~"$c|"}"#, r#"a{b=~"<c>|"}"#),
        ("${a:queryparam}&${b}", "<a>&<b>"),
        (
            r#"label_replace(a, "b", "$1", "c", "(.*)")"#,
            r#"label_replace(a, "b", "$1", "c", "(.*)")"#,
        ),
    ] {
        assert_eq!(filled(query, value), expected);
    }
}

#[test]
fn query_is_read_as_prometheus_reads_it() {
    let check = |query: &str, metrics: &[&str], labels: &[&str], made: &[&str]| {
        let asked = asked(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let found: Vec<_> = asked.selectors.iter().flat_map(|it| &it.metrics).collect();
        assert_eq!(found, metrics, "{query}");
        assert_eq!(asked.labels, labels, "{query}");
        assert_eq!(asked.made, made, "{query}");
    };
    check("up", &["up"], &[], &[]);
    check(
        "sum by (l) (rate(a[5m])) / on (m) group_left (n) max(b)",
        &["a", "b"],
        &["m", "n", "l"],
        &[],
    );
    check(
        "a and b or c unless d  # and not e\n > bool 0.5e3",
        &["a", "b", "c", "d"],
        &[],
        &[],
    );
    check("topk(scalar(a), b)", &["a", "b"], &[], &[]);
    check(r#"count_values("v", a)"#, &["a"], &[], &["v"]);
    check(
        r#"label_replace(a, "to", "$1", "from", "(.*)")"#,
        &["a"],
        &["from"],
        &["to"],
    );
    check(r#"{__name__=~"a|b", c="d"}"#, &["a", "b"], &[], &[]);
    check("(a or b)[30m:1m] @ end()", &["a", "b"], &[], &[]);
    for wrong in ["sum by (a) (b", "a{b=c}", "rate(a)", "a[5m] + 1"] {
        assert!(asked(wrong).is_err(), "{wrong} is no query");
    }
}
