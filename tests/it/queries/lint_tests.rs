//! That the rules for dashboards find each fault they are there to find.

use serde_json::{Value, json};

use super::files::{Dashboard, dashboards};
use super::lint::faults;

/// A dashboard that keeps the rules.
fn sound(file: &str) -> Dashboard {
    let board = dashboards().into_iter().find(|it| it.file == file);
    let board = board.unwrap_or_else(|| panic!("no dashboard {file}"));
    assert_eq!(faults(&board), Vec::<String>::new());
    board
}

/// Puts `value` at `pointer` and sees this fault found, once.
#[track_caller]
fn check(file: &str, pointer: &str, value: Value, fault: &str) {
    let mut board = sound(file);
    let place = board.json.pointer_mut(pointer);
    let place = place.unwrap_or_else(|| panic!("{file} has nothing at {pointer}"));
    assert_ne!(*place, value, "{pointer}: this breaks nothing");
    *place = value;
    let found = faults(&board);
    assert!(
        found.len() == 1 && found[0].contains(fault),
        "{pointer}: wanted one fault, {fault:?}; found {found:?}"
    );
}

#[test]
fn fault_of_a_dashboard_is_found() {
    for (pointer, value, fault) in [
        ("/schemaVersion", json!(41), "schemaVersion is not 42"),
        ("/uid", json!(""), "has no uid"),
        ("/title", json!(""), "has no title"),
        ("/description", Value::Null, "has no description"),
        ("/refresh", json!(""), "has no refresh"),
        ("/tags", json!([]), "has no tags"),
        (
            "/templating/list/2/multi",
            json!(false),
            "cannot be several",
        ),
        ("/templating/list/2/includeAll", json!(false), "has no All"),
        ("/templating/list/2/allValue", json!(".+"), "leaves out"),
        ("/templating/list/2/refresh", json!(1), "not asked again"),
        (
            "/templating/list/2/datasource/uid",
            json!("abc"),
            "does not use the variable",
        ),
        (
            "/templating/list/4/multi",
            json!(true),
            "is an address and can",
        ),
        (
            "/links/1/url",
            json!("https://other.example"),
            "coder_url: nothing uses it",
        ),
        ("/panels/8/id", json!(2), "panel id 2 is there twice"),
        ("/panels/8/id", Value::Null, "has no id"),
        (
            "/panels/8/title",
            json!("Healthy share"),
            "two panels are called",
        ),
        ("/panels/8/gridPos/w", json!(4), "overlap"),
        ("/panels/8/gridPos/x", json!(22), "has no place"),
        ("/panels/8/gridPos", json!({}), "has no place"),
    ] {
        let file = if pointer.starts_with("/links") {
            "exporter.json"
        } else {
            "fleet.json"
        };
        check(file, pointer, value, fault);
    }
    let mut board = sound("fleet.json");
    board.json["id"] = json!(7);
    assert_eq!(
        faults(&board),
        ["carries the id of one Grafana: leave it out"]
    );
}

#[test]
fn dashboard_bound_to_one_datasource_is_found() {
    let mut board = sound("fleet.json");
    board.json["templating"]["list"][0]["type"] = json!("custom");
    assert_eq!(faults(&board), ["has no variable datasource of that type"]);
}

#[test]
fn fault_of_a_panel_is_found() {
    let own = json!({"type": "prometheus", "uid": "abc"});
    for (part, value, fault) in [
        ("title", json!(""), "has no title"),
        ("description", json!(""), "has no description"),
        ("fieldConfig/defaults/unit", json!("parsec"), "has no unit"),
        ("fieldConfig/defaults/noValue", json!(""), "has no noValue"),
        ("targets", json!([]), "has no query"),
        ("datasource", own.clone(), "does not use the variable"),
        ("targets/0/datasource", own, "does not use the variable"),
        ("targets/0/instant", json!(false), "asks for now"),
        ("targets/0/legendFormat", json!(""), "has no legend"),
    ] {
        check("fleet.json", &format!("/panels/8/{part}"), value, fault);
    }
}

#[test]
fn line_across_a_gap_and_one_name_for_two_queries_are_found() {
    let mut board = sound("agent.json");
    let panels = board.json["panels"].as_array().unwrap();
    let is_quantiles = |it: &Value| it["title"] == "Heartbeat age, quantiles";
    let place = panels.iter().position(is_quantiles).unwrap();
    let panel = &mut board.json["panels"][place];
    panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] = json!(true);
    panel["targets"][1]["refId"] = json!("A");
    let found = faults(&board);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("nothing is known"), "{found:?}");
    assert!(found[1].contains("one refId"), "{found:?}");
}

#[test]
fn query_that_asks_wrongly_is_found() {
    let all = r#"deployment=~"$deployment", job=~"$job", instance=~"$instance""#;
    let errors = format!("coder_exporter_errors_total{{{all}}}");
    for (query, fault) in [
        (errors.clone(), "only ever goes up"),
        (
            format!("sum(last_over_time({errors}[5m]))"),
            "only ever goes up",
        ),
        (
            format!("rate(coder_exporter_up{{{all}}}[1m])"),
            "has no rate",
        ),
        (
            "coder_exporter_up{deployment=~\"$deployment\", job=~\"$job\"}".to_owned(),
            "without instance=~\"$instance\"",
        ),
        (
            "coder_exporter_up{deployment=~\".*\", job=~\"$job\", instance=~\"$instance\"}"
                .to_owned(),
            "without deployment=~\"$deployment\"",
        ),
        (
            "up{deployment=~\"$deployment\", job!~\"$job\", instance=~\"$instance\"}".to_owned(),
            "without job=~\"$job\"",
        ),
    ] {
        check(
            "exporter.json",
            "/panels/1/targets/0/expr",
            json!(query),
            fault,
        );
    }
}

#[test]
fn rate_over_a_fixed_time_is_found_in_a_graph() {
    let mut board = sound("exporter.json");
    let changed = board.json.to_string().replace("$__rate_interval", "5m");
    board.json = serde_json::from_str(&changed).unwrap();
    let found = faults(&board);
    assert!(!found.is_empty());
    for fault in found {
        assert!(
            fault.contains("ask for its rate over $__rate_interval"),
            "{fault}"
        );
    }
}

#[test]
fn variable_that_is_not_there_is_found() {
    let query = json!("max(coder_exporter_up{deployment=~\"$deployment\", pod=~\"$pod\"})");
    let fault = "uses $pod, which is no variable of it";
    check("fleet.json", "/panels/14/targets/0/expr", query, fault);
}
