//! Incidents of a real database: in the API, in the commands and on the pages the same, with advice
//! that destroys no work.

use serde_json::Value;
use uuid::Uuid;

use crate::commands::{ask, squeezed, told_json};
use crate::harness::http::Response;
use crate::harness::json::json;
use crate::harness::*;
use crate::pages::fleet::assert_shows;

/// The advice of the template's incident, and what it says not to do.
const ADVICE: &str = "Check the machines and the network of this template";
const NOT: &str = "Do not stop workspaces: unsaved work would be lost";

/// Workspaces of two templates. All six of gpu lost their agents a minute and a half ago; one has a
/// sub-agent. Twelve of docker are well, but for one script that failed.
async fn fleet() -> (Coder, Uuid) {
    let coder = Coder::new().await;
    let mut first = Uuid::nil();
    for number in 0..6 {
        let mut lost = agent("main").closed_ago(90.0);
        if number == 0 {
            first = lost.id;
            lost = lost.sub(agent("devcontainer").closed_ago(95.0));
        }
        let owner = format!("gpu-{number}");
        let it = workspace("box").owner(&owner).template("gpu").agent(lost);
        coder.add(it).await;
    }
    for number in 0..12 {
        let lifecycle = if number == 0 { "start_error" } else { "ready" };
        let one = agent("main").lifecycle(lifecycle);
        let owner = format!("docker-{number}");
        coder.add(workspace("box").owner(&owner).agent(one)).await;
    }
    (coder, first)
}

async fn read(exporter: &Exporter, path: &str) -> Value {
    let response: Response = exporter.get(path).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    json(&response.body)
}

#[tokio::test]
async fn api_has_the_incident_with_its_agents_and_their_sub_agents() {
    let (coder, first) = fleet().await;
    let exporter = coder.exporter().await;
    let list = read(&exporter, "/api/v1/incidents").await;
    assert_eq!(list["incidents"].as_array().unwrap().len(), 1, "{list}");
    let incident = &list["incidents"][0];
    for (field, expected) in [
        ("kind", "root".into()),
        ("family", "lost".into()),
        ("factor", "template".into()),
        ("value", "acme/gpu".into()),
        ("agents", Value::from(6)),
        ("expected_agents", 6.into()),
        ("users", 6.into()),
        ("workspaces", 6.into()),
        ("is_growing", true.into()),
        ("runbook", "CoderAgentsLost".into()),
    ] {
        assert_eq!(incident[field], expected, "{field}: {incident}");
    }
    assert!(incident["advice"].as_str().unwrap().starts_with(ADVICE));
    assert!(incident["not_to_do"].as_str().unwrap().starts_with(NOT));
    let versions = "coder templates versions list gpu --org acme";
    assert_eq!(incident["commands"][0], versions);

    let runbook = incident["runbook_url"].as_str().unwrap();
    assert_shows(&exporter.get(runbook).await, &["CoderAgentsLost"]);

    let id = incident["incident_id"].as_str().unwrap();

    let mut path = incident["agents_url"].as_str().unwrap().to_owned();
    path.push_str("&limit=4");
    let page = read(&exporter, &path).await;
    assert_eq!(page["total"], 6);
    let cursor = page["next"].as_str().unwrap();
    let rest = read(&exporter, &format!("{path}&cursor={cursor}")).await;
    let agents = [&page, &rest].map(|it| it["agents"].as_array().unwrap().clone());
    let agents = agents.concat();
    assert_eq!(agents.len(), 6);
    for agent in &agents {
        assert_eq!(agent["incident_id"], id);
        assert_eq!(agent["template_name"], "gpu");
        assert!(agent["advice"].as_str().unwrap().starts_with(ADVICE));
        let below = agent["sub_agents"].as_array().unwrap();
        let is_first = agent["agent_id"] == first.to_string();
        assert_eq!(below.len(), usize::from(is_first), "{agent}");
    }
    let ended = read(&exporter, "/api/v1/agents?incident=0123456789abcdef").await;
    assert_eq!(ended["total"], 0);

    // One that is not in it has its own advice.
    let failed = read(&exporter, "/api/v1/agents?health=start_error").await;
    assert_eq!(failed["agents"][0]["incident_id"], Value::Null);
    assert!(
        failed["agents"][0]["advice"]
            .as_str()
            .unwrap()
            .starts_with("Read the startup")
    );
    let fleet = read(&exporter, "/api/v1/fleet").await;
    assert_eq!(fleet["incidents"][0]["incident_id"], id);
}

