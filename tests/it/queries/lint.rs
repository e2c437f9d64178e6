//! What every dashboard must have: the rules of Grafana's linter, and this project's.
//!
//! dashboards/README.md says which of Grafana's rules hold here and which do not, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::expression::variable;
use super::files::{Dashboard, dashboards, folder, is_address, list, rules, text};
use super::{lint_panels, lint_queries};

const SCHEMA_VERSION: u64 = 42;
const GRID_WIDTH: u64 = 24;

/// Variables that Grafana has by itself begin so.
const OF_GRAFANA: &str = "__";

/// What is wrong with one dashboard, one sentence each.
pub(super) fn faults(board: &Dashboard) -> Vec<String> {
    let mut faults = head(board);
    faults.extend(variables(board));
    faults.extend(names_of_variables(board));
    faults.extend(layout(board));
    for panel in board.panels() {
        let found = lint_panels::faults(panel)
            .into_iter()
            .chain(lint_queries::faults(board, panel));
        faults.extend(found.map(|it| format!("panel {}: {it}", panel["title"])));
    }
    faults
}

fn head(board: &Dashboard) -> Vec<String> {
    let mut faults = Vec::new();
    if board.json["schemaVersion"] != SCHEMA_VERSION {
        faults.push(format!("its schemaVersion is not {SCHEMA_VERSION}"));
    }
    if !board.json["id"].is_null() {
        faults.push("carries the id of one Grafana: leave it out".to_owned());
    }
    for wanted in ["uid", "title", "description", "refresh"] {
        if text(&board.json[wanted]).is_empty() {
            faults.push(format!("has no {wanted}"));
        }
    }
    if list(&board.json["tags"]).is_empty() {
        faults.push("has no tags".to_owned());
    }
    faults
}

/// Grafana's rules template-datasource, template-on-time-change-reload and template-label-promql;
/// that a query is PromQL is a test of names.rs.
fn variables(board: &Dashboard) -> Vec<String> {
    let mut faults = Vec::new();
    let is_source = |it: &&Value| it["name"] == "datasource" && it["type"] == "datasource";
    if board.variables().iter().find(is_source).is_none() {
        faults.push("has no variable datasource of that type".to_owned());
    }
    for asked in board.asked_variables() {
        // An address is one, and there is none of all.
        let is_choice = !is_address(asked);
        let all = if is_choice { ".*" } else { "" };
        for (key, wanted, fault) in [
            (
                "multi",
                json!(is_choice),
                "cannot be several, or is an address and can",
            ),
            (
                "includeAll",
                json!(is_choice),
                "has no All, or is an address and has",
            ),
            (
                "allValue",
                json!(all),
                "its All leaves out what has no such label",
            ),
            (
                "refresh",
                json!(2),
                "is not asked again when the time changes",
            ),
            (
                "datasource",
                lint_panels::datasource(),
                "does not use the variable datasource",
            ),
        ] {
            if asked[key] != wanted {
                faults.push(format!("variable {}: {fault}", asked["name"]));
            }
        }
    }
    faults
}

/// Each variable that is used is there, and each that is there is used.
fn names_of_variables(board: &Dashboard) -> Vec<String> {
    let mut used = BTreeSet::new();
    collect_variables(&board.json, &mut used);
    let known: BTreeSet<_> = board
        .variables()
        .iter()
        .map(|it| text(&it["name"]))
        .collect();
    let is_own = |it: &&&str| !it.starts_with(OF_GRAFANA);
    let unknown = used.iter().filter(is_own).filter(|it| !known.contains(*it));
    let unknown = unknown.map(|it| format!("uses ${it}, which is no variable of it"));
    let unused = known.iter().filter(|it| !used.contains(*it));
    let unused = unused.map(|it| format!("variable {it}: nothing uses it"));
    unknown.chain(unused).collect()
}

