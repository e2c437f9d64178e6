//! Least privilege, and what happens when a grant, a column or a table is missing
//! (`docs/spec/collection.md` and `docs/spec/failures.md`).

use tokio_postgres::NoTls;

use crate::harness::exposition::Page;
use crate::harness::*;

/// A database with one agent that has one app.
async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
}

fn success(page: &Page, collector: &str) -> f64 {
    page.value(
        "coder_exporter_collector_success",
        &[("collector", collector)],
    )
}

fn errors(page: &Page, kind: &str) -> f64 {
    page.value("coder_exporter_errors_total", &[("kind", kind)])
}

#[tokio::test]
async fn failing_collector_hides_its_families_and_keeps_the_others() {
    let coder = one_agent().await;
    let exporter = coder.exporter().await;
    coder
        .sql(&format!(
            "REVOKE SELECT ON workspace_apps FROM {}",
            coder.role
        ))
        .await;
    let page = exporter.scrape().await;
    assert_eq!(success(&page, "apps"), 0.0);
    assert!(!page.has("coder_apps"), "{}", page.show("coder_apps"));
    assert_eq!(success(&page, "agents"), 1.0);
    assert_eq!(page.value("coder_agents", &[]), 1.0);
    assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    assert_eq!(errors(&page, "permission"), 1.0);
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 1.0);
    assert!(page.has("coder_exporter_last_error_timestamp_seconds"));
}

#[tokio::test]
async fn ready_names_the_missing_grant_and_running_it_mends_everything() {
    for table in ["workspace_apps", "workspace_agents", "workspaces", "users"] {
        let coder = one_agent().await;
        let exporter = coder.exporter().await;
        coder
            .sql(&format!("REVOKE SELECT ON {table} FROM {}", coder.role))
            .await;
        let ready = exporter.get("/-/ready").await;
        assert_eq!(ready.status, 503, "{table}");
        let (_, grant) = ready.body.split_once("run: ").expect(&ready.body);
        assert!(grant.starts_with("GRANT SELECT ("), "{grant}");
        assert!(grant.contains(&format!("ON {table} TO")), "{grant}");

        coder.sql(grant).await;
        let ready = exporter.get("/-/ready").await;
        assert_eq!(ready.status, 200, "{table}: {}", ready.body);
        let page = exporter.scrape().await;
        assert_eq!(
            (success(&page, "agents"), success(&page, "apps")),
            (1.0, 1.0)
        );
    }
}

#[tokio::test]
async fn missing_column_or_table_is_named() {
    for (change, name) in [
        (
            "ALTER TABLE workspace_apps DROP COLUMN health",
            "workspace_apps.health",
        ),
        (
            "ALTER TABLE workspace_agents DROP COLUMN ready_at",
            "workspace_agents.ready_at",
        ),
        (
            "ALTER TABLE workspace_builds DROP COLUMN build_number",
            "workspace_builds.build_number",
        ),
        ("DROP TABLE workspace_apps", "workspace_apps.agent_id"),
        ("DROP TABLE users CASCADE", "users.username"),
    ] {
        let coder = one_agent().await;
        coder.sql(change).await;
        let exporter = coder.exporter().await;
        let page = exporter.scrape().await;
        assert_eq!(success(&page, "apps"), 0.0, "{name}");
        assert!(errors(&page, "schema") >= 1.0, "{name}");
        let apps_alone = name.starts_with("workspace_apps");
        assert_eq!(page.has("coder_agents"), apps_alone, "{name}");
        let ready = exporter.get("/-/ready").await;
        assert_eq!(ready.status, 503, "{name}");
        assert!(ready.body.contains(name), "{name}: {}", ready.body);
    }
}

#[tokio::test]
async fn column_that_can_be_done_without_costs_a_note_that_names_the_grant() {
    let coder = one_agent().await;
    let role = &coder.role;
    let revoke = format!("REVOKE SELECT ON schema_migrations FROM {role}");
    coder.sql(&revoke).await;
    let url = format!("--postgres.url={}", coder.url());
    let ended = run(&["check", &url]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let grant = "GRANT SELECT (version) ON schema_migrations TO";
    let warned = ended.stdout.lines().filter(|it| it.starts_with("warn"));
    let warned: Vec<_> = warned.collect();
    assert!(warned[0].contains(grant), "{}", ended.stdout);
    let program = Program::serve(&[&url]).await;
    for _ in 0..3 {
        http::get(program.address, "/metrics", &[]).await.unwrap();
    }
    program.terminate().await;
    let log = program.ended().await.stderr;
    assert_eq!(log.matches(grant).count(), 1, "{log}");
}

#[tokio::test]
async fn coder_too_old_is_not_ready_and_says_which_column_it_lacks() {
    let coder = one_agent().await;
    coder
        .sql("ALTER TABLE provisioner_jobs DROP COLUMN job_status")
        .await;
    let ready = coder.exporter().await.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("provisioner_jobs.job_status"),
        "{}",
        ready.body
    );
    assert!(ready.body.contains("v2.3"), "{}", ready.body);
}

