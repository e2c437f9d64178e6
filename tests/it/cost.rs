//! What a collection costs the database (`docs/spec/collection.md` and `docs/spec/performance.md`).

use std::time::{Duration, Instant};

use crate::harness::exposition::{Format, Page};
use crate::harness::statements::{logging_coder, parameters_of, statements_of_a_scrape};
use crate::harness::wire::Wire;
use crate::harness::*;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::metrics::page::AgentSeries;
use coder_agent_exporter::postgres::grants::columns_read;

/// Begin, moment, server, what a standby replayed, a lock on the core tables and on each other table,
/// two looks at the catalog, collectors between savepoint and rollback, four more statements of the
/// agents with three more savepoints, migration, commit.
fn most_statements() -> usize {
    20 + columns_read(Collector::DEFAULT).len() + 3 * Collector::DEFAULT.len()
}

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
    assert!((3..=most_statements()).contains(&large.len()), "{large:#?}");
}

/// Adds workspaces numbered `first` to `last`, each with an agent stuck in created, apps and a
/// chat, and of a version of its own.
async fn add_stuck(coder: &Coder, first: u32, last: u32) {
    coder.add_many(first, last, 2).await;
    coder
        .sql(
            "UPDATE workspace_agents SET lifecycle_state = 'created', started_at = NULL,
                 ready_at = NULL, version = id::text;
             INSERT INTO chats (id, owner_id, workspace_id)
                 SELECT gen_random_uuid(), owner_id, id FROM workspaces",
        )
        .await;
}

fn everything_on(settings: &mut Settings) {
    settings.collect.named_apps = true;
    settings.web.detail.coderd_compat = true;
    settings.web.detail.agent_series = AgentSeries::All;
}

#[tokio::test]
async fn number_of_statements_is_constant_with_everything_on() {
    let coder = logging_coder().await;
    let exporter = coder.exporter_with(everything_on).await;
    add_stuck(&coder, 1, 2).await;
    exporter.scrape().await;
    let small = statements_of_a_scrape(&coder, &exporter).await;
    add_stuck(&coder, 3, 1000).await;
    let large = statements_of_a_scrape(&coder, &exporter).await;
    assert_eq!(small.len(), large.len(), "{large:#?}");
    assert!(large.len() <= most_statements(), "{large:#?}");
    let page = exporter.scrape().await;
    let problems = "coder_agent_problem_timestamp_seconds";
    assert_eq!(page.samples(problems, &[]).count(), 1000);
}

/// Round trips of one scrape, on the connection that is kept.
async fn round_trips(wire: &Wire, exporter: &Exporter, path: &str) -> u32 {
    // Whatever came before: a connection, and what the server reads once for it.
    exporter.get(path).await;
    wire.round_trips();
    let answer = exporter.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = Page::read(Format::Text, &answer.body).unwrap();
    page.assert_every_collector_loaded();
    wire.round_trips()
}

#[tokio::test]
async fn collection_takes_eight_round_trips_however_large_the_fleet_and_whatever_is_wrong_with_it()
{
    let coder = Coder::new().await;
    let wire = Wire::to(&coder).await;
    let exporter = Exporter::start(&wire.url(&coder), everything_on).await;
    coder.add_many(1, 3, 2).await;
    let few = round_trips(&wire, &exporter, "/metrics").await;
    coder.add_many(4, 300, 2).await;
    let many = round_trips(&wire, &exporter, "/metrics").await;
    add_stuck(&coder, 301, 303).await;
    let stuck = round_trips(&wire, &exporter, "/metrics").await;
    println!("round trips: {few} for 3 agents, {many} for 300, {stuck} when all are stuck");
    assert_eq!((few, many), (stuck, stuck), "it depends on the rows");
    assert!((1..=8).contains(&stuck), "{stuck} round trips");
}

#[tokio::test]
async fn collector_that_nobody_wants_costs_no_round_trip() {
    let coder = Coder::new().await;
    let wire = Wire::to(&coder).await;
    let exporter = Exporter::start(&wire.url(&coder), |_| {}).await;
    add_stuck(&coder, 1, 3).await;
    let two = "/metrics?collect[]=agents&collect[]=apps";
    let two = round_trips(&wire, &exporter, two).await;
    let one = round_trips(&wire, &exporter, "/metrics?collect[]=agents").await;
    println!("round trips: {two} for agents and apps, {one} for agents alone");
    // To begin, four for the agents, one for the apps, to end.
    assert_eq!((two, one), (7, 6));
}

#[tokio::test]
async fn finished_builds_are_remembered_whatever_is_collected() {
    let coder = logging_coder().await;
    let exporter = coder.exporter().await;
    coder.add_many(1, 100, 2).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        let answer = exporter.get("/metrics?collect[]=agents").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = Page::read(Format::Text, &answer.body).unwrap();
        assert_eq!(page.value("coder_agents", &[]), 100.0);
        assert_eq!(page.samples("coder_workspaces", &[]).count(), 0);
        let parameters = parameters_of(&coder, "FROM workspace_resources AS its");
        asked.push(parameters.matches('-').count() / 4);
    }
    assert_eq!(asked[0], 100);
    // A few are read again in each collection.
    assert!(asked[1] < 20 && asked[2] < 20, "{asked:?}");
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
        // It gives back what a pooler has set on our behalf.
        let upper = statement.to_uppercase();
        let upper = upper.replace("RESET ", "").replace("OFFSET ", "");
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