fn collect_variables<'board>(value: &'board Value, found: &mut BTreeSet<&'board str>) {
    match value {
        Value::String(text) => {
            let names = text.split('$').skip(1).map(|it| variable(it).0);
            found.extend(names.filter(|it| !it.is_empty()));
        }
        Value::Array(values) => values.iter().for_each(|it| collect_variables(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| collect_variables(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn layout(board: &Dashboard) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let mut taken = BTreeMap::new();
    for panel in list(&board.json["panels"]) {
        let title = text(&panel["title"]);
        match panel["id"].as_u64() {
            None => faults.push(format!("panel {title:?}: has no id")),
            Some(id) if !ids.insert(id) => faults.push(format!("panel id {id} is there twice")),
            Some(_) => {}
        }
        if !titles.insert(title) {
            faults.push(format!("two panels are called {title:?}"));
        }
        let Some(cells) = cells(&panel["gridPos"]) else {
            faults.push(format!("panel {title:?}: has no place on the page"));
            continue;
        };
        let others: BTreeSet<_> = cells.iter().filter_map(|it| taken.get(it)).collect();
        for other in others {
            faults.push(format!("panels {other:?} and {title:?} overlap"));
        }
        taken.extend(cells.into_iter().map(|it| (it, title)));
    }
    faults
}

/// The cells of the page's grid that a panel covers; none when it leaves the page.
fn cells(place: &Value) -> Option<Vec<(u64, u64)>> {
    let number = |key: &str| place[key].as_u64();
    let (x, y, width, height) = (number("x")?, number("y")?, number("w")?, number("h")?);
    let is_on_page = width > 0 && height > 0 && x + width <= GRID_WIDTH;
    let rows = |column| (y..y + height).map(move |row| (column, row));
    is_on_page.then(|| (x..x + width).flat_map(rows).collect())
}

#[test]
fn every_dashboard_keeps_the_rules() {
    for board in dashboards() {
        let found = faults(&board);
        assert!(found.is_empty(), "{}:\n{}", board.file, found.join("\n"));
    }
}

/// With several deployments, each row leads to its own Coder.
#[test]
fn links_into_coder_take_its_address_from_their_row() {
    let boards = dashboards();
    let panels = boards.iter().flat_map(Dashboard::panels);
    let with_links: Vec<_> = panels
        .filter(|it| it.to_string().contains("/@${__data"))
        .collect();
    assert_eq!(with_links.len(), 3);
    for panel in with_links {
        let title = &panel["title"];
        let json = panel.to_string();
        assert_eq!(
            json.matches("/@").count(),
            json.matches("${__data.fields.coder_url}/@").count(),
            "{title}"
        );
        for target in list(&panel["targets"]) {
            let asked = text(&target["expr"]);
            assert!(asked.contains("group_left (coder_url)"), "{title}");
        }
    }
}

#[test]
fn dashboards_are_told_apart_and_lead_to_each_other() {
    let boards = dashboards();
    let uids: BTreeSet<_> = boards.iter().map(Dashboard::uid).collect();
    assert_eq!(uids.len(), boards.len(), "two dashboards share a uid");
    let titles: BTreeSet<_> = boards.iter().map(|it| text(&it.json["title"])).collect();
    assert_eq!(titles.len(), boards.len(), "two dashboards share a title");
    for board in &boards {
        let json = board.json.to_string();
        for leads_to in json.split("/d/").skip(1) {
            let uid = leads_to.split(['?', '"', '/']).next().unwrap_or_default();
            assert!(uids.contains(uid), "{}: no dashboard {uid}", board.file);
        }
    }
}

#[test]
fn alerts_that_fire_and_incidents_are_told_on_every_dashboard() {
    let alerts: Vec<_> = rules().into_iter().filter_map(|it| it.alert).collect();
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert!(
            alert.starts_with("Coder"),
            "{alert}: the annotations ask for Coder.+"
        );
    }
    for board in dashboards() {
        let asked: Vec<_> = board
            .annotations()
            .map(|it| text(&it["target"]["expr"]))
            .collect();
        let [alerts, incidents] = asked.as_slice() else {
            panic!("{}: {} annotations", board.file, asked.len());
        };
        assert!(alerts.contains(r#"alertname=~"Coder.+""#), "{alerts}");
        // It always fires.
        assert!(alerts.contains(r#"alertname!="CoderWatchdog""#), "{alerts}");
        assert!(incidents.contains("coder_incident_agents"), "{incidents}");
    }
}

#[test]
fn every_dashboard_has_its_source_and_is_in_the_readme() {
    let readme = std::fs::read_to_string(folder("dashboards/README.md")).unwrap();
    for board in dashboards() {
        let source = folder("dashboards").join(board.file.replace(".json", ".py"));
        assert!(source.exists(), "{}: no {}", board.file, source.display());
        assert!(
            readme.contains(&board.file),
            "{}: not in the README",
            board.file
        );
    }
}
