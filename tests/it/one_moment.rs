//! One moment, one snapshot (`docs/spec/collection.md`).

use std::time::{Duration, Instant, SystemTime};

use crate::harness::*;

/// Stops the exporter between its agents and its apps, changes the fleet, and gives what it then
/// says: agents and apps. The apps are read through a view that takes a while; the changes are made
/// to the table below it, `real_table`.
async fn scrape_while(coder: &Coder, exporter: &Exporter, changes: &str) -> (f64, f64) {
    coder.pace(2.0).await;
    let meanwhile = async {
        eventually("the exporter waits for the apps", async || {
            coder.is_waited_for().await
        })
        .await;
        coder.sql(changes).await;
        coder.pace(0.0).await;
    };
    let (page, ()) = tokio::join!(exporter.scrape(), meanwhile);
    page.assert_every_collector_loaded();
    (
        page.value("coder_agents", &[]),
        page.value("coder_apps", &[]),
    )
}

async fn two_agents_with_three_apps_each() -> Coder {
    let coder = Coder::new().await;
    for name in ["one", "two"] {
        let main = agent("main").app("healthy").app("healthy").app("healthy");
        coder.add(workspace(name).agent(main)).await;
    }
    coder.paced("workspace_apps").await;
    coder
}

#[tokio::test]
async fn agents_that_vanish_during_the_collection_still_have_their_apps_in_it() {
    let coder = two_agents_with_three_apps_each().await;
    let exporter = coder.exporter().await;
    let vanish = "DELETE FROM workspace_agents WHERE resource_id IN
        (SELECT resource_id FROM workspace_agents ORDER BY id LIMIT 1)";
    assert_eq!(scrape_while(&coder, &exporter, vanish).await, (2.0, 6.0));
    let next = exporter.scrape().await;
    assert_eq!(next.value("coder_agents", &[]), 1.0);
    assert_eq!(next.value("coder_apps", &[]), 3.0);
}

#[tokio::test]
async fn apps_that_appear_or_change_during_the_collection_are_the_next_ones() {
    let coder = two_agents_with_three_apps_each().await;
    let exporter = coder.exporter().await;
    let appear = "INSERT INTO real_table (id, agent_id, slug, health)
        SELECT gen_random_uuid(), id, 'new', 'unhealthy' FROM workspace_agents";
    assert_eq!(scrape_while(&coder, &exporter, appear).await, (2.0, 6.0));
    assert_eq!(exporter.scrape().await.value("coder_apps", &[]), 8.0);
}

/// The founding bug: the longer Coder's own loop took, the more healthy agents it called lost,
/// because it looked at the clock anew for each.
#[tokio::test]
async fn heartbeats_inside_the_timeout_stay_connected_though_the_apps_take_forty_seconds() {
    let coder = Coder::new().await;
    coder.add_many(1, 50, 1).await;
    coder
        .sql("UPDATE workspace_agents SET last_connected_at = now() - interval '20 s'")
        .await;
    coder.slow("workspace_apps", 40.0).await;
    let exporter = coder.exporter().await;
    let started = Instant::now();
    let page = exporter.scrape_within(60.0).await;
    assert!(
        started.elapsed() > Duration::from_secs(40),
        "nothing was slow"
    );

    page.assert_every_collector_loaded();
    assert_eq!(page.value("coder_apps", &[]), 50.0);
    assert_eq!(page.value("coder_agents", &[("status", "connected")]), 50.0);
    assert_eq!(
        page.value("coder_agents", &[("status", "disconnected")]),
        0.0
    );
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let moment = page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    let age = now.as_secs_f64() - moment;
    assert!(
        age > 40.0,
        "the moment of the page is {age} s old, not that of its first row"
    );
}
