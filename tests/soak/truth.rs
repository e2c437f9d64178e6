//! What a page must say, by the database alone, and how it differs from what it says.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use crate::harness::exposition::Page;

/// Values of one family by their labels, zeros left out.
pub(crate) type Values = BTreeMap<String, f64>;

/// A family, its collector, and the labels that tell its series apart.
const FAMILIES: [(&str, &str, &[&str]); 6] = [
    (
        "coder_agents",
        "agents",
        &["organization_name", "template_name", "kind", "status"],
    ),
    (
        "coder_agents_health",
        "agents",
        &["organization_name", "template_name", "kind", "health"],
    ),
    (
        "coder_agents_lifecycle",
        "agents",
        &[
            "organization_name",
            "template_name",
            "kind",
            "lifecycle_state",
        ],
    ),
    (
        "coder_apps",
        "apps",
        &["organization_name", "template_name", "health"],
    ),
    (
        "coder_workspaces",
        "workspaces",
        &["organization_name", "template_name", "state"],
    ),
    (
        "coder_agent_problem_timestamp_seconds",
        "agents",
        &["agent_id", "health"],
    ),
];

/// Everything that is true of one moment.
pub(crate) struct Truth(BTreeMap<String, Values>);

impl Truth {
    /// What is true of the moment so many microseconds after the epoch.
    pub(crate) async fn of(client: &Client, micros: i64) -> Result<Self, Error> {
        let rows = client.query(include_str!("truth.sql"), &[&micros]).await?;
        let mut families: BTreeMap<String, Values> = BTreeMap::new();
        for row in rows {
            let values = families.entry(row.get(0)).or_default();
            values.insert(row.get(1), row.get(2));
        }
        Ok(Self(families))
    }

    /// The same with one agent too many.
    pub(crate) fn with_a_lie(mut self) -> Self {
        let agents = self.0.get_mut("coder_agents").expect("there are agents");
        *agents.values_mut().next().expect("there are agents") += 1.0;
        self
    }

    /// Where the page says something else; families whose collector failed must be absent.
    pub(crate) fn differences(&self, page: &Page) -> Vec<String> {
        let mut found = Vec::new();
        for (family, collector, labels) in FAMILIES {
            let labels_of_success = [("collector", collector)];
            let success = page.get("coder_exporter_collector_success", &labels_of_success);
            let expected = match success {
                Some(1.0) => self.0.get(family).cloned().unwrap_or_default(),
                _ => Values::new(),
            };
            let said = said(page, family, labels);
            if said != expected {
                found.push(format!("{family}: {}", describe(&said, &expected)));
            }
        }
        found
    }
}

fn said(page: &Page, family: &str, labels: &[&str]) -> Values {
    let samples = page.samples(family, &[]).filter(|it| it.value != 0.0);
    samples
        .map(|sample| {
            let labels = labels.iter().map(|name| sample.label(name).unwrap_or("?"));
            (labels.collect::<Vec<_>>().join("|"), sample.value)
        })
        .collect()
}

fn describe(said: &Values, expected: &Values) -> String {
    let keys = said.keys().chain(expected.keys());
    let mut differing: Vec<_> = keys
        .filter(|key| said.get(*key) != expected.get(*key))
        .collect();
    differing.sort();
    differing.dedup();
    let shown = differing.iter().take(3);
    let shown: Vec<_> = shown
        .map(|key| {
            format!(
                "{key} is {:?}, not {:?}",
                expected.get(*key),
                said.get(*key)
            )
        })
        .collect();
    format!("{} differ: {}", differing.len(), shown.join("; "))
}
