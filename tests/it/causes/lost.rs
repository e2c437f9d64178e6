//! Why agents were lost: the coderd that held them is gone, or they had no memory or disk left.

use uuid::Uuid;

use crate::harness::fleet::Agent;
use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;

const PROBLEM: &str = "coder_agent_problem_timestamp_seconds";

fn at(text: &str) -> String {
    format!("timestamptz '2026-03-01 {text}Z'")
}

/// Noon has come in this Coder.
async fn noon(era: Era) -> Coder {
    let coder = Coder::of(era).await;
    coder.stop_clock(&at("12:00:00")).await;
    coder
}

/// Its last heartbeat was then, and Coder wrote no end.
fn silent_since(name: &str, heartbeat: &str) -> Agent {
    agent(name).set("last_connected_at", at(heartbeat))
}

/// A coderd that updated its row then, and stopped then if it did.
async fn replica(coder: &Coder, updated: &str, stopped: Option<&str>, primary: bool) -> Uuid {
    let id = Uuid::new_v4();
    let stopped = stopped.map_or("NULL".to_owned(), at);
    coder
        .sql(&format!(
            "INSERT INTO replicas (id, updated_at, stopped_at, \"primary\")
                 VALUES ('{id}', {}, {stopped}, {primary})",
            at(updated)
        ))
        .await;
    id
}

/// An agent that this coderd held until then.
async fn held(coder: &Coder, name: &str, heartbeat: &str, by: Uuid) {
    let agent = silent_since(name, heartbeat).set("last_connected_replica_id", format!("'{by}'"));
    coder.add(workspace(name).agent(agent)).await;
}

/// Causes by agent, in the order of their names.
async fn causes(coder: &Coder) -> Vec<(String, String)> {
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    let label = |it: Option<&str>| it.unwrap().to_owned();
    let mut found: Vec<_> = page
        .samples(PROBLEM, &[])
        .map(|it| (label(it.label("agent_name")), label(it.label("cause"))))
        .collect();
    found.sort_unstable();
    found
}

#[track_caller]
fn check(found: &[(String, String)], expected: &[(&str, &str)]) {
    let found: Vec<_> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn replica_that_went_within_a_minute_of_the_last_heartbeat_is_the_cause_while_none_runs() {
    for era in Era::ALL {
        let coder = noon(era).await;
        // Stopped a minute after the last heartbeat, and a little more.
        let stopped = replica(&coder, "11:01:00", Some("11:01:00"), true).await;
        held(&coder, "stop-at-limit", "11:00:00", stopped).await;
        held(&coder, "stop-beyond", "10:59:59.999999", stopped).await;
        held(&coder, "stop-before", "11:02:00", stopped).await;
        held(&coder, "stop-long-before", "11:02:00.000001", stopped).await;
        // Crashed: it went stale half a minute after its last sign of life.
        let stale = replica(&coder, "11:29:30", None, true).await;
        held(&coder, "crash-at-limit", "11:29:00", stale).await;
        held(&coder, "crash-beyond", "11:28:59.999999", stale).await;
        // A proxy of workspaces that runs holds no agent.
        replica(&coder, "11:59:59", None, false).await;
        let unknown = silent_since("unknown", "11:00:00");
        coder.add(workspace("unknown").agent(unknown)).await;
        let expected = [
            ("crash-at-limit", "coderd_gone"),
            ("crash-beyond", ""),
            ("stop-at-limit", "coderd_gone"),
            ("stop-before", "coderd_gone"),
            ("stop-beyond", ""),
            ("stop-long-before", ""),
            ("unknown", ""),
        ];
        check(&causes(&coder).await, &expected);
    }
}

#[tokio::test]
async fn while_another_replica_runs_agents_have_two_minutes_to_come_back() {
    let coder = noon(Era::NEWEST).await;
    let stopped = replica(&coder, "11:58:10", Some("11:58:10"), true).await;
    held(&coder, "still-time", "11:58:00.000001", stopped).await;
    held(&coder, "time-over", "11:58:00", stopped).await;
    // Alive for exactly the limit.
    let running = replica(&coder, "11:59:30", None, true).await;
    held(&coder, "of-the-running", "11:59:00", running).await;
    let expected = [
        ("of-the-running", ""),
        ("still-time", "coderd_gone"),
        ("time-over", ""),
    ];
    check(&causes(&coder).await, &expected);
    // A moment later it is stale: it held one of them, and none runs.
    coder
        .sql(&format!(
            "UPDATE replicas SET updated_at = {} WHERE id = '{running}'",
            at("11:59:29.999999")
        ))
        .await;
    let expected = [
        ("of-the-running", "coderd_gone"),
        ("still-time", "coderd_gone"),
        ("time-over", "coderd_gone"),
    ];
    check(&causes(&coder).await, &expected);
}

#[tokio::test]
async fn agent_whose_end_coderd_wrote_was_lost_by_no_coderd() {
    let coder = noon(Era::NEWEST).await;
    let stopped = replica(&coder, "11:59:00", Some("11:59:00"), true).await;
    let closed = silent_since("closed", "11:59:00")
        .set("disconnected_at", at("11:59:00"))
        .set("last_connected_replica_id", format!("'{stopped}'"));
    coder.add(workspace("box").agent(closed)).await;
    check(&causes(&coder).await, &[("closed", "")]);
}

#[tokio::test]
async fn lost_agent_whose_monitor_is_not_ok_had_too_little_of_it() {
    for era in Era::ALL {
        let coder = noon(era).await;
        let lost =
            |name: &str| silent_since(name, "11:00:00").set("disconnected_at", at("11:00:01"));
        let agents = [
            lost("disk"),
            lost("fine"),
            lost("memory"),
            lost("memory-and-disk"),
            lost("terminated").lifecycle("off"),
            // Well as it is, whatever its monitors say.
            silent_since("up", "11:59:50"),
        ];
        let build = agents
            .iter()
            .fold(start(1), |build, it| build.agent(it.clone()));
        coder.add(workspace("box").build(build)).await;
        if era >= Era::V2_20 {
            coder
                .sql(
                    "INSERT INTO workspace_agent_memory_resource_monitors (agent_id, state)
                         SELECT id, CASE name WHEN 'fine' THEN 'OK' ELSE 'NOK' END::workspace_agent_monitor_state
                         FROM workspace_agents WHERE name <> 'disk';
                     INSERT INTO workspace_agent_volume_resource_monitors (agent_id, path, state)
                         SELECT id, path, CASE WHEN name ~ 'disk' AND path = '/home' THEN 'NOK' ELSE 'OK' END::workspace_agent_monitor_state
                         FROM workspace_agents, unnest(ARRAY['/', '/home']) AS path;",
                )
                .await;
        }
        let of = |cause| if era >= Era::V2_20 { cause } else { "" };
        let expected = [
            ("disk", of("disk_high")),
            ("fine", ""),
            ("memory", of("memory_high")),
            ("memory-and-disk", of("memory_high")),
            ("terminated", of("memory_high")),
        ];
        check(&causes(&coder).await, &expected);
    }
}

#[tokio::test]
async fn coderd_that_is_gone_comes_before_memory() {
    let coder = noon(Era::NEWEST).await;
    let stopped = replica(&coder, "11:00:10", Some("11:00:10"), true).await;
    held(&coder, "main", "11:00:00", stopped).await;
    coder
        .sql(
            "INSERT INTO workspace_agent_memory_resource_monitors (agent_id, state)
                 SELECT id, 'NOK' FROM workspace_agents",
        )
        .await;
    check(&causes(&coder).await, &[("main", "coderd_gone")]);
}