#[tokio::test]
async fn pages_begin_with_the_incident_and_advise_no_stop() {
    let (coder, first) = fleet().await;
    let exporter = coder.exporter().await;
    let list = read(&exporter, "/api/v1/incidents").await;
    let id = list["incidents"][0]["incident_id"].as_str().unwrap();
    let title = "root lost: template acme/gpu";
    let page = exporter.get("/").await;
    let numbers = "6 of 6 agents that could have been hit, 6 users , 6 workspaces";
    assert_shows(&page, &["1 incident", title, numbers, ADVICE, NOT]);
    let at = |text: &str| page.body.find(text).expect(text);
    assert!(
        at("id=\"incidents\"") < at("class=\"legend\""),
        "it stands first"
    );
    assert!(
        !page.body.contains("top and start the workspace"),
        "{}",
        page.body
    );

    let of_it = exporter.get(&format!("/?incident={id}")).await;
    assert_shows(&of_it, &["Showing 6 problems", "devcontainer", "sub-agent"]);
    let over = exporter.get("/?incident=0123456789abcdef").await;
    assert_shows(&over, &["has ended, or never was", "No agent matches."]);

    let agent = exporter.get(&format!("/agents/{first}")).await;
    assert_shows(
        &agent,
        &["one of 6 agents in an incident", title, ADVICE, NOT],
    );
    assert!(!agent.body.contains("top and start the workspace"));
}

#[tokio::test]
async fn commands_show_it_first_and_its_advice_instead_of_the_agents_own() {
    let (coder, _) = fleet().await;
    let shown = ask(&coder, &["incidents"]).await;
    assert_eq!(shown.code, Some(3), "{}", shown.stderr);
    let block = squeezed(&shown.stdout);
    for expected in [
        "root lost: template acme/gpu\n",
        "\nagents 6 of 6 that could have been hit; 6 workspaces, 6 users\n",
        ADVICE,
        "\n$ coder templates versions list gpu --org acme\n",
    ] {
        assert!(block.contains(expected), "{expected}: {block}");
    }
    let status = squeezed(&ask(&coder, &["status", "--problems"]).await.stdout);
    let at = |text: &str| {
        status
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {status}"))
    };
    assert!(at("root lost: template acme/gpu") < at("ORGANIZATION TEMPLATE"));
    assert!(!status.contains("stop and start"), "{status}");
    let explained = squeezed(&ask(&coder, &["explain", "gpu-3/box"]).await.stdout);
    for expected in ["\nincident root lost: template acme/gpu\n", ADVICE, NOT] {
        assert!(explained.contains(expected), "{expected}: {explained}");
    }
    assert!(!explained.contains("stop and start"), "{explained}");
    let told = told_json(&coder, &["explain", "gpu-3/box"]).await;
    assert_eq!(
        told["agents"][0]["incident"]["factor"], "template",
        "{told}"
    );
    let alone = told_json(&coder, &["explain", "docker-0/box"]).await;
    assert_eq!(alone["agents"][0]["incident"], Value::Null);
}

#[tokio::test]
async fn incident_that_ended_is_remembered_by_api_and_page() {
    let (coder, _) = fleet().await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    let list = read(&exporter, "/api/v1/incidents").await;
    assert_eq!(list["ended"], serde_json::json!([]));
    let id = &list["incidents"][0]["incident_id"];
    let heal = "UPDATE workspace_agents SET disconnected_at = NULL, last_connected_at = now()";
    coder.sql(heal).await;
    exporter.scrape().await;
    let list = read(&exporter, "/api/v1/incidents").await;
    assert_eq!(list["incidents"], serde_json::json!([]));
    let ended = &list["ended"][0];
    assert_eq!(ended["incident_id"], *id);
    assert_eq!((&ended["agents"], &ended["users"]), (&6.into(), &6.into()));
    let seconds = ended["duration_seconds"].as_f64().unwrap();
    assert!((90.0..150.0).contains(&seconds), "{seconds}");
    let page = exporter.get("/").await;
    let line = "root lost: template acme/gpu";
    assert_shows(
        &page,
        &[
            "1 incident ended in the last six hours",
            line,
            "up to 6 agents of 6 users",
        ],
    );
}
