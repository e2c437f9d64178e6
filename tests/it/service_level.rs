//! Agent-seconds and durations of start-ups (`docs/spec/service-level.md`), on a real Postgres.

use crate::harness::exposition::Page;
use crate::harness::*;

/// Seconds between the moments of two pages.
fn between(first: &Page, second: &Page) -> f64 {
    let at = |page: &Page| page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    at(second) - at(first)
}

#[tokio::test]
async fn agent_seconds_follow_the_databases_clock_and_a_loss_counts_from_its_beginning() {
    let coder = Coder::new().await;
    coder.add(workspace("one").agent(agent("main"))).await;
    coder.add(workspace("two").agent(agent("main"))).await;
    let exporter = coder.exporter().await;
    let first = exporter.scrape().await;
    assert_eq!(first.value("coder_agent_expected_seconds_total", &[]), 0.0);
    coder
        .sql(
            "UPDATE workspace_agents SET disconnected_at = now() - interval '20 seconds',
                 last_connected_at = now() - interval '20 seconds'
             WHERE id = (SELECT min(id::text)::uuid FROM workspace_agents)",
        )
        .await;
    let second = exporter.scrape().await;
    let elapsed = between(&first, &second);
    let expected = second.value("coder_agent_expected_seconds_total", &[]);
    assert!(
        (expected - 2.0 * elapsed).abs() < 1e-3,
        "{expected}, {elapsed}"
    );
    let lost = [("kind", "root"), ("health", "disconnected")];
    let lost = second.value("coder_agent_unavailable_seconds_total", &lost);
    assert!((20.0..=20.0 + elapsed).contains(&lost), "{lost}");
    let unobserved = "coder_exporter_unobserved_seconds_total";
    assert_eq!(second.value(unobserved, &[]), 0.0);
}

const DURATIONS: &str = "coder_agent_startup_duration_seconds";

#[tokio::test]
async fn start_up_is_observed_by_phase_and_a_locked_job_costs_only_the_phases_of_the_job() {
    let coder = Coder::new().await;
    for name in ["one", "two"] {
        let starting = agent(name).lifecycle("starting").null("ready_at");
        coder.add(workspace(name).agent(starting)).await;
    }
    coder
        .sql(
            "UPDATE provisioner_jobs SET created_at = now() - interval '100 seconds',
                 started_at = now() - interval '90 seconds',
                 completed_at = now() - interval '60 seconds';
             UPDATE workspace_agents SET created_at = now() - interval '60 seconds',
                 first_connected_at = now() - interval '55 seconds',
                 started_at = now() - interval '54 seconds'",
        )
        .await;
    let exporter = coder.exporter().await;
    assert!(!exporter.scrape().await.has(&format!("{DURATIONS}_count")));
    let become_ready = |name: &str| {
        format!(
            "UPDATE workspace_agents SET lifecycle_state = 'ready',
                 ready_at = started_at + interval '24 seconds' WHERE name = '{name}'"
        )
    };
    coder.sql(&become_ready("one")).await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    let sum = |page: &Page, phase: &str| {
        let labels = [("phase", phase), ("result", "ready"), ("kind", "root")];
        let of = |what: &str| page.get(&format!("{DURATIONS}_{what}"), &labels);
        of("count").zip(of("sum"))
    };
    let rounded = |it: Option<(f64, f64)>| it.map(|(count, sum)| (count, sum.round()));
    assert_eq!(rounded(sum(&page, "queue")), Some((1.0, 10.0)));
    assert_eq!(rounded(sum(&page, "provision")), Some((1.0, 30.0)));
    assert_eq!(rounded(sum(&page, "connect")), Some((1.0, 5.0)));
    assert_eq!(rounded(sum(&page, "scripts")), Some((1.0, 24.0)));
    assert_eq!(sum(&page, "total").map(|it| it.0), Some(1.0));

    let mut other = coder.connect().await;
    let migration = other.transaction().await.unwrap();
    let lock = "LOCK TABLE provisioner_jobs IN ACCESS EXCLUSIVE MODE";
    migration.batch_execute(lock).await.unwrap();
    coder.sql(&become_ready("two")).await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_agents", &[]), 2.0);
    assert!(!page.has(&format!("{DURATIONS}_count")));
    migration.rollback().await.unwrap();
    let page = exporter.scrape().await;
    assert_eq!(sum(&page, "queue").map(|it| it.0), Some(1.0));
    assert_eq!(rounded(sum(&page, "scripts")), Some((2.0, 48.0)));
}
