//! What every panel must have.

use serde_json::{Value, json};

use super::files::{list, text};

/// Units of Grafana that say what this project's numbers are.
const UNITS: &[&str] = &["short", "none", "percentunit", "s", "bytes", "cpm"];

pub(super) fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// Grafana's rules panel-datasource, panel-title-description, panel-units and panel-no-targets,
/// and what makes a number believed: it says when it is not known, and is of now.
pub(super) fn faults(panel: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut wants = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    wants(!text(&panel["title"]).is_empty(), "has no title");
    wants(
        text(&panel["description"]).ends_with('.'),
        "has no description in sentences",
    );
    let defaults = &panel["fieldConfig"]["defaults"];
    wants(
        UNITS.contains(&text(&defaults["unit"])),
        "has no unit, or an unknown one",
    );
    wants(!text(&defaults["noValue"]).is_empty(), "has no noValue");
    let targets = list(&panel["targets"]);
    wants(!targets.is_empty(), "has no query");
    let parts = targets.iter().chain([panel]);
    wants(
        parts.into_iter().all(|it| it["datasource"] == datasource()),
        "does not use the variable datasource",
    );
    let kind = text(&panel["type"]);
    let of_now = ["stat", "table"].contains(&kind);
    wants(
        targets.iter().all(|it| of_now == (it["instant"] == true)),
        "asks for now what it shows over time, or the other way round",
    );
    wants(
        kind == "table"
            || targets
                .iter()
                .all(|it| !text(&it["legendFormat"]).is_empty()),
        "has no legend",
    );
    let gaps = &defaults["custom"]["spanNulls"];
    wants(
        gaps.is_null() || gaps == false,
        "draws a line where nothing is known",
    );
    wants(refs_differ(targets), "two of its queries have one refId");
    faults
}

fn refs_differ(targets: &[Value]) -> bool {
    let mut refs: Vec<_> = targets.iter().map(|it| text(&it["refId"])).collect();
    refs.sort_unstable();
    let count = refs.len();
    refs.dedup();
    refs.len() == count
}
