//! Where queries stand: dashboards, rules, runbooks.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::expression::ANYTHING;

/// A query, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) place: String,
    /// As it is written, with Grafana's variables.
    pub(super) text: String,
}

/// A dashboard as Grafana imports it.
#[derive(Debug, Clone)]
pub(super) struct Dashboard {
    pub(super) file: String,
    pub(super) json: Value,
}

/// One entry of a file of rules: an alert, or a recorded metric.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Rule {
    pub(super) alert: Option<String>,
    pub(super) record: Option<String>,
    pub(super) expr: String,
    #[serde(rename = "for")]
    pub(super) lasting: Option<String>,
    #[serde(default)]
    pub(super) labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
struct RuleGroup {
    rules: Vec<Rule>,
}

/// A folder of the project.
pub(super) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files in a folder of the project whose names end so, with their text; never none.
pub(super) fn read(name: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let found = fs::read_dir(folder(name)).unwrap();
    let mut paths: Vec<_> = found.map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.to_str().unwrap().ends_with(ending));
    paths.sort();
    assert!(!paths.is_empty(), "{name}: no file ends in {ending}");
    let text = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(text).collect()
}

pub(super) fn dashboards() -> Vec<Dashboard> {
    let dashboard = |(path, text): (PathBuf, String)| Dashboard {
        file: path.file_name().unwrap().to_str().unwrap().to_owned(),
        json: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}")),
    };
    read("dashboards", ".json")
        .into_iter()
        .map(dashboard)
        .collect()
}

pub(super) fn rules() -> Vec<Rule> {
    let files = read("alerts", ".rules.yaml");
    let rules = files.into_iter().flat_map(|(path, text)| {
        let file: RuleFile = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        file.groups.into_iter().flat_map(|it| it.rules)
    });
    rules.collect()
}

impl Rule {
    pub(super) fn name(&self) -> &str {
        let name = self.alert.as_ref().or(self.record.as_ref());
        name.expect("a rule is an alert or records something")
    }
}

impl Dashboard {
    pub(super) fn uid(&self) -> &str {
        text(&self.json["uid"])
    }

    /// All panels but the headings of rows, those of closed rows included.
    pub(super) fn panels(&self) -> Vec<&Value> {
        let top = list(&self.json["panels"]);
        let all = top
            .iter()
            .flat_map(|it| std::iter::once(it).chain(list(&it["panels"])));
        all.filter(|it| it["type"] != "row").collect()
    }

    pub(super) fn variables(&self) -> &[Value] {
        list(&self.json["templating"]["list"])
    }

    /// Those that Grafana fills by asking Prometheus.
    pub(super) fn asked_variables(&self) -> impl Iterator<Item = &Value> {
        self.variables().iter().filter(|it| it["type"] == "query")
    }

    /// Those of them by which the reader chooses what is shown; the others are addresses.
    pub(super) fn chosen_variables(&self) -> impl Iterator<Item = &Value> {
        self.asked_variables().filter(|it| !is_address(it))
    }

    pub(super) fn annotations(&self) -> impl Iterator<Item = &Value> {
        let all = list(&self.json["annotations"]["list"]);
        all.iter().filter(|it| it["builtIn"] != 1)
    }

    /// Every query of panels, annotations and variables.
    pub(super) fn queries(&self) -> Vec<Query> {
        let of = |kind: &str, name: &Value, query: &str| Query {
            place: format!("{}, {kind} {name}", self.file),
            text: query.to_owned(),
        };
        let panels = self.panels().into_iter().flat_map(|panel| {
            list(&panel["targets"])
                .iter()
                .map(move |it| of("panel", &panel["title"], text(&it["expr"])))
        });
        let annotations = self
            .annotations()
            .map(|it| of("annotation", &it["name"], text(&it["target"]["expr"])));
        let variables = self
            .asked_variables()
            .map(|it| of("variable", &it["name"], &values_query(it)));
        panels.chain(annotations).chain(variables).collect()
    }
}

/// Whether a variable is an address for links, and no choice.
pub(super) fn is_address(variable: &Value) -> bool {
    text(&variable["name"]).ends_with("_url")
}

/// What a variable asks for, as a query that gives a series for each of its values.
fn values_query(variable: &Value) -> String {
    let asked = text(&variable["query"]["query"]);
    let inner = asked
        .strip_prefix("label_values(")
        .and_then(|it| it.strip_suffix(')'));
    let (selector, label) = inner
        .and_then(|it| it.rsplit_once(", "))
        .unwrap_or_else(|| panic!("{asked}: not label_values(selector, label)"));
    format!("count by ({label}) ({selector})")
}

/// Every query of the rules, of the texts of alerts and of the runbooks.
pub(super) fn alert_queries() -> Vec<Query> {
    let of_rule = |rule: Rule| {
        let place = format!("rule {}", rule.name());
        let texts = rule
            .annotations
            .values()
            .flat_map(|it| template_queries(it));
        let of_texts = texts.map(|text| Query {
            place: format!("a text of {place}"),
            text,
        });
        let mut queries: Vec<_> = of_texts.collect();
        queries.push(Query {
            place,
            text: rule.expr,
        });
        queries
    };
    let runbooks = read("alerts/runbooks", ".md");
    let of_runbook = |(path, text): &(PathBuf, String)| {
        let blocks: Vec<_> = text.split("```promql\n").skip(1).map(code).collect();
        let place = format!("runbook {}", path.file_stem().unwrap().to_str().unwrap());
        blocks.into_iter().map(move |text| Query {
            place: place.clone(),
            text,
        })
    };
    let rules = rules().into_iter().flat_map(of_rule);
    rules.chain(runbooks.iter().flat_map(of_runbook)).collect()
}

/// The queries that a template of Prometheus asks, with any value in each place for one.
pub(super) fn template_queries(template: &str) -> Vec<String> {
    let actions = template.split("{{").skip(1);
    let actions = actions
        .filter_map(|it| it.split_once("}}"))
        .map(|(it, _)| it);
    let asked = actions.filter(|it| it.contains("| query") || it.contains("query \""));
    asked
        .filter_map(quoted)
        .map(|it| it.replace("=%q", &format!("=~\"{ANYTHING}\"")))
        .collect()
}

/// The first text in quotation marks.
fn quoted(action: &str) -> Option<&str> {
    let (_, rest) = action.split_once('"')?;
    Some(rest.split_once('"')?.0)
}

fn code(after_fence: &str) -> String {
    let (code, _) = after_fence.split_once("```").expect("the block ends");
    code.to_owned()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
