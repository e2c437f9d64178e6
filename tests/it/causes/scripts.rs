//! Which script failed, or has not ended.

use serde_json::{Value, json};

use crate::harness::fleet::Agent;
use crate::harness::json::json as read;
use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;

/// The moment at which the start of every agent here began.
const BEGAN: &str = "timestamptz '2026-03-01 11:00:00Z'";

fn at(text: &str) -> String {
    format!("timestamptz '2026-03-01 {text}Z'")
}

/// A script of an agent, and its timings: beginning, seconds, exit code, stage, status.
struct Script<'a>(&'a str, bool, &'a [(&'a str, f64, i32, &'a str, &'a str)]);

async fn add_script(coder: &Coder, agent: &Agent, script: &Script<'_>) {
    let Script(name, on_start, timings) = script;
    let (id, agent) = (uuid::Uuid::new_v4(), agent.id);
    let name = literal(name);
    let mut sql = format!(
        "INSERT INTO workspace_agent_scripts (id, workspace_agent_id, display_name, run_on_start)
             VALUES ('{id}', '{agent}', {name}, {on_start});"
    );
    for (began, seconds, code, stage, status) in *timings {
        let began = at(began);
        sql.push_str(&format!(
            "INSERT INTO workspace_agent_script_timings VALUES
                 ('{id}', {began}, {began} + {seconds} * interval '1 second', {code}, '{stage}', '{status}');"
        ));
    }
    coder.sql(&sql).await;
}

/// Cause, scripts and advice of the only agent.
async fn told(agent: Agent, scripts: &[Script<'_>]) -> (Value, Value, String) {
    let coder = Coder::new().await;
    coder.stop_clock(&at("12:00:00")).await;
    let agent = agent.set("started_at", BEGAN);
    coder.add(workspace("box").agent(agent.clone())).await;
    for script in scripts {
        add_script(&coder, &agent, script).await;
    }
    let exporter = coder.exporter().await;
    exporter.scrape().await.assert_every_collector_loaded();
    let answer = exporter.get(&format!("/api/v1/agents/{}", agent.id)).await;
    let mut answer = read(&answer.body);
    let advice = answer["advice"].as_str().unwrap_or_default().to_owned();
    (answer["cause"].take(), answer["scripts"].take(), advice)
}

fn connected(state: &str) -> Agent {
    agent("main")
        .set("last_connected_at", at("11:59:50"))
        .lifecycle(state)
}

#[tokio::test]
async fn start_error_names_the_newest_script_that_did_not_succeed_since_the_start() {
    let (cause, scripts, advice) = told(
        connected("start_error"),
        &[
            Script("fine", true, &[("11:00:00", 1.0, 0, "start", "ok")]),
            Script(
                "first",
                true,
                &[("11:00:00", 2.5, 3, "start", "exit_failure")],
            ),
            Script("last", true, &[("11:00:01", 60.0, 1, "start", "timed_out")]),
            // Before this start, and at its stop.
            Script(
                "before",
                true,
                &[("10:59:59.999999", 100.0, 1, "start", "exit_failure")],
            ),
            Script(
                "stop",
                false,
                &[("11:30:00", 1.0, 1, "stop", "exit_failure")],
            ),
            Script("running", true, &[]),
        ],
    )
    .await;
    assert_eq!(cause, "timed_out");
    let expected = json!([
        {"name": "last", "exit_code": 1, "duration_seconds": 60.0},
        {"name": "first", "exit_code": 3, "duration_seconds": 2.5},
    ]);
    assert_eq!(scripts, expected);
    assert!(advice.contains("timeout"), "{advice}");
}

#[tokio::test]
async fn each_way_to_fail_is_a_cause_and_none_is_none() {
    for (status, expected) in [
        ("exit_failure", json!("exit_code")),
        ("timed_out", json!("timed_out")),
        ("pipes_left_open", json!("pipes_left_open")),
        ("ok", Value::Null),
    ] {
        let timing = [("11:00:00", 1.0, 2, "start", status)];
        let script = Script("setup", true, &timing);
        let (cause, scripts, _) = told(connected("start_error"), &[script]).await;
        assert_eq!(cause, expected, "{status}");
        let named = scripts.as_array().unwrap().len();
        assert_eq!(named, usize::from(!expected.is_null()), "{status}");
    }
}

#[tokio::test]
async fn stuck_starting_names_the_start_scripts_that_have_not_ended_since_the_start() {
    let (cause, scripts, _) = told(
        connected("starting"),
        &[
            Script("ended", true, &[("11:00:00", 1.0, 0, "start", "ok")]),
            Script("hangs", true, &[]),
            Script("again", true, &[("10:59:59.999999", 1.0, 0, "start", "ok")]),
            Script("stopped once", true, &[("11:00:00", 1.0, 0, "stop", "ok")]),
            Script("cron", false, &[]),
        ],
    )
    .await;
    assert_eq!(cause, "script_running");
    let running = |name: &str| json!({"name": name, "exit_code": null, "duration_seconds": null});
    let expected = ["again", "hangs", "stopped once"].map(running);
    assert_eq!(scripts, json!(expected));

    let (cause, scripts, _) = told(connected("starting"), &[]).await;
    assert_eq!((cause, scripts), (Value::Null, json!([])));
}

#[tokio::test]
async fn agent_that_is_well_has_no_script_however_it_ended() {
    let timing = [("11:00:00", 1.0, 2, "start", "exit_failure")];
    let script = Script("setup", true, &timing);
    let (cause, scripts, _) = told(connected("ready"), &[script]).await;
    assert_eq!((cause, scripts), (Value::Null, json!([])));
}

/// On the page and by `explain` as well; and in each Coder that knows no timings there is none.
#[tokio::test]
async fn script_is_told_wherever_the_agent_is_and_by_every_coder_that_has_it() {
    for era in Era::ALL {
        let coder = Coder::of(era).await;
        let failed = agent("main").lifecycle("start_error");
        coder.add(workspace("box").agent(failed.clone())).await;
        let knows = era >= Era::V2_16;
        if knows {
            let timing = [("11:00:00", 12.34, 3, "start", "exit_failure")];
            let script = Script("Install <tools>", true, &timing);
            coder
                .sql("UPDATE workspace_agents SET started_at = '2026-03-01 10:00:00Z'")
                .await;
            add_script(&coder, &failed, &script).await;
        }
        let exporter = coder.exporter().await;
        let page = exporter.scrape().await;
        page.assert_every_collector_loaded();
        let cause = if knows { "exit_code" } else { "" };
        let labels = [("health", "start_error"), ("cause", cause)];
        let found = page.samples("coder_agent_problem_timestamp_seconds", &labels);
        assert_eq!(found.count(), 1, "{era:?}");
        let page = exporter.get(&format!("/agents/{}", failed.id)).await;
        assert_eq!(page.status, 200);
        let shown = "Install &lt;tools&gt;: exit code 3 after 12.3 s";
        assert_eq!(page.body.contains(shown), knows, "{era:?}");
        let url = format!("--postgres.url={}", coder.url());
        let explained = run(&["explain", &failed.id.to_string(), &url]).await;
        let shown = "Install <tools>: exit code 3 after 12.3 s";
        assert_eq!(explained.stdout.contains(shown), knows, "{era:?}");
    }
}
