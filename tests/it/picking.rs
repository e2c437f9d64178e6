//! `collect[]=`: a scrape for some collectors alone (`docs/spec/http.md`).

use crate::harness::exposition::{Format, Page};
use crate::harness::*;

async fn scrape(exporter: &Exporter, query: &str) -> Page {
    let answer = exporter.get(&format!("/metrics?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Page::read(Format::Text, &answer.body).unwrap()
}

async fn one_agent() -> Coder {
    let coder = Coder::new().await;
    let agent = agent("main").app("healthy");
    coder.add(workspace("box").agent(agent)).await;
    coder
}

#[tokio::test]
async fn picked_collectors_have_their_families_and_the_others_none() {
    let coder = one_agent().await;
    let exporter = coder.exporter().await;
    let families = [
        ("agents", "coder_agents"),
        ("apps", "coder_apps"),
        ("workspaces", "coder_workspaces"),
    ];
    for (picked, _) in families {
        let page = scrape(&exporter, &format!("collect[]={picked}")).await;
        for (collector, family) in families {
            assert_eq!(page.has(family), collector == picked, "{picked} {family}");
        }
        let success = "coder_exporter_collector_success";
        assert_eq!(page.samples(success, &[]).count(), 1, "{picked}");
        assert_eq!(page.value("coder_exporter_up", &[]), 1.0);
    }
    let two = scrape(&exporter, "collect%5B%5D=apps&collect[]=agents").await;
    assert!(two.has("coder_agents") && two.has("coder_apps") && !two.has("coder_workspaces"));
    scrape(&exporter, "").await.assert_every_collector_loaded();
}

#[tokio::test]
async fn collector_that_is_not_there_is_400_and_asks_nobody() {
    let coder = one_agent().await;
    let exporter = coder
        .exporter_with(|it| {
            it.collect
                .collectors
                .retain(|it| format!("{it:?}") != "Apps")
        })
        .await;
    for query in ["collect[]=nonsense", "collect[]=apps", "collect[]="] {
        let answer = exporter.get(&format!("/metrics?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(
            answer.body.contains("agents, causes, workspaces, bindings"),
            "{}",
            answer.body
        );
    }
    assert_eq!(coder.sessions("%").await, 0);
}

#[tokio::test]
async fn collection_of_some_is_never_served_to_those_who_want_all() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", 0.5).await;
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = std::time::Duration::from_secs(60))
        .await;
    let (some, all) = tokio::join!(scrape(&exporter, "collect[]=agents"), exporter.scrape());
    assert!(!some.has("coder_apps"));
    all.assert_every_collector_loaded();
    exporter.scrape().await.assert_every_collector_loaded();
    assert!(
        !scrape(&exporter, "collect[]=agents")
            .await
            .has("coder_apps")
    );
}

#[tokio::test]
async fn scrapes_for_the_same_collectors_share_a_collection() {
    let coder = one_agent().await;
    coder.slow("workspace_agents", 0.3).await;
    let exporter = coder.exporter().await;
    let scrapes = (0..10).map(|_| scrape(&exporter, "collect[]=agents"));
    let pages = futures_util::future::join_all(scrapes).await;
    let moment = |page: &Page| page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    let mut moments: Vec<_> = pages.iter().map(moment).collect();
    moments.dedup();
    assert!(moments.len() <= 2, "{moments:?}");
}
