//! Where queries stand: dashboards, rules, runbooks.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

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

/// Every query of the rules and the runbooks.
pub(super) fn alert_queries() -> Vec<Query> {
    let of_rule = |rule: Rule| Query {
        place: format!("rule {}", rule.name()),
        text: rule.expr,
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
    let rules = rules().into_iter().map(of_rule);
    rules.chain(runbooks.iter().flat_map(of_runbook)).collect()
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
