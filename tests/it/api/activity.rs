//! How a workspace is used: the part `activity` of one agent (`docs/spec/http.md`).

use coder_agent_exporter::demo::schema::Era;
use serde_json::json;
use uuid::Uuid;

use crate::harness::reports::report;

use super::*;

async fn activity(exporter: &Exporter, agent: Uuid) -> Value {
    let mut one = read(exporter, &format!("/api/v1/agents/{agent}")).await;
    one["activity"].take()
}

const NO_SESSIONS: [&str; 0] = [];

/// Kinds of open sessions.
fn kinds(activity: &Value) -> Vec<&str> {
    let sessions = activity["sessions"].as_object().unwrap();
    sessions.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn sessions_connections_last_use_and_deadline_are_told_in_every_era() {
    for era in [Era::V2_3, Era::NEWEST, Era::V2_36] {
        let coder = Coder::of(era).await;
        let (main, other, old) = (agent("main"), agent("other"), agent("main"));
        let ids = [main.id, other.id, old.id];
        let it = workspace("box")
            .build(start(1).agent(old))
            .build(start(2).agent(main).agent(other));
        coder.add(it).await;
        let [main, other, old] = ids;
        let session = |kind, count| report().connections(1).session(kind, count);
        // The newest report of an agent counts, within three minutes, and of the latest build alone.
        coder.report(main, session("ssh", 5).ago(60.0)).await;
        coder.report(main, session("vscode", 2).ago(20.0)).await;
        coder.report(main, report().ago(5.0)).await;
        coder.report(other, session("ssh", 1).ago(190.0)).await;
        coder
            .report(other, report().connections(3).ago(170.0))
            .await;
        coder.report(old, session("jetbrains", 1).ago(20.0)).await;
        coder
            .sql(
                "UPDATE workspaces SET last_used_at = '2026-11-28 05:00:00+00';
                 UPDATE workspace_builds SET deadline = '2026-11-28 06:00:00+00'
                 WHERE build_number = 2",
            )
            .await;
        let exporter = coder.exporter().await;
        let shown = activity(&exporter, main).await;
        assert_eq!(shown["state"], "session", "{era:?}: {shown}");
        assert_eq!(shown["sessions"], json!({ "vscode": 2 }), "{era:?}");
        assert_eq!(shown["connections_without_session"], 3, "{era:?}");
        assert_eq!(shown["last_used_at"], "2026-11-28T05:00:00Z", "{era:?}");
        assert_eq!(shown["deadline"], "2026-11-28T06:00:00Z", "{era:?}");
        assert_eq!(
            shown["deadline_moved_seconds"],
            Value::Null,
            "the first one"
        );
        let of_other = activity(&exporter, other).await;
        assert_eq!(of_other["sessions"], shown["sessions"], "of the workspace");
    }
}

#[tokio::test]
async fn deadline_that_moves_is_told_by_how_much_since_which_reading() {
    let coder = Coder::new().await;
    let main = agent("main");
    let id = main.id;
    coder.add(workspace("box").agent(main)).await;
    let deadline = |time: &str| format!("UPDATE workspace_builds SET deadline = '{time}+00'");
    coder.sql(&deadline("2026-11-28 06:00:00")).await;
    let exporter = coder.exporter().await;
    let shown = activity(&exporter, id).await;
    assert_eq!(shown["deadline_compared_at"], Value::Null);
    coder.sql(&deadline("2026-11-28 06:10:00")).await;
    eventually("the deadline is read again", async || {
        let shown = activity(&exporter, id).await;
        shown["deadline_moved_seconds"] == 600.0 && shown["deadline_compared_at"].is_string()
    })
    .await;
}

#[tokio::test]
async fn what_is_not_known_is_null_and_costs_nothing_else() {
    let coder = Coder::new().await;
    let main = agent("main");
    let id = main.id;
    coder.add(workspace("box").agent(main)).await;
    let shown = activity(&coder.exporter().await, id).await;
    assert_eq!(shown["state"], Value::Null, "no report was ever stored");
    for field in ["reported_at", "last_used_at", "deadline"] {
        assert_eq!(shown[field], Value::Null, "{field}");
    }
    coder.report(id, report().ago(5.0)).await;
    let shown = activity(&coder.exporter().await, id).await;
    assert_eq!(shown["state"], "idle");
    let web_app = report().connections(1).ago(4.0);
    coder.report(id, web_app).await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (last_used_at) ON workspaces FROM {role}"
        ))
        .await;
    let shown = activity(&coder.exporter().await, id).await;
    assert_eq!(shown["state"], "traffic");
    assert_eq!(kinds(&shown), NO_SESSIONS);
    coder
        .sql(&format!(
            "REVOKE SELECT (connection_count) ON workspace_agent_stats FROM {role}"
        ))
        .await;
    assert_eq!(activity(&coder.exporter().await, id).await, Value::Null);
}

/// An agent says of itself what it has open.
#[tokio::test]
async fn odd_numbers_and_names_of_sessions_break_nothing() {
    let coder = Coder::of(Era::V2_36).await;
    let main = agent("main");
    let id = main.id;
    coder.add(workspace("box").agent(main)).await;
    coder.report(id, report().connections(1).ago(5.0)).await;
    for (counts, expected) in [
        (r#"{"ssh":"x","a":null,"b":[1],"c":-1,"d":0}"#, json!({})),
        ("[1]", json!({})),
        (
            r#"{"big":1e300,"half":0.5}"#,
            json!({ "big": 1_000_000, "half": 1 }),
        ),
    ] {
        let update = format!("UPDATE workspace_agent_stats SET session_counts = '{counts}'");
        coder.sql(&update).await;
        let shown = activity(&coder.exporter().await, id).await;
        assert_eq!(shown["sessions"], expected, "{counts}");
    }
    coder
        .sql(
            "UPDATE workspace_agent_stats SET session_counts =
                 (SELECT jsonb_object_agg(repeat('k', number * 20) || number, 1)
                  FROM generate_series(1, 25) AS number)",
        )
        .await;
    let shown = activity(&coder.exporter().await, id).await;
    let kinds = kinds(&shown);
    assert!((2..=20).contains(&kinds.len()), "{kinds:?}");
    assert!(kinds.iter().all(|it| it.len() <= 256 + 3), "{kinds:?}");
}
