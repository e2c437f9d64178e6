//! What a running Coder (v2.26) wrote in 21 moments, and what it said of its agents: replayed.
//!
//! `real_coder/history.jsonl` has a moment on each line: what had just been done, the database's
//! `now()`, the rows that are new or changed since the moment before, and of each agent the status
//! and lifecycle that Coder showed, none while it was down.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::json::json;
use crate::harness::*;

const HISTORY: &str = include_str!("real_coder/history.jsonl");

/// Tables in the order of their references, and what makes a row of them the same.
const TABLES: [(&str, &str); 14] = [
    ("organizations", "id"),
    ("users", "id"),
    ("templates", "id"),
    ("template_versions", "id"),
    ("workspaces", "id"),
    ("provisioner_jobs", "id"),
    ("workspace_builds", "id"),
    ("workspace_resources", "id"),
    ("workspace_agents", "id"),
    ("workspace_agent_scripts", "id"),
    ("workspace_agent_script_timings", "script_id, started_at"),
    ("workspace_agent_memory_resource_monitors", "agent_id"),
    ("workspace_agent_volume_resource_monitors", "agent_id, path"),
    ("replicas", "id"),
];

/// Writes these rows of a table as they were.
fn upsert(table: &str, key: &str, rows: &Value) -> String {
    let first = rows[0].as_object().unwrap();
    let columns: Vec<_> = first.keys().map(|it| format!("\"{it}\"")).collect();
    let updates: Vec<_> = columns
        .iter()
        .map(|it| format!("{it} = excluded.{it}"))
        .collect();
    let (columns, updates) = (columns.join(", "), updates.join(", "));
    let rows = literal(&rows.to_string());
    format!(
        "INSERT INTO {table} ({columns})
             SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, {rows})
             ON CONFLICT ({key}) DO UPDATE SET {updates};"
    )
}

/// Goes on to this moment.
async fn go_to(coder: &Coder, moment: &Value) {
    for (table, key) in TABLES {
        let rows = &moment["rows"][table];
        if !rows.is_null() {
            coder.sql(&upsert(table, key, rows)).await;
        }
    }
    let now = moment["now"].as_str().unwrap();
    coder.stop_clock(&format!("timestamptz '{now}'")).await;
}

/// The classes with their numbers, then each problem with its cause and scripts.
fn summary(agents: &[Value]) -> String {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for agent in agents {
        *counts.entry(text(&agent["health"])).or_default() += 1;
        if agent["since"].is_null() {
            continue;
        }
        let name = format!(
            "{}.{}",
            text(&agent["workspace_name"]),
            text(&agent["agent_name"])
        );
        let mut line = format!(
            "{name} {} {}",
            text(&agent["health"]),
            text(&agent["cause"])
        );
        for script in agent["scripts"].as_array().unwrap() {
            let _ = write!(line, " [{} {}]", text(&script["name"]), script["exit_code"]);
        }
        problems.push(line.trim_end().to_owned());
    }
    problems.sort();
    let counts: Vec<_> = counts
        .iter()
        .map(|(it, count)| format!("{it} {count}"))
        .collect();
    let mut lines = vec![counts.join(", ")];
    lines.extend(problems.into_iter().map(|it| format!("  {it}")));
    lines.join("\n")
}

#[tokio::test]
async fn status_and_lifecycle_are_coders_own_and_health_follows_what_was_done() {
    let coder = Coder::new().await;
    let mut exporter = None;
    let (mut compared, mut story) = (0, String::new());
    for line in HISTORY.lines() {
        let moment = json(line);
        go_to(&coder, &moment).await;
        if exporter.is_none() {
            exporter = Some(coder.exporter().await);
        }
        let exporter = exporter.as_ref().unwrap();
        exporter.scrape().await.assert_every_collector_loaded();
        let page = json(&exporter.get("/api/v1/agents?limit=1000").await.body);
        let agents = page["agents"].as_array().unwrap();
        let event = moment["event"].as_str().unwrap();
        for agent in agents {
            let id = agent["agent_id"].as_str().unwrap();
            let said = &moment["coder"][id];
            if said.is_null() {
                continue;
            }
            let ours = [&agent["status"], &agent["lifecycle_state"]];
            assert_eq!(ours, [&said[0], &said[1]], "{event}: {agent}");
            compared += 1;
        }
        let known = moment["coder"].as_object().unwrap().len();
        assert!(
            agents.len() >= known,
            "{event}: {} of {known}",
            agents.len()
        );
        let _ = writeln!(story, "{event}\n{}\n", summary(agents));
    }
    assert_eq!(compared, 269);
    insta::assert_snapshot!(story);
}
