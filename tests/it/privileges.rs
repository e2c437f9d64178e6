//! The exporter's role and its session can write nothing, shown by trying
//! (`docs/spec/collection.md`).

use tokio_postgres::{Client, NoTls};

use crate::harness::*;

/// Whatever could leave something behind in a database.
const WRITES: &[&str] = &[
    "INSERT INTO workspaces SELECT * FROM workspaces",
    "UPDATE workspace_agents SET name = 'mine'",
    "DELETE FROM provisioner_jobs",
    "TRUNCATE users CASCADE",
    "SELECT id FROM workspaces FOR UPDATE",
    "MERGE INTO users u USING users v ON u.id = v.id WHEN MATCHED THEN DELETE",
    "COPY workspaces FROM PROGRAM 'true'",
    "CREATE TABLE mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE SEQUENCE mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE INDEX ON workspaces (name)",
    "ALTER TABLE workspaces ADD COLUMN mine int",
    "DROP TABLE workspace_apps",
    "COMMENT ON TABLE workspaces IS 'mine'",
    "GRANT SELECT ON workspaces TO PUBLIC",
    "SELECT nextval('counter')",
    "SELECT setval('counter', 99)",
    "REFRESH MATERIALIZED VIEW summary",
];

/// Before Postgres 16 these leave something behind even in a read-only transaction.
const LARGE_OBJECTS: &[&str] = &["SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'mine')"];

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
        .sql(
            "CREATE SEQUENCE counter;
             CREATE MATERIALIZED VIEW summary AS SELECT 1;",
        )
        .await;
    coder
}

async fn connect(coder: &Coder) -> Client {
    let (client, connection) = tokio_postgres::connect(&coder.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn writes(coder: &Coder) -> Vec<&'static str> {
    let version = "SELECT current_setting('server_version_num')::bigint";
    let large: &[_] = match coder.number(version).await {
        160_000.. => LARGE_OBJECTS,
        _ => &[],
    };
    let merge = coder.number(version).await >= 150_000;
    let all = WRITES.iter().chain(large).copied();
    all.filter(|it| merge || !it.starts_with("MERGE")).collect()
}

#[tokio::test]
async fn role_can_write_nothing_in_a_session_of_its_own() {
    let coder = one_agent().await;
    let client = connect(&coder).await;
    for write in writes(&coder).await {
        let refused = client.batch_execute(write).await;
        let error = refused.expect_err(write);
        let code = error.code().map(|it| it.code().to_owned());
        let allowed = ["42501", "25006"];
        assert!(
            code.as_deref().is_some_and(|it| allowed.contains(&it)),
            "{write}: {error:?}"
        );
    }
}

/// Even a superuser, and even by way of a function that is called while the exporter reads.
#[tokio::test]
async fn collection_can_write_nothing_whatever_its_role_may() {
    let coder = one_agent().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "ALTER ROLE {role} SUPERUSER;
             ALTER ROLE {role} SET default_transaction_read_only = off;
             ALTER TABLE workspace_apps RENAME TO real_apps;
             CREATE FUNCTION write() RETURNS boolean LANGUAGE plpgsql AS
                 'BEGIN RETURN true; END';
             CREATE VIEW workspace_apps AS SELECT * FROM real_apps WHERE write();"
        ))
        .await;
    let exporter = coder.exporter().await;
    let apps = async || {
        let page = exporter.scrape().await;
        page.assert_every_collector_loaded();
        page.value("coder_apps", &[])
    };
    assert_eq!(apps().await, 1.0);
    let tries = writes(&coder).await;
    let tries = tries.into_iter().chain([
        "SET TRANSACTION READ WRITE; DELETE FROM users",
        "SELECT set_config('transaction_read_only', 'off', true); DELETE FROM users",
    ]);
    for write in tries {
        // No app where it is refused for that reason, one where it is not refused, and a
        // collector that fails where anything else is wrong.
        let write = literal(write);
        coder
            .sql(&format!(
                "CREATE OR REPLACE FUNCTION write() RETURNS boolean LANGUAGE plpgsql AS $try$
                 BEGIN EXECUTE {write}; RETURN true;
                 EXCEPTION WHEN read_only_sql_transaction OR active_sql_transaction THEN
                     RETURN false;
                 END$try$"
            ))
            .await;
        assert_eq!(apps().await, 0.0, "{write}");
    }
    for (what, left) in [
        ("SELECT count(*) FROM workspaces", 1),
        ("SELECT count(*) FROM users", 1),
        ("SELECT count(*) FROM pg_class WHERE relname = 'mine'", 0),
        ("SELECT count(*) FROM pg_largeobject_metadata", 0),
        ("SELECT count(*) FROM counter WHERE is_called", 0),
    ] {
        assert_eq!(coder.number(what).await, left, "{what}");
    }
}
