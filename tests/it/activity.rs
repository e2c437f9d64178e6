//! Session reports: who is in use now, by what Coder stores (`docs/spec/coder-schema.md` and
//! `docs/spec/probe.md`).

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::fleet::Agent;
use crate::harness::reports::{Report, report};
use crate::harness::*;
use coder_agent_exporter::activity::ActivityReader;
use coder_agent_exporter::collect::Collect;
use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::error::{ErrorKind, Failure};
use coder_agent_exporter::fleet::model::activity::Activity;
use coder_agent_exporter::postgres::database::Database;

async fn activity(coder: &Coder) -> Result<Activity, Failure> {
    let database = Database::new(&coder.url().parse().unwrap(), 2).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    database.activity(deadline).await
}

/// A workspace of one agent that sent this report, in the form of this era.
async fn add(coder: &Coder, agent: Agent, report: Report) -> Uuid {
    let id = agent.id;
    let name = format!("box-{}", id.simple());
    coder.add(workspace(&name).agent(agent)).await;
    coder.report(id, report).await;
    id
}

#[tokio::test]
async fn open_session_of_any_kind_with_traffic_is_use_in_every_era() {
    for era in [Era::V2_3, Era::NEWEST, Era::V2_36] {
        let coder = Coder::of(era).await;
        let mut used = Vec::new();
        for kind in ["vscode", "jetbrains", "reconnecting_pty", "ssh"] {
            let session = report().connections(2).session(kind, 1).ago(20.0);
            used.push(add(&coder, agent("main"), session).await);
        }
        let quiet = report().connections(0).session("ssh", 1).ago(20.0);
        add(&coder, agent("main"), quiet).await;
        let web_app = report().connections(3).ago(20.0);
        add(&coder, agent("main"), web_app).await;
        let activity = activity(&coder).await.unwrap();
        assert_eq!(activity.sessions.len(), used.len(), "{era:?} {activity:?}");
        for agent in used {
            let age = activity.session_age_seconds(agent).unwrap();
            assert!((20.0..35.0).contains(&age), "{era:?}: {age}");
        }
        assert!(activity.is_stored(), "{era:?}");
    }
}

#[tokio::test]
async fn report_counts_until_it_is_exactly_a_minute_old() {
    let coder = Coder::new().await;
    coder
        .stop_clock("'2026-01-01 12:00:00+00'::timestamptz")
        .await;
    let at = |age: &str| {
        let moment = format!("'2026-01-01 12:00:00+00'::timestamptz - interval '{age}'");
        report().connections(1).session("ssh", 1).at(&moment)
    };
    let at_the_limit = add(&coder, agent("main"), at("60 seconds")).await;
    add(&coder, agent("main"), at("60.000001 seconds")).await;
    let activity = activity(&coder).await.unwrap();
    assert_eq!(activity.session_age_seconds(at_the_limit), Some(60.0));
    assert_eq!(activity.sessions.len(), 1);
}

#[tokio::test]
async fn newest_report_of_an_agent_is_the_one_that_counts() {
    let coder = Coder::new().await;
    let session = || report().connections(1).session("vscode", 2);
    let agent = add(&coder, agent("main"), session().ago(50.0)).await;
    coder.report(agent, session().ago(20.0)).await;
    coder.report(agent, report().connections(0).ago(5.0)).await;
    let activity = activity(&coder).await.unwrap();
    let age = activity.session_age_seconds(agent).unwrap();
    assert!((20.0..35.0).contains(&age), "{age}");
}

#[tokio::test]
async fn coder_that_stores_nothing_or_has_stopped_storing_is_recognized() {
    let coder = Coder::new().await;
    let empty = activity(&coder).await.unwrap();
    assert_eq!(empty.newest_report, None);
    assert!(!empty.is_stored() && empty.sessions.is_empty());
    let old = report().connections(1).session("ssh", 1).ago(90_000.0);
    add(&coder, agent("main"), old).await;
    assert!(!activity(&coder).await.unwrap().is_stored());
}

#[tokio::test]
async fn clock_that_is_ahead_shows_and_a_row_of_another_year_does_not() {
    let coder = Coder::new().await;
    let ahead = report().connections(1).session("ssh", 1).ago(-40.0);
    let agent = add(&coder, agent("main"), ahead).await;
    let absurd = report().connections(1).at("'2999-01-01 00:00:00+00'");
    coder.report(agent, absurd).await;
    let activity = activity(&coder).await.unwrap();
    assert!(
        (20.0..=40.0).contains(&activity.lead_seconds()),
        "{activity:?}"
    );
}

/// As a running Coder wrote it: a session of 65 seconds, with traffic in its first half minute.
#[tokio::test]
async fn recorded_ssh_session_is_use_for_as_long_as_its_traffic_is_a_minute_old() {
    let coder = Coder::new().await;
    coder
        .stop_clock("'2026-11-28 05:29:44.982257+00'::timestamptz")
        .await;
    let moment = |time: &str| format!("'2026-11-28 {time}+00'::timestamptz");
    let one = agent("main");
    let id = one.id;
    coder.add(workspace("ws13").agent(one)).await;
    for (time, connections, ssh) in [
        ("05:28:00", 0, 0),
        ("05:28:30", 3, 0),
        ("05:29:00", 2, 1),
        ("05:29:30", 0, 1),
    ] {
        let written = report().connections(connections).session("ssh", ssh);
        coder.report(id, written.at(&moment(time))).await;
    }
    let open = activity(&coder).await.unwrap();
    assert!(
        (44.9..45.0).contains(&open.session_age_seconds(id).unwrap()),
        "{open:?}"
    );
    coder
        .stop_clock("'2026-11-28 05:31:02.458809+00'::timestamptz")
        .await;
    for (time, connections) in [("05:30:00", 0), ("05:30:30", 1), ("05:31:00", 0)] {
        let ssh = i64::from(time == "05:30:00");
        let written = report().connections(connections).session("ssh", ssh);
        coder.report(id, written.at(&moment(time))).await;
    }
    assert!(activity(&coder).await.unwrap().sessions.is_empty());
}

