//! Who was in session when an agent was lost: by what Coder stores, in the form of each era.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use uuid::Uuid;

use crate::commands::ask;
use crate::harness::json::json;
use crate::harness::reports::{Report, report};
use crate::harness::*;
use coder_agent_exporter::collect::{Collect, CollectSettings};
use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::fleet::rules::health::Limits;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::incident::model::IncidentSettings;
use coder_agent_exporter::postgres::database::Database;
use coder_agent_exporter::session_watch;

const NOW: &str = "'2026-03-01 12:00:00+00'::timestamptz";

/// A report with an open session and traffic, so long before now.
fn session(micros_ago: u64) -> Report {
    let at = format!("{NOW} - interval '{micros_ago} microseconds'");
    report().connections(1).session("ssh", 1).at(&at)
}

/// Six agents of one template that were lost 90 s ago, with these owners and last reports; and twelve
/// of another that are well.
async fn fleet(era: Era, lost: [(&str, Option<Report>); 6]) -> Coder {
    let coder = Coder::of(era).await;
    coder.stop_clock(NOW).await;
    let ago = |seconds: u32| format!("{NOW} - interval '{seconds} seconds'");
    for (number, (owner, last)) in lost.into_iter().enumerate() {
        let one = agent("main")
            .set("last_connected_at", ago(90))
            .set("disconnected_at", ago(90));
        let id: Uuid = one.id;
        let name = format!("box-{number}");
        let it = workspace(&name).owner(owner).template("gpu").agent(one);
        coder.add(it).await;
        if let Some(last) = last {
            coder.report(id, last).await;
        }
    }
    for number in 0..12 {
        let one = agent("main").set("last_connected_at", ago(5));
        let owner = format!("docker-{number}");
        coder.add(workspace("box").owner(&owner).agent(one)).await;
    }
    coder
}

/// Ada has two agents, and bob was in session at the last moment that counts. The others were not, by
/// a microsecond or for want of a session.
fn lost() -> [(&'static str, Option<Report>); 6] {
    let web_app = report()
        .connections(3)
        .at(&format!("{NOW} - interval '100 seconds'"));
    [
        ("ada", Some(session(100_000_000))),
        ("ada", Some(session(90_000_000))),
        ("bob", Some(session(270_000_000))),
        ("cat", Some(session(270_000_001))),
        ("dan", Some(session(89_999_999))),
        ("eve", Some(web_app)),
    ]
}

fn collect(coder: &Coder) -> Collect {
    let database = Database::new(&coder.url().parse().unwrap(), 2).unwrap();
    let settings = CollectSettings {
        collectors: Collector::DEFAULT.to_vec(),
        limits: Limits::default(),
        named_apps: false,
        metadata_keys: Vec::new(),
        incidents: IncidentSettings::default(),
        min_interval: Duration::ZERO,
    };
    Collect::new(database, settings)
}

/// The number of people in session in the only incident of a new collection.
async fn in_session(collect: &Collect) -> Option<u32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let collection = collect.collection(deadline).await;
    let incidents = collect.incidents_of(&collection).unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0].owners, 5);
    incidents[0].owners_in_session
}

#[tokio::test]
async fn people_who_were_cut_off_are_counted_once_each_in_every_era() {
    for era in [Era::V2_3, Era::NEWEST, Era::V2_36] {
        let coder = fleet(era, lost()).await;
        let collect = collect(&coder);
        assert_eq!(in_session(&collect).await, None, "{era:?}: not asked yet");
        let losses = collect.losses_to_ask().await;
        assert_eq!(losses.len(), 6);
        let deadline = Instant::now() + Duration::from_secs(10);
        let answer = collect.database().cut_off(&losses, deadline).await.unwrap();
        assert_eq!(answer.in_session.len(), 3, "{era:?} {answer:?}");
        // A collection that ends meanwhile lists them once more, and they are not asked again.
        assert_eq!(in_session(&collect).await, None, "{era:?}");
        collect.learn_cut_off(&losses, &answer);
        assert!(collect.losses_to_ask().now_or_never().is_none());
        assert_eq!(in_session(&collect).await, Some(2), "{era:?}");
        // The fact stays when its reports are gone.
        coder.sql("DELETE FROM workspace_agent_stats").await;
        assert_eq!(in_session(&collect).await, Some(2), "{era:?}");
    }
}

#[tokio::test]
async fn task_beside_the_scrapes_asks_and_the_command_too() {
    let coder = fleet(Era::NEWEST, lost()).await;
    let collect = collect(&coder);
    let watched = collect.clone();
    let watch = tokio::spawn(async move { session_watch::run(&watched).await });
    eventually("the task has asked", async || {
        in_session(&collect).await == Some(2)
    })
    .await;
    watch.abort();
    let told = json(&ask(&coder, &["incidents", "--json"]).await.stdout);
    assert_eq!(told["incidents"][0]["users_in_session"], 2, "{told}");
}

#[tokio::test]
async fn without_reports_or_without_the_grant_nothing_is_said() {
    let nothing = || lost().map(|(owner, _)| (owner, None));
    let coder = fleet(Era::NEWEST, nothing()).await;
    let told = json(&ask(&coder, &["incidents", "--json"]).await.stdout);
    let unknown = &serde_json::Value::Null;
    assert_eq!(&told["incidents"][0]["users_in_session"], unknown);

    let coder = fleet(Era::NEWEST, lost()).await;
    let role = &coder.role;
    let revoke = format!("REVOKE SELECT ON workspace_agent_stats FROM {role}");
    coder.sql(&revoke).await;
    let ended = ask(&coder, &["incidents", "--json"]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told = json(&ended.stdout);
    assert_eq!(&told["incidents"][0]["users_in_session"], unknown);
    let collect = collect(&coder);
    assert_eq!(in_session(&collect).await, None);
    let losses = collect.losses_to_ask().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let failure = collect.database().cut_off(&losses, deadline).await;
    assert!(failure.unwrap_err().message.contains("GRANT SELECT"));
}

/// The statement as it stands is the one for the newest Coder.
#[tokio::test]
async fn reports_before_a_loss_are_reached_by_coders_partial_index() {
    let coder = Coder::of(Era::V2_36).await;
    for number in 0..10 {
        let template = format!("template-{number}");
        coder.add(workspace(&template).template(&template)).await;
    }
    coder
        .sql(
            "INSERT INTO workspace_agent_stats
                 (created_at, user_id, agent_id, workspace_id, template_id, connection_count)
                 SELECT now() - number * interval '10 seconds', gen_random_uuid(),
                        gen_random_uuid(), gen_random_uuid(), template.id, number % 3
                 FROM generate_series(1, 5000) AS number, templates AS template;
             ANALYZE;",
        )
        .await;
    let sql = include_str!("../../src/postgres/lookup/cut_off.sql")
        .replace("$1::uuid[]", "(SELECT array_agg(id) FROM workspaces)")
        .replace("$2::uuid[]", "(SELECT array_agg(id) FROM workspaces)")
        .replace(
            "$3::timestamptz[]",
            "(SELECT array_agg(now()) FROM workspaces)",
        );
    let plan = coder.lines(&format!("EXPLAIN {sql}")).await.join("\n");
    let index = "workspace_agent_stats_template_id_created_at_user_id";
    assert!(plan.contains(index), "{plan}");
    assert!(
        !plan.contains("Seq Scan on workspace_agent_stats"),
        "{plan}"
    );
}
