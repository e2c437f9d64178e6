//! What alerts, runbooks, tests of alerts and dashboards must agree on.

use std::collections::BTreeSet;

use super::files::{Dashboard, Rule, dashboards, read, rules};

/// `none` is the watchdog's.
const SEVERITIES: &[&str] = &["critical", "warning", "info", "none"];

/// More are not read.
const MOST: usize = 25;

fn alerts() -> Vec<Rule> {
    let mut alerts = rules();
    alerts.retain(|it| it.alert.is_some());
    assert!(!alerts.is_empty());
    alerts
}

/// Takes something away from an alert.
type Change = Box<dyn Fn(&mut Rule)>;

/// What is missing beside one alert.
fn faults(alert: &Rule, dashboard_uids: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut wants = |holds: bool, fault: &str| {
        if !holds {
            faults.push(format!("{}: {fault}", alert.name()));
        }
    };
    let annotation = |name: &str| alert.annotations.get(name).map_or("", |it| it.trim());
    wants(!alert.expr.trim().is_empty(), "has no expr");
    wants(alert.lasting.is_some(), "has no `for`");
    let severity = alert.labels.get("severity").map_or("", String::as_str);
    wants(
        SEVERITIES.contains(&severity),
        "its severity is not critical, warning, info or none",
    );
    wants(
        annotation("summary").ends_with('.'),
        "has no summary in a sentence",
    );
    wants(
        annotation("description").ends_with(['.', '}']),
        "has no description in sentences",
    );
    let names_it =
        ["summary", "description"].map(|it| annotation(it).contains("$labels.deployment"));
    wants(
        names_it == [true; 2] || severity == "none",
        "a text does not name the deployment",
    );
    let runbook = format!("/alerts/runbooks/{}.md{{{{ end }}}}", alert.name());
    let here = format!("external_url\" }}}}/runbooks/{} ", alert.name());
    wants(
        annotation("runbook_url").ends_with(&runbook) && annotation("runbook_url").contains(&here),
        "its runbook_url does not lead to the runbook of its name",
    );
    let (_, leads_to) = annotation("dashboard_url")
        .split_once("/d/")
        .unwrap_or_default();
    let uid = leads_to.split(['?', '/']).next().unwrap_or_default();
    wants(
        dashboard_uids.contains(uid),
        "its dashboard_url leads to no dashboard",
    );
    faults
}

fn uids() -> BTreeSet<String> {
    dashboards()
        .iter()
        .map(|it: &Dashboard| it.uid().to_owned())
        .collect()
}

#[test]
fn every_alert_has_what_whoever_it_wakes_needs() {
    let uids = uids();
    let faults: Vec<_> = alerts().iter().flat_map(|it| faults(it, &uids)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn there_are_no_more_alerts_than_a_person_knows() {
    assert!(alerts().len() <= MOST, "{}", alerts().len());
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let names: BTreeSet<_> = alerts().iter().map(|it| it.name().to_owned()).collect();
    let runbooks = read("alerts/runbooks", ".md");
    let runbooks: BTreeSet<_> = runbooks
        .iter()
        .map(|(path, text)| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(
                text.starts_with(&format!("# {name}\n")),
                "{name}: its heading is not its name"
            );
            name
        })
        .collect();
    assert_eq!(names, runbooks);
}

#[test]
fn every_alert_is_named_by_a_test_of_promtool() {
    let tests = read("alerts/tests", ".test.yaml");
    for alert in alerts() {
        let named = [
            format!("alertname: {}\n", alert.name()),
            format!("alertname=\"{}\"", alert.name()),
        ];
        let is_named = |text: &String| named.iter().any(|it| text.contains(it));
        let is_tested = tests.iter().any(|(_, text)| is_named(text));
        assert!(
            is_tested,
            "{}: no test in alerts/tests names it",
            alert.name()
        );
    }
}

#[test]
fn recorded_metrics_are_named_by_level_metric_and_operation() {
    for rule in rules() {
        if let Some(name) = &rule.record {
            let parts: Vec<_> = name.split(':').collect();
            assert_eq!(parts.len(), 3, "{name}: level:metric:operation");
            assert!(!rule.expr.trim().is_empty(), "{name}: has no expr");
        }
    }
}

#[test]
fn alert_that_lacks_something_is_found() {
    let uids = uids();
    let sound = alerts().remove(0);
    assert_eq!(faults(&sound, &uids), Vec::<String>::new());
    let annotation = |name: &'static str, text: &'static str| {
        move |it: &mut Rule| drop(it.annotations.insert(name.into(), text.into()))
    };
    let changes: Vec<(Change, &str)> = vec![
        (Box::new(|it| it.expr = " ".to_owned()), "has no expr"),
        (Box::new(|it| it.lasting = None), "has no `for`"),
        (Box::new(|it| it.labels.clear()), "its severity"),
        (
            Box::new(|it| drop(it.labels.insert("severity".into(), "bad".into()))),
            "its severity",
        ),
        (
            Box::new(annotation("summary", "$labels.deployment")),
            "has no summary",
        ),
        (
            Box::new(annotation("description", "$labels.deployment")),
            "has no description",
        ),
        (
            Box::new(annotation("summary", "It is broken.")),
            "does not name the deployment",
        ),
        (
            Box::new(annotation(
                "runbook_url",
                "https://x/alerts/runbooks/Other.md",
            )),
            "its runbook_url",
        ),
        (
            Box::new(annotation("dashboard_url", "https://x/d/other")),
            "its dashboard_url",
        ),
        (
            Box::new(|it| drop(it.annotations.remove("dashboard_url"))),
            "its dashboard_url",
        ),
    ];
    for (change, fault) in changes {
        let mut alert = sound.clone();
        change(&mut alert);
        let found = faults(&alert, &uids);
        assert!(
            found.len() == 1 && found[0].contains(fault),
            "{fault}: {found:?}"
        );
    }
}
