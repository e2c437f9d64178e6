use std::time::{Duration, Instant};

use super::*;
use crate::demo::home::Home;
use crate::demo::testing::connect_to;
use crate::demo::{Demo, Options, settle};

async fn demo() -> Demo {
    let options = Options {
        workspaces: 60,
        ..Options::default()
    };
    let home = Home::embed().await.unwrap();
    let life = settle(&home, &options).await.unwrap();
    Demo { home, life }
}

/// A pass of the exporter's kind: one moment for two statements.
async fn pass(client: &mut tokio_postgres::Client) -> (i64, i64) {
    let transaction = client.build_transaction();
    let transaction = transaction.isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
    let transaction = transaction.read_only(true).start().await.unwrap();
    let sql = "SELECT count(*), count(*) FILTER (WHERE last_connected_at > now() - interval '20 s')
        FROM workspace_agents";
    let first = transaction.query_typed_one(sql, &[]).await.unwrap();
    let second = transaction.query_typed_one(sql, &[]).await.unwrap();
    transaction.commit().await.unwrap();
    let counts = (first.get(0), first.get(1));
    assert_eq!(counts, (second.get(0), second.get(1)));
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_and_two_exporters_take_turns_and_leave_nothing() {
    let demo = demo().await;
    let url = demo.url().to_owned();
    let folder = url.split(['=', '&']).nth(1).unwrap().replace("%2F", "/");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let life = tokio::spawn(demo.live(async { stopped.await.unwrap_or(()) }));
    let (mut one, mut other) = (connect_to(&url).await, connect_to(&url).await);
    let until = Instant::now() + Duration::from_secs(6);
    let mut passes = 0;
    while Instant::now() < until {
        let ((all, beating), _) = tokio::join!(pass(&mut one), pass(&mut other));
        assert!(beating * 10 > all, "{beating} of {all} agents beat");
        passes += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(passes > 20, "{passes}");
    stop.send(()).unwrap();
    life.await.unwrap();
    assert!(!Path::new(&folder).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn visitor_who_leaves_in_the_middle_or_may_not_does_not_stop_the_others() {
    let demo = demo().await;
    let reader = connect_to(demo.url()).await;
    let refused = reader.batch_execute("DELETE FROM chats").await.unwrap_err();
    let said = refused.as_db_error().unwrap().message().to_owned();
    assert!(said.contains("permission denied"), "{said}");

    let leaver = connect_to(demo.url()).await;
    leaver.batch_execute("BEGIN; SELECT 1").await.unwrap();
    drop(leaver);
    let prepared = reader.prepare("SELECT 1").await;
    assert!(prepared.is_ok());

    let stranger = connect_to(&demo.url().replace("coder_exporter", "nobody")).await;
    assert!(stranger.batch_execute("SELECT 1").await.is_err());
    reader.batch_execute("SELECT 1").await.unwrap();
    demo.end().await;
}
