//! `/api/v1/fleet`.

use std::time::Duration;

use serde_json::json;

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::json::keys;
use coder_agent_exporter::config::coder_token::Token;
use coder_agent_exporter::config::probe_args::Dialing;
use coder_agent_exporter::fleet::stats::collection::Collector;

use super::*;

const FLEET: &str = "/api/v1/fleet";

#[tokio::test]
async fn fleet_is_told_as_the_metrics_count_it() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    let told = read(&exporter, FLEET).await;
    let page = exporter.scrape().await;
    assert_eq!(told["agents"], 7);
    assert_eq!(told["problem_agents"], 3);
    for (field, metric, label) in [
        ("health", "coder_agents_health", "health"),
        ("status", "coder_agents", "status"),
        (
            "lifecycle_state",
            "coder_agents_lifecycle",
            "lifecycle_state",
        ),
        ("workspaces", "coder_workspaces", "state"),
        ("apps", "coder_apps", "health"),
        ("chat_bindings", "coder_chat_bindings", "state"),
    ] {
        let counts = told[field].as_object().unwrap();
        assert!(counts.len() > 3, "{field}");
        for (value, count) in counts {
            let expected = page.value(metric, &[(label, value.as_str())]);
            assert_eq!(count.as_f64(), Some(expected), "{field} {value}");
        }
    }
    let templates = told["templates"].as_array().unwrap();
    assert_eq!(templates.len(), 2);
    let gpu = &templates[1];
    assert_eq!(gpu["template_name"], "gpu");
    assert_eq!(gpu["organization_name"], "acme");
    assert_eq!(
        (&gpu["agents"], &gpu["problem_agents"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(gpu["health"]["shutdown"], 1);
    assert_eq!(gpu["status"]["disconnected"], 2);
    assert_eq!(gpu["oldest_problem"]["health"], "stuck_created");
    let age = gpu["oldest_problem"]["age_seconds"].as_f64().unwrap();
    assert!((600.0..660.0).contains(&age), "{age}");
}

#[tokio::test]
async fn fleet_tells_of_the_exporter_and_of_its_own_age() {
    let coder = lively().await;
    let exporter = coder.exporter().await;
    let told = read(&exporter, FLEET).await;
    let age = told["age_seconds"].as_f64().unwrap();
    assert!((-0.1..5.0).contains(&age), "{age}");
    let itself = &told["exporter"];
    assert_eq!(itself["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(itself["schema"]["has_agent_parent_id"], true);
    assert_eq!(itself["probe"], Value::Null, "off");
    assert_eq!(itself["replica_lag_seconds"], Value::Null, "a primary");
    assert!(itself["clock_skew_seconds"].as_f64().unwrap().abs() < 2.0);
    let collectors = itself["collectors"].as_array().unwrap();
    assert_eq!(collectors.len(), Collector::DEFAULT.len());
    for collector in collectors {
        assert_eq!(collector["success"], true, "{collector}");
        assert_eq!(collector["message"], Value::Null);
    }
    assert_eq!(collectors[0]["collector"], "agents");
    assert_eq!(collectors[0]["rows"], 7);
    insta::assert_snapshot!(keys(&told).join("\n"));
}

#[tokio::test]
async fn part_that_could_not_be_read_is_null_and_says_why() {
    let coder = lively().await;
    let role = &coder.role;
    let revoke = format!("REVOKE SELECT ON workspace_apps FROM {role}");
    coder.sql(&revoke).await;
    let told = read(&coder.exporter().await, FLEET).await;
    assert_eq!(told["apps"], Value::Null);
    assert_eq!(told["agents"], 7);
    let apps = &told["exporter"]["collectors"][1];
    assert_eq!(apps["collector"], "apps");
    assert_eq!(
        (&apps["success"], &apps["rows"]),
        (&json!(false), &Value::Null)
    );
    let message = apps["message"].as_str().unwrap();
    assert!(message.contains("GRANT SELECT"), "{message}");
}

#[tokio::test]
async fn without_agents_nothing_about_them_is_a_number() {
    let coder = lively().await;
    let without = |it: &mut Settings| {
        it.collect
            .collectors
            .retain(|it| *it == Collector::Workspaces)
    };
    let exporter = coder.exporter_with(without).await;
    let told = read(&exporter, FLEET).await;
    for field in [
        "agents",
        "problem_agents",
        "health",
        "status",
        "lifecycle_state",
        "templates",
    ] {
        assert_eq!(told[field], Value::Null, "{field}");
    }
    assert_eq!(told["workspaces"]["running"], 5);
    for path in [
        "/api/v1/agents",
        "/api/v1/agents/291da7eb-6201-41b0-89ae-9bea0d8b3f61",
    ] {
        let response = exporter.get(path).await;
        let problem = problem(&response, 503, "fleet-unknown");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("--no-collector.agents"), "{detail}");
    }
}

#[tokio::test]
async fn probe_that_is_on_tells_how_much_it_has_seen() {
    let coder = Coder::new().await;
    let coderd = StandIn::start().await;
    let main = agent("main");
    coderd.answer(main.id, Answer::ports());
    coder.add(workspace("box").agent(main)).await;
    let token = Token::Value(TOKEN.to_owned().into());
    let dialing = Dialing::Coderd(coderd.url("127.0.0.1").parse().unwrap(), token);
    let exporter = coder.exporter_with(|it| it.dialing = Some(dialing)).await;
    let before = read(&exporter, FLEET).await;
    assert_eq!(before["exporter"]["probe"]["coverage_ratio"], Value::Null);
    assert_eq!(before["exporter"]["probe"]["last_round_at"], Value::Null);
    exporter.probe.as_ref().unwrap().round().await;
    // What it covers is known once it has looked for as long as a probe counts.
    later(Duration::from_secs(15 * 60)).await;
    exporter.probe.as_ref().unwrap().round().await;
    let after = read(&exporter, FLEET).await;
    assert_eq!(after["exporter"]["probe"]["coverage_ratio"], 1.0);
    assert_eq!(after["exporter"]["probe"]["disagreements"], 0);
    assert!(after["exporter"]["probe"]["last_round_at"].is_string());
}
