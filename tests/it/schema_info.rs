//! `coder_exporter_schema_info` (`docs/spec/coder-schema.md` and `docs/spec/metrics.md`): what kind
//! of Coder it is, found by looking.

use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::fleet::model::snapshot::Schema;

use crate::harness::*;

const INFO: &str = "coder_exporter_schema_info";

#[tokio::test]
async fn each_era_says_what_it_has_and_which_migration_ran_last() {
    for (era, has) in [
        (Era::V2_3, ["false", "false", "false", "false"]),
        (Era::V2_9, ["false", "false", "false", "true"]),
        (Era::V2_22, ["true", "false", "false", "true"]),
        (Era::V2_24, ["true", "true", "false", "true"]),
        (Era::V2_32, ["true", "true", "true", "true"]),
    ] {
        let coder = Coder::of(era).await;
        let migration = coder.number("SELECT version FROM schema_migrations").await;
        let page = coder.exporter().await.scrape().await;
        let labels = [
            ("migration", &*migration.to_string()),
            ("has_agent_parent_id", has[0]),
            ("has_agent_deleted", has[1]),
            ("has_chat_agent_id", has[2]),
            ("has_provisioner_last_seen", has[3]),
            // Both came between two of these.
            ("has_script_timings", has[0]),
            ("has_resource_monitors", has[0]),
            ("newer_than_tested", "false"),
        ];
        let found = page.get(INFO, &labels);
        assert_eq!(found, Some(1.0), "{era:?}: {}", page.show(INFO));
        assert_eq!(page.samples(INFO, &[]).count(), 1);
    }
}

/// It decides nothing, so that it costs nothing either when it cannot be told.
#[tokio::test]
async fn migration_that_cannot_be_told_is_empty_and_no_error() {
    for (change, why) in [
        ("REVOKE SELECT ON schema_migrations FROM {role}", "a grant"),
        ("DELETE FROM schema_migrations", "its row"),
        ("DROP TABLE schema_migrations", "its table"),
    ] {
        let coder = Coder::new().await;
        coder.add(workspace("box").agent(agent("main"))).await;
        let exporter = coder.exporter().await;
        coder.sql(&change.replace("{role}", &coder.role)).await;
        // Twice: nothing of the first collection is in the way of the second.
        for _ in 0..2 {
            let page = exporter.scrape().await;
            page.assert_every_collector_loaded();
            let found = page.get(INFO, &[("migration", "")]);
            assert_eq!(found, Some(1.0), "without {why}: {}", page.show(INFO));
            assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
        }
        assert_eq!(exporter.get("/-/ready").await.status, 200, "without {why}");
        let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
        assert_eq!(ended.code, Some(0), "without {why}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn schema_is_absent_while_the_database_is_down() {
    let mut coder = Coder::on(prepared()).await;
    let exporter = coder.exporter().await;
    assert!(exporter.scrape().await.has(INFO));
    coder.own_cluster().stop();
    assert!(!exporter.scrape().await.has(INFO));
}

#[tokio::test]
async fn schema_that_is_newer_than_any_tested_is_said_and_goes_on() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let newer = Schema::NEWEST_TESTED + 1;
    let update = |version| format!("UPDATE schema_migrations SET version = {version}");
    coder.sql(&update(Schema::NEWEST_TESTED)).await;
    let exporter = coder.exporter().await;
    let label = |is_newer| [("newer_than_tested", is_newer)];
    let page = exporter.scrape().await;
    assert_eq!(page.get(INFO, &label("false")), Some(1.0));
    coder.sql(&update(newer)).await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    assert_eq!(page.get(INFO, &label("true")), Some(1.0));
    let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let warning = format!("the database is at migration {newer};");
    assert!(ended.stdout.contains(&warning), "{}", ended.stdout);
}
