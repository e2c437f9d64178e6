//! What a pass costs the database (SPEC 2, 9).

use std::time::{Duration, Instant};

use crate::harness::statements::{logging_coder, statements_of_a_scrape};
use crate::harness::*;

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_fleet() {
    let coder = logging_coder().await;
    let exporter = coder.exporter().await;
    coder.add_many(1, 10, 2).await;
    exporter.scrape().await;
    let small = statements_of_a_scrape(&coder, &exporter).await;
    coder.add_many(11, 2000, 2).await;
    let large = statements_of_a_scrape(&coder, &exporter).await;
    assert_eq!(exporter.scrape().await.value("coder_agents", &[]), 2000.0);
    assert_eq!(small.len(), large.len(), "{large:#?}");
    // begin, moment, catalog, five collectors behind a savepoint, migration, commit
    assert!((3..=15).contains(&large.len()), "{large:#?}");
}

#[tokio::test]
async fn statements_have_no_names_so_that_a_pooler_can_stand_between() {
    let coder = logging_coder().await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    for statement in statements_of_a_scrape(&coder, &exporter).await {
        let unnamed =
            statement.starts_with("statement: ") || statement.starts_with("execute <unnamed>: ");
        assert!(unnamed, "{statement}");
        let upper = statement.to_uppercase();
        let session_wide = upper.contains("SET ") && !upper.contains("SET LOCAL ");
        assert!(!session_wide, "{statement}");
    }
}

#[tokio::test]
async fn twenty_thousand_agents_are_counted_exactly_within_the_default_deadline() {
    let coder = Coder::new().await;
    coder.add_many(1, 20_000, 4).await;
    let exporter = coder.exporter().await;
    let started = Instant::now();
    let page = exporter.scrape().await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(
        page.value("coder_agents", &[("status", "connected")]),
        20_000.0
    );
    assert_eq!(
        page.value("coder_agents_health", &[("health", "healthy")]),
        20_000.0
    );
    assert_eq!(page.value("coder_apps", &[("health", "healthy")]), 80_000.0);
    let rows = [("collector", "agents")];
    assert_eq!(page.value("coder_exporter_collector_rows", &rows), 20_000.0);
}
