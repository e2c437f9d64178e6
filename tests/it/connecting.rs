//! Whatever Coder connects to: several hosts, parameters of the session, passwords that change
//! (`docs/spec/collection.md`, `docs/database.md`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use coder_agent_exporter::demo::cluster::{Listen, Options};
use tokio::net::TcpListener;

use crate::harness::*;
use crate::outage::assert_up;

async fn on_tcp(hba: &str) -> Coder {
    let coder = Coder::on(Options {
        listen: Listen::SocketAndTcp,
        // Postgres 13 stores passwords for md5 otherwise.
        settings: vec!["password_encryption = 'scram-sha-256'".into()],
        hba: Some(format!("local all all trust\n{hba}\n")),
        ..prepared()
    })
    .await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
}

const TRUST: &str = "host all all 127.0.0.1/32 trust";
const PASSWORD: &str = "host all all 127.0.0.1/32 scram-sha-256";

/// The schema that the URL names is the one that is read, whatever is in `public`.
#[tokio::test]
async fn search_path_of_the_url_decides_which_coder_is_read() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "ALTER SCHEMA public RENAME TO coders;
             CREATE SCHEMA public;
             CREATE TABLE public.workspace_agents ();
             ALTER ROLE {role} SET search_path = public"
        ))
        .await;
    let url = format!("{}&search_path=coders,public", coder.url());
    let page = Exporter::start(&url, |_| {}).await.scrape().await;
    assert_up(&page, 1.0);

    // Named in the advice where it is missing from the URL, and in a grant that is missing.
    coder.sql("DROP TABLE public.workspace_agents").await;
    let without = coder.exporter().await;
    without.scrape().await;
    let ready = without.get("/-/ready").await.body;
    assert!(ready.contains("add search_path=coders"), "{ready}");
    let revoke = format!("REVOKE SELECT ON coders.users FROM {role}");
    coder.sql(&revoke).await;
    let ended = run(&["check", &format!("--postgres.url={url}")]).await;
    let (_, grant) = ended.stdout.split_once("run: ").expect(&ended.stdout);
    coder.sql(grant.lines().next().unwrap()).await;
    assert_up(&Exporter::start(&url, |_| {}).await.scrape().await, 1.0);
}

#[tokio::test]
async fn parameters_of_the_url_are_set_and_ours_win() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    // It fails where the parameter is another one.
    coder
        .sql(
            "CREATE FUNCTION expected() RETURNS boolean LANGUAGE sql AS $$
                 SELECT 1 / (current_setting('DateStyle') LIKE 'SQL%'
                     AND current_setting('jit') = 'off')::int = 1 $$;
             ALTER TABLE users RENAME TO real_users;
             CREATE VIEW users AS SELECT * FROM real_users WHERE expected()",
        )
        .await;
    coder
        .sql(&format!("GRANT SELECT ON users TO {}", coder.role))
        .await;
    let url = format!("{}&datestyle=SQL&jit=on", coder.url());
    assert_up(&Exporter::start(&url, |_| {}).await.scrape().await, 1.0);
    let failed = coder.exporter().await.scrape().await;
    assert!(!failed.has("coder_agents"));
}

/// A host that accepts and then says nothing.
#[tokio::test]
async fn silent_host_costs_its_time_once_and_the_next_is_remembered() {
    let coder = on_tcp(TRUST).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (role, database) = (&coder.role, &coder.database);
    let (first, second) = (silent.local_addr().unwrap().port(), coder.cluster().port());
    let url = format!(
        "postgres://{role}@127.0.0.1:{first},127.0.0.1:{second}/{database}?connect_timeout=1"
    );
    let exporter = Exporter::start(&url, |_| {}).await;
    assert_up(&exporter.scrape().await, 1.0);
    // It is asked no more, though every connection is new.
    drop(silent.accept().await.unwrap());
    for _ in 0..3 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename";
        coder.sql(&format!("{end} = '{role}'")).await;
        assert_up(&exporter.scrape().await, 1.0);
    }
    let asked = tokio::time::timeout(Duration::from_millis(50), silent.accept()).await;
    assert!(asked.is_err(), "it was asked again");
}

