use super::*;
use std::os::unix::fs::PermissionsExt;

use tokio_postgres::NoTls;

use crate::demo::testing::{connect_to, prepared};

async fn count(url: &str, query: &str) -> i64 {
    let client = connect_to(url).await;
    client.query_one(query, &[]).await.unwrap().get(0)
}

fn is_alive(pid: u32) -> bool {
    let status = Command::new("kill").args(["-0", &pid.to_string()]).output();
    status.unwrap().status.success()
}

#[tokio::test]
async fn cluster_answers_on_its_socket_as_a_user_who_is_not_root() {
    let cluster = Cluster::start(&Options::default()).unwrap();
    let url = cluster.url(SUPERUSER, "postgres");
    assert_eq!(count(&url, "SELECT 40 + 2::bigint").await, 42);
    assert_eq!(cluster.tcp_url(SUPERUSER, "postgres"), None);

    let folder = fs::metadata(cluster.folder()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    let status = format!("/proc/{}/status", cluster.server_id().unwrap());
    if let Ok(status) = fs::read_to_string(status) {
        let line = |name| status.lines().find_map(|line| line.strip_prefix(name));
        assert!(!line("Uid:").unwrap().split_whitespace().any(|id| id == "0"));
        let groups: Vec<&str> = line("Groups:").unwrap().split_whitespace().collect();
        assert!(!groups.contains(&"0"), "root's own group: {groups:?}");
    }
}

#[tokio::test]
async fn cluster_on_tcp_answers_there_too() {
    let options = Options {
        listen: Listen::SocketAndTcp,
        ..prepared()
    };
    let cluster = Cluster::start(&options).unwrap();
    let url = cluster.tcp_url(SUPERUSER, "postgres").unwrap();
    assert_eq!(count(&url, "SELECT 1::bigint").await, 1);
}

#[tokio::test]
async fn cluster_started_again_after_a_stop_or_a_crash_has_its_data_and_address() {
    let options = Options {
        listen: Listen::SocketAndTcp,
        ..prepared()
    };
    let mut cluster = Cluster::start(&options).unwrap();
    let url = cluster.tcp_url(SUPERUSER, "postgres").unwrap();
    let client = connect_to(&url).await;
    client.batch_execute("CREATE TABLE kept ()").await.unwrap();

    cluster.stop();
    assert_eq!(cluster.server_id(), None);
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
    cluster.start_again().unwrap();
    assert_eq!(count(&url, "SELECT count(*) FROM kept").await, 0);

    cluster.kill();
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
    cluster.start_again().unwrap();
    assert_eq!(count(&url, "SELECT count(*) FROM kept").await, 0);
}

#[tokio::test]
async fn settings_rules_of_access_and_files_are_the_options_own() {
    let options = Options {
        settings: vec!["max_connections = 7".into()],
        hba: Some("local all postgres trust\n".into()),
        files: vec![("secret.key".into(), b"key".to_vec())],
        ..prepared()
    };
    let cluster = Cluster::start(&options).unwrap();
    let url = cluster.url(SUPERUSER, "postgres");
    let query = "SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections'";
    assert_eq!(count(&url, query).await, 7);
    let query = "SELECT length(pg_read_file('secret.key'))::bigint";
    assert_eq!(count(&url, query).await, 3);
    let stranger = tokio_postgres::connect(&cluster.url("stranger", "postgres"), NoTls).await;
    let refusal = stranger.err().unwrap().to_string();
    assert!(!refusal.is_empty(), "the rules of access are not in force");
}

#[test]
fn dropped_cluster_leaves_neither_process_nor_folder() {
    let cluster = Cluster::start(&prepared()).unwrap();
    let (server, folder) = (cluster.server_id().unwrap(), cluster.folder().to_owned());
    drop(cluster);
    assert!(!is_alive(server));
    assert!(!folder.exists());
}

#[test]
fn server_that_cannot_start_shows_the_end_of_its_log() {
    let options = Options {
        settings: vec!["no_such_setting = 1".into()],
        ..prepared()
    };
    let error = Cluster::start(&options).unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}
