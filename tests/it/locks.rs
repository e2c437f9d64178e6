//! A migration of Coder and a collection never wait for each other in a circle, and no table that
//! was rewritten reads as empty (`docs/spec/collection.md`).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::Client;

use crate::harness::exposition::Page;
use crate::harness::*;
use crate::outage::assert_up;

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    coder
        .add(workspace("box").agent(agent("main").app("healthy")))
        .await;
    coder
}

fn errors(page: &Page, kind: &str) -> f64 {
    page.value("coder_exporter_errors_total", &[("kind", kind)])
}

/// Locks one table and then another, in every order, as a migration does.
async fn migrate(client: &mut Client, first: &str, second: &str) {
    let migration = client.transaction().await.unwrap();
    for table in [first, second] {
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        let locked = migration.batch_execute(&lock).await;
        locked.unwrap_or_else(|error| panic!("{first} and then {second}: {error:?}"));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    migration.commit().await.unwrap();
}

#[tokio::test]
async fn migration_of_several_tables_never_fails_for_our_sake() {
    for deadlock_timeout in ["100ms", "1s"] {
        let coder = one_agent().await;
        let database = &coder.database;
        coder
            .sql(&format!(
                "ALTER DATABASE {database} SET deadlock_timeout = '{deadlock_timeout}'"
            ))
            .await;
        let exporter = coder.exporter().await;
        let is_over = AtomicBool::new(false);
        let scrapes = async {
            let mut pages = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                pages.push(exporter.scrape().await);
            }
            pages
        };
        let tables = ["chats", "workspace_agents", "workspace_apps", "workspaces"];
        let migrations = async {
            let mut client = coder.connect().await;
            for _ in 0..5 {
                for first in tables {
                    for second in tables.iter().filter(|it| **it != first) {
                        migrate(&mut client, first, second).await;
                    }
                }
            }
            is_over.store(true, Ordering::Relaxed);
        };
        let (pages, ()) = tokio::join!(scrapes, migrations);
        assert!(pages.len() > 1, "scrapes ran beside the migrations");
        for page in &pages {
            // Whatever is there is whole.
            let agents = page.get("coder_agents", &[("status", "connected")]);
            assert!(agents.is_none_or(|it| it == 1.0), "{agents:?}");
        }
        let last = exporter.scrape().await;
        for kind in ["query", "timeout"] {
            assert_eq!(errors(&last, kind), 0.0, "{deadlock_timeout}: {kind}");
        }
        let role = &coder.role;
        let held = format!(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE usename = '{role}' AND relation IS NOT NULL"
        );
        assert_eq!(coder.number(&held).await, 0);
    }
}

/// The snapshot is taken before the lock is waited for: what is rewritten in between has no row
/// that it could see.
#[tokio::test]
async fn table_that_is_rewritten_while_a_collection_begins_is_not_empty() {
    let coder = one_agent().await;
    let exporter = coder.exporter().await;
    assert_up(&exporter.scrape().await, 1.0);
    let mut seen = 0;
    for round in 0..10 {
        let mut other = coder.connect().await;
        let migration = other.transaction().await.unwrap();
        let rewrite = format!(
            "ALTER TABLE workspace_agents ADD COLUMN c{round} uuid DEFAULT gen_random_uuid();
             ALTER TABLE workspace_apps ADD COLUMN c{round} uuid DEFAULT gen_random_uuid()"
        );
        migration.batch_execute(&rewrite).await.unwrap();
        let has_ended = Cell::new(false);
        let scrape = async {
            let page = exporter.scrape().await;
            has_ended.set(true);
            page
        };
        let commit = async {
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
                AND relation = 'workspace_agents'::regclass";
            // On a busy machine the scrape may give up before it is seen to wait.
            let mut has_waited = false;
            while !has_waited && !has_ended.get() {
                has_waited = coder.number(waiting).await > 0;
            }
            migration.commit().await.unwrap();
            has_waited
        };
        let (page, has_waited) = tokio::join!(scrape, commit);
        if page.value("coder_exporter_up", &[]) == 1.0 {
            assert_eq!(page.value("coder_apps", &[]), 1.0);
            seen += u32::from(has_waited);
        }
    }
    assert!(seen > 0, "no collection began beside a migration");
}

#[tokio::test]
async fn core_table_that_is_locked_is_kind_lock_and_is_tried_once_more() {
    let coder = one_agent().await;
    let exporter = coder.exporter().await;
    let mut other = coder.connect().await;
    let migration = other.transaction().await.unwrap();
    let lock = "LOCK TABLE users IN ACCESS EXCLUSIVE MODE";
    migration.batch_execute(lock).await.unwrap();
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert_eq!(errors(&page, "lock"), 1.0);
    let ready = exporter.get("/-/ready").await.body;
    assert!(ready.contains("holds a lock"), "{ready}");
    // Let go between the first try and the second.
    let release = async {
        eventually("it waits", async || {
            let waiting = "SELECT count(*) FROM pg_locks
                WHERE NOT granted AND relation = 'users'::regclass";
            coder.number(waiting).await == 1
        })
        .await;
        migration.rollback().await.unwrap();
    };
    let (page, ()) = tokio::join!(exporter.scrape(), release);
    assert_up(&page, 1.0);
    assert_eq!(errors(&page, "lock"), 1.0);
}

/// A function that fails once stands in for a standby that ends a query: the lock that it leaves
/// behind outlives the error.
#[tokio::test]
async fn collection_that_another_transaction_interrupts_is_tried_once_more() {
    for state in ["40001", "40P01"] {
        let coder = one_agent().await;
        let role = &coder.role;
        coder
            .sql(&format!(
                "CREATE FUNCTION interrupted() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
                     IF pg_advisory_unlock_shared(1) THEN RETURN true; END IF;
                     PERFORM pg_advisory_lock_shared(1);
                     RAISE 'interrupted' USING ERRCODE = '{state}';
                 END$$;
                 ALTER TABLE workspace_apps RENAME TO real_apps;
                 CREATE VIEW workspace_apps AS SELECT * FROM real_apps WHERE interrupted();
                 GRANT SELECT ON workspace_apps TO {role};"
            ))
            .await;
        let page = coder.exporter().await.scrape().await;
        page.assert_every_collector_loaded();
        assert_eq!(
            page.value("coder_exporter_errors_total", &[]),
            0.0,
            "{state}"
        );
    }
}
