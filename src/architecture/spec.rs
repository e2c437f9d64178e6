//! Tables of names in the documents match the names in the program.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::ErrorKind;
use crate::fleet::model::agent::Kind;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::model::workspace::{BindingState, WorkspaceState};
use crate::fleet::probe::scope::SkipReason;
use crate::fleet::rules::coder::ReplicaState;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::provisioner::DaemonStatus;
use crate::fleet::rules::status::{Status, StatusRule};
use crate::fleet::stats::collection::Collector;
use crate::fleet::stats::workspace_activity::WorkspaceActivity;
use crate::incident::population::Family;
use crate::metrics::catalogue::families;
use crate::metrics::family::Exposed;
use crate::metrics::single::ProbePage;
use crate::resolver::{Phase, Verdict};

use super::markdown::documents;

/// Tables whose rows need not be in the program's order.
const UNORDERED: &[&str] = &["command", "kind", "status", "workspace-state"];

/// The texts that `<!-- names: … -->` above a table may have, and the names that the table's first
/// column must then list. A second text applies to the second column.
fn sets() -> BTreeMap<&'static str, Vec<String>> {
    fn names<V: Variants>() -> Vec<String> {
        V::ALL.iter().map(|it| it.as_str().to_owned()).collect()
    }
    let command = Cli::command();
    let commands = command.get_subcommands();
    BTreeMap::from([
        ("activity", names::<WorkspaceActivity>()),
        ("binding", names::<BindingState>()),
        ("cause", names::<Cause>()),
        ("collector", names::<Collector>()),
        ("command", commands.map(|it| it.get_name().into()).collect()),
        ("daemon-status", names::<DaemonStatus>()),
        ("error-kind", names::<ErrorKind>()),
        ("health", names::<Health>()),
        ("incident-family", names::<Family>()),
        ("replica-state", names::<ReplicaState>()),
        ("kind", names::<Kind>()),
        ("outcome", names::<ProbeOutcome>()),
        ("phase", names::<Phase>()),
        ("skip-reason", names::<SkipReason>()),
        ("status", names::<Status>()),
        ("status-rule", names::<StatusRule>()),
        ("verdict", names::<Verdict>()),
        ("workspace-state", names::<WorkspaceState>()),
    ])
}

#[test]
fn tables_of_names_are_the_programs() {
    let sets = sets();
    let mut seen = BTreeSet::new();
    for document in &documents() {
        for (what, rows) in document.tables_of_names() {
            for (column, what) in what.split(", ").enumerate() {
                let place = format!("{}, {what}", document.name());
                let Some(expected) = sets.get(what) else {
                    panic!("{place}: there is no such set of names");
                };
                let mut found: Vec<_> = rows.iter().map(|row| name_in(row[column])).collect();
                found.dedup();
                let mut expected = expected.clone();
                if UNORDERED.contains(&what) {
                    expected.sort();
                    found.sort();
                    found.dedup();
                }
                assert_eq!(found, expected, "{place}: the table and the program differ");
                if document.path.starts_with("docs/spec") {
                    seen.insert(what.to_owned());
                }
            }
        }
    }
    let all: BTreeSet<_> = sets.keys().map(|it| (*it).to_owned()).collect();
    assert_eq!(
        seen, all,
        "docs/spec must have a table of each set of names"
    );
}

/// The specification lists every metric, because metric names are the contract.
#[test]
fn every_metric_is_in_the_specification() {
    let documents = documents();
    let spec = documents
        .iter()
        .filter(|it| it.path.starts_with("docs/spec"));
    let code: Vec<_> = spec.flat_map(|it| it.code_spans()).collect();
    let mut missing: Vec<_> = families().map(|it| it.name).collect();
    missing.extend(ProbePage::families().map(|it| it.name));
    missing.retain(|name| {
        let is_named = |code: &String| {
            let rest = code.split(name).nth(1);
            let family = code.strip_suffix('*');
            rest.is_some_and(|it| it.is_empty() || it.starts_with('{'))
                || family.is_some_and(|it| name.starts_with(it))
        };
        !code.iter().any(is_named)
    });
    assert!(
        missing.is_empty(),
        "not in docs/spec: {}",
        missing.join(", ")
    );
}

/// The page of the health rules has each problem in bold, and a heading to link to for each rule.
#[test]
fn page_of_health_marks_the_problems_and_has_a_place_for_each_rule() {
    for (page, rules) in [
        ("docs/spec/health.md", names_of(Health::ALL)),
        ("docs/spec/connection-status.md", names_of(StatusRule::ALL)),
    ] {
        let documents = documents();
        let document = documents.iter().find(|it| it.name() == page).unwrap();
        let anchors = document.anchors();
        for rule in rules {
            assert!(anchors.contains(&rule), "{page} has no heading {rule}");
        }
        for (_, rows) in document.tables_of_names() {
            for row in rows {
                let health = Health::ALL.iter().find(|it| it.as_str() == name_in(row[0]));
                let is_problem = health.is_some_and(|it| it.is_problem());
                assert_eq!(row[0].starts_with("**"), is_problem, "{page}: {}", row[0]);
            }
        }
    }
}

fn names_of<V: Variants>(all: &[V]) -> Vec<String> {
    all.iter().map(|it| it.as_str().to_owned()).collect()
}

/// The first inline code span of a cell.
fn name_in(cell: &str) -> String {
    let code = cell.split('`').nth(1).unwrap_or_default();
    code.split(' ').next().unwrap_or_default().to_owned()
}