#[tokio::test]
async fn replaced_password_of_the_url_file_is_read_again_within_the_same_scrape() {
    let coder = on_tcp(PASSWORD).await;
    let (role, port, database) = (&coder.role, coder.cluster().port(), &coder.database);
    let folder = Folder::new();
    let file = folder.file("url");
    let replace = async |password: &str| {
        let change = format!("ALTER ROLE {role} PASSWORD '{password}'");
        coder.sql(&change).await;
        let url = format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}");
        fs::write(&file, url).unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename";
        coder.sql(&format!("{end} = '{role}'")).await;
    };
    replace("one").await;
    let argument = format!("--postgres.url-file={file}");
    let program = Program::serve(&[&argument]).await;
    for password in ["two", "three"] {
        replace(password).await;
        let page = http::get(program.address, "/metrics", &[]).await.unwrap();
        assert!(
            page.body.contains("\ncoder_exporter_up 1\n"),
            "{}",
            page.body
        );
    }
    program.terminate().await;
    let log = program.ended().await.stderr;
    assert!(!log.contains("authentication"), "{log}");
}

#[tokio::test]
async fn password_command_is_asked_at_each_connection_and_never_shown() {
    let coder = on_tcp(PASSWORD).await;
    let (role, port, database) = (&coder.role, coder.cluster().port(), &coder.database);
    coder
        .sql(&format!("ALTER ROLE {role} PASSWORD 'hunter2'"))
        .await;
    let folder = Folder::new();
    let script = folder.write("login", "#!/bin/sh\necho hunter2\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let url = format!("--postgres.url=postgres://{role}@127.0.0.1:{port}/{database}");
    let command = format!("--postgres.password-command={script}");
    let ended = run(&["check", &url, &command]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let wrong = "--postgres.password-command=echo hunter3; exit 7";
    let ended = run(&["check", &url, wrong]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("exit status: 7"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("hunter"), "{}", ended.stdout);
}

#[tokio::test]
async fn right_to_connect_or_to_use_the_schema_is_named_where_it_is_missing() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let url = format!("--postgres.url={}", coder.url());
    let database = &coder.database;
    for revoke in [
        format!(
            "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC, {}",
            coder.role
        ),
        format!("REVOKE USAGE ON SCHEMA public FROM PUBLIC, {}", coder.role),
    ] {
        coder.sql(&revoke).await;
        let ended = run(&["check", &url]).await;
        assert_eq!(ended.code, Some(1), "{revoke}");
        let page = coder.exporter().await.scrape().await;
        let permission = [("kind", "permission")];
        assert!(page.value("coder_exporter_errors_total", &permission) >= 1.0);
        let (_, grant) = ended.stdout.split_once("run: ").expect(&ended.stdout);
        coder.sql(grant.lines().next().unwrap()).await;
        assert_eq!(run(&["check", &url]).await.code, Some(0), "{revoke}");
    }
}

/// Managed Postgres may not say what it has replayed; on a primary nothing depends on it.
#[tokio::test]
async fn primary_that_does_not_say_what_it_replayed_is_read_all_the_same() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
        .sql(
            "REVOKE EXECUTE ON FUNCTION pg_last_wal_receive_lsn() FROM PUBLIC;
             REVOKE SELECT ON pg_stat_wal_receiver FROM PUBLIC",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    assert_up(&page, 1.0);
    assert!(!page.has("coder_exporter_replica_lag_seconds"));
    let url = format!("--postgres.url={}", coder.url());
    let ended = run(&["check", &url]).await;
    assert!(!ended.stdout.contains("warn"), "{}", ended.stdout);
}