#[tokio::test]
async fn database_that_is_not_coders_is_told_apart_from_one_that_is_down() {
    let coder = Coder::new().await;
    coder.sql("DROP SCHEMA public CASCADE").await;
    let exporter = coder.exporter().await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert!(page.has("coder_exporter_snapshot_timestamp_seconds"));
    assert_eq!(page.value("coder_exporter_collector_success", &[]), 0.0);
    // The agents and the replicas; apps, causes and workspaces build on the agents.
    assert_eq!(errors(&page, "schema"), 2.0);
    assert!(!page.has("coder_agents"));
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("check that this is Coder's database"),
        "{}",
        ready.body
    );
}

#[tokio::test]
async fn collector_that_is_off_leaves_no_trace_and_needs_no_grant() {
    use coder_agent_exporter::fleet::stats::collection::Collector;
    let coder = one_agent().await;
    coder
        .sql(&format!(
            "REVOKE SELECT ON workspace_apps FROM {}",
            coder.role
        ))
        .await;
    let exporter = coder
        .exporter_with(|it| it.collect.collectors = vec![Collector::Agents])
        .await;
    let page = exporter.scrape().await;
    assert_eq!(
        page.samples("coder_exporter_collector_success", &[])
            .count(),
        1
    );
    assert!(!page.has("coder_apps"));
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
    assert_eq!(exporter.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn apps_alone_are_counted_without_showing_the_agents() {
    use coder_agent_exporter::fleet::stats::collection::Collector;
    let coder = one_agent().await;
    let exporter = coder
        .exporter_with(|it| it.collect.collectors = vec![Collector::Apps])
        .await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_apps", &[]), 1.0);
    assert!(!page.has("coder_agents"));
    assert_eq!(
        page.samples("coder_exporter_collector_success", &[])
            .count(),
        1
    );
}

#[tokio::test]
async fn role_may_not_read_secrets_nor_write() {
    let coder = one_agent().await;
    let (client, connection) = tokio_postgres::connect(&coder.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    // So that it is the grants that refuse, not the role's default.
    let writable = "SET default_transaction_read_only = off";
    client.batch_execute(writable).await.unwrap();
    for forbidden in [
        "SELECT auth_token FROM workspace_agents",
        "SELECT environment_variables FROM workspace_agents",
        "SELECT * FROM workspace_agents",
        "SELECT email FROM users",
        "SELECT hashed_password FROM users",
        "SELECT provisioner_state FROM workspace_builds",
        "UPDATE workspaces SET deleted = true",
        "DELETE FROM workspace_apps",
        "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'mine')",
    ] {
        let error = client.batch_execute(forbidden).await.expect_err(forbidden);
        let code = error.code().map(|it| it.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}");
    }
}

/// Even where the database would let it: a view of the superuser's that writes when read.
#[tokio::test]
async fn session_cannot_write_whatever_it_is_granted() {
    let coder = one_agent().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "CREATE TABLE written (at timestamptz);
             CREATE FUNCTION write() RETURNS boolean SECURITY DEFINER LANGUAGE sql AS
                 'INSERT INTO written VALUES (now()); SELECT true';
             ALTER TABLE workspace_apps RENAME TO real_apps;
             CREATE VIEW workspace_apps AS SELECT * FROM real_apps WHERE write();
             GRANT SELECT ON workspace_apps TO {role};"
        ))
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(success(&page, "apps"), 0.0);
    assert_eq!(errors(&page, "query"), 1.0);
    assert_eq!(coder.number("SELECT count(*) FROM written").await, 0);
    // The same view writes for those who may, so it is the session that was refused.
    coder.sql("SELECT * FROM workspace_apps").await;
    assert_eq!(coder.number("SELECT count(*) FROM written").await, 1);
}
