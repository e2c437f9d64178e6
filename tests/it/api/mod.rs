//! The fleet as JSON (`docs/spec/http.md`), over HTTP and out of a real Postgres.

mod activity;
mod agents;
mod caching;
mod fleet;
mod names;
mod paging;
mod problems;
mod schemathesis;
mod size;

use serde_json::Value;

use crate::harness::fleet::Agent;
use crate::harness::http::Response;
use crate::harness::json::json;
use crate::harness::*;

/// What is answered where all is well.
async fn read(exporter: &Exporter, path: &str) -> Value {
    let response = exporter.get(path).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("application/json"), "{path}");
    json(&response.body)
}

/// What is answered where something is wrong.
#[track_caller]
fn problem(response: &Response, status: u16, sort: &str) -> Value {
    assert_eq!(response.status, status, "{}", response.body);
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("application/problem+json"));
    let problem = json(&response.body);
    let sort = format!("urn:coder-agent-exporter:problem:{sort}");
    assert_eq!(problem["type"], sort);
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string(), "{problem}");
    problem
}

/// The workspaces of these agents, in their order.
fn workspaces(page: &Value) -> Vec<&str> {
    let agents = page["agents"].as_array().unwrap();
    let names = agents.iter().map(|it| it["workspace_name"].as_str());
    names.map(Option::unwrap).collect()
}

/// Connected ten minutes ago, and has reported nothing since.
fn stuck() -> Agent {
    agent("main")
        .lifecycle("created")
        .ago("created_at", 610.0)
        .ago("first_connected_at", 600.0)
        .null("started_at")
        .null("ready_at")
}

/// A few agents of which each is something else, in workspaces called after what they are.
async fn lively() -> Coder {
    let coder = Coder::new().await;
    let gpu = |name: &str| workspace(name).owner("grace").template("gpu");
    let fleet = [
        workspace("healthy").agent(agent("main").app("healthy").sub(agent("inner"))),
        workspace("lost").agent(agent("main").closed_ago(3600.0)),
        gpu("silent").agent(agent("main").silent_for(90.0).app("unhealthy")),
        gpu("stuck").agent(stuck()),
        gpu("stopped").build(stop(1).agent(agent("main").closed_ago(60.0))),
        workspace("later").agent(agent("main").lifecycle("ready")),
    ];
    for workspace in fleet {
        coder.add(workspace).await;
    }
    coder
}