#[tokio::test]
async fn missing_grant_is_named_and_mended_by_what_it_says() {
    let coder = Coder::new().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT ON workspace_agent_stats FROM {role}"
        ))
        .await;
    let failure = activity(&coder).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Permission);
    let (_, grant) = failure.message.split_once("run: ").expect(&failure.message);
    assert!(grant.contains("ON workspace_agent_stats TO"), "{grant}");
    coder.sql(grant).await;
    assert!(activity(&coder).await.is_ok());
}

/// The statement as it stands is the one for the newest Coder.
#[tokio::test]
async fn reports_of_the_last_minute_are_reached_by_coders_partial_index() {
    let coder = Coder::of(Era::V2_36).await;
    for number in 0..10 {
        let template = format!("template-{number}");
        coder.add(workspace(&template).template(&template)).await;
    }
    coder
        .sql(
            "INSERT INTO workspace_agent_stats
                 (created_at, user_id, agent_id, workspace_id, template_id, connection_count)
                 SELECT now() - number * interval '0.1 second', gen_random_uuid(),
                        gen_random_uuid(), gen_random_uuid(), template.id, number % 3
                 FROM generate_series(1, 5000) AS number, templates AS template;
             ANALYZE;",
        )
        .await;
    let sql = include_str!("../../src/postgres/lookup/activity.sql");
    let plan = coder.lines(&format!("EXPLAIN {sql}")).await.join("\n");
    let index = "workspace_agent_stats_template_id_created_at_user_id";
    assert!(plan.contains(index), "{plan}");
    assert!(
        !plan.contains("Seq Scan on workspace_agent_stats"),
        "{plan}"
    );
}

#[tokio::test]
async fn workspaces_that_a_dial_keeps_alive_are_counted() {
    let coder = Coder::new().await;
    let count = async || {
        let database = Database::new(&coder.url().parse().unwrap(), 2).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        database.workspaces_kept_alive(deadline).await.unwrap()
    };
    let deadline = "UPDATE workspace_builds SET deadline = now() + interval '1 hour'";
    coder.add(workspace("stopped").build(stop(1))).await;
    coder
        .add(workspace("deleted").deleted().agent(agent("main")))
        .await;
    let failed = start(1).job(Job::Failed).agent(agent("main"));
    coder.add(workspace("failed").build(failed)).await;
    coder.sql(deadline).await;
    assert_eq!(count().await, 0);
    coder.add(workspace("unlimited").agent(agent("main"))).await;
    assert_eq!(count().await, 0, "the year 1 is no deadline");
    coder.sql(deadline).await;
    assert_eq!(count().await, 1);
    let other = workspace("dormant").template("other").agent(agent("main"));
    coder.add(other).await;
    assert_eq!(count().await, 1);
    coder
        .sql("UPDATE templates SET time_til_dormant = 3600000000000 WHERE name = 'other'")
        .await;
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn workspaces_are_counted_by_what_they_were_used_for() {
    for era in [Era::V2_3, Era::NEWEST, Era::V2_36] {
        let coder = Coder::of(era).await;
        let session = report().connections(2).session("ssh", 1);
        add(&coder, agent("main"), session.clone().ago(20.0)).await;
        // Of the last three minutes, and no more in use now.
        let earlier = add(&coder, agent("main"), session.clone().ago(170.0)).await;
        add(&coder, agent("main"), session.ago(190.0)).await;
        let web_app = report().connections(3).ago(20.0);
        add(&coder, agent("main"), web_app.clone()).await;
        let lost = agent("main").silent_for(600.0);
        coder.add(workspace("lost").agent(lost)).await;
        coder.add(workspace("bare").build(start(1))).await;
        coder.add(workspace("off").build(stop(1))).await;
        let reader = {
            let database = Database::new(&coder.url().parse().unwrap(), 2).unwrap();
            let settings = coder_agent_exporter::collect::CollectSettings {
                collectors: Vec::new(),
                limits: coder_agent_exporter::fleet::rules::health::Limits::default(),
                named_apps: false,
                metadata_keys: Vec::new(),
                incidents: coder_agent_exporter::incident::model::IncidentSettings::default(),
                min_interval: Duration::ZERO,
            };
            ActivityReader::new(Collect::new(database, settings))
        };
        let its = reader.clone();
        let exporter = coder.exporter_with(|it| it.web.activity = Some(its)).await;
        let before = exporter.scrape().await;
        assert!(!before.has("coder_workspaces_activity"), "nothing was read");
        reader.read().await;
        let page = exporter.scrape().await;
        let count = |what| page.value("coder_workspaces_activity", &[("activity", what)]);
        let counts = ["session", "traffic", "idle", "unknown"].map(count);
        assert_eq!(counts, [2.0, 1.0, 1.0, 2.0], "{era:?}");
        assert!(page.has("coder_exporter_activity_timestamp_seconds"));
        let sessions = &reader.latest().unwrap().activity.sessions;
        assert!(
            !sessions.contains_key(&earlier),
            "a dial would count as use"
        );
    }
}
