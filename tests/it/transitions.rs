//! `coder_agent_status_transitions_total` (`docs/spec/metrics.md`): changes seen between two
//! collections.

use std::time::Duration;

use crate::harness::exposition::Page;
use crate::harness::*;

const FAMILY: &str = "coder_agent_status_transitions_total";
const STATUSES: &[&str] = &["connected", "connecting", "disconnected", "timeout"];

fn changes(page: &Page, from: &str, to: &str) -> f64 {
    page.value(FAMILY, &[("from", from), ("to", to)])
}

/// Fails unless these are all the changes there were.
#[track_caller]
fn assert_changes(page: &Page, expected: &[(&str, &str, f64)]) {
    let show = page.show(FAMILY);
    for &(from, to, count) in expected {
        assert_eq!(changes(page, from, to), count, "{from} to {to}: {show}");
    }
    let total: f64 = expected.iter().map(|it| it.2).sum();
    assert_eq!(page.value(FAMILY, &[]), total, "{show}");
}

/// What a row looks like in each status.
fn columns_of(status: &str) -> &'static str {
    match status {
        "connected" => {
            "first_connected_at = now(), last_connected_at = now(), disconnected_at = NULL"
        }
        "connecting" => {
            "first_connected_at = NULL, last_connected_at = NULL, disconnected_at = NULL,
             created_at = now()"
        }
        "disconnected" => {
            "first_connected_at = now(), last_connected_at = now(), disconnected_at = now()"
        }
        "timeout" => {
            "first_connected_at = NULL, last_connected_at = NULL, disconnected_at = NULL,
             created_at = now() - interval '1 hour'"
        }
        other => panic!("{other} is no status"),
    }
}

async fn become_of(coder: &Coder, agents: &str, status: &str) {
    let columns = columns_of(status);
    coder
        .sql(&format!(
            "UPDATE workspace_agents SET {columns} WHERE {agents}"
        ))
        .await;
}

/// `count` connected agents named by their number.
async fn connected_agents(count: u32) -> Coder {
    let coder = Coder::new().await;
    for number in 0..count {
        let name = number.to_string();
        coder.add(workspace(&name).agent(agent(&name))).await;
    }
    coder
}

#[tokio::test]
async fn first_sight_is_no_change_and_every_pair_stands_at_zero() {
    let coder = Coder::new().await;
    let main = agent("a").sub(agent("b").closed_ago(60.0));
    coder.add(workspace("one").agent(main)).await;
    let waiting = workspace("two").template("podman");
    coder.add(waiting.agent(waiting_agent("c", 5.0))).await;
    let page = coder.exporter().await.scrape().await;
    for template in ["docker", "podman"] {
        for from in STATUSES {
            for to in STATUSES {
                let labels = [
                    ("organization_name", "acme"),
                    ("template_name", template),
                    ("from", from),
                    ("to", to),
                ];
                let expected = (from != to).then_some(0.0);
                assert_eq!(page.get(FAMILY, &labels), expected, "{labels:?}");
            }
        }
    }
    assert_eq!(page.samples(FAMILY, &[]).count(), 2 * 12);
}

#[tokio::test]
async fn every_change_counts_under_its_own_name() {
    let coder = connected_agents(1).await;
    let exporter = coder.exporter().await;
    for from in STATUSES {
        for to in STATUSES.iter().filter(|to| *to != from) {
            become_of(&coder, "true", from).await;
            let before = exporter.scrape().await;
            become_of(&coder, "true", to).await;
            let after = exporter.scrape().await;
            let more = changes(&after, from, to) - changes(&before, from, to);
            let all = after.value(FAMILY, &[]) - before.value(FAMILY, &[]);
            assert_eq!((more, all), (1.0, 1.0), "{from} to {to}");
        }
    }
}

#[tokio::test]
async fn each_agent_that_changed_counts_once_and_one_that_did_not_never() {
    let coder = connected_agents(5).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    become_of(&coder, "name < '3'", "disconnected").await;
    let lost = [("connected", "disconnected", 3.0)];
    assert_changes(&exporter.scrape().await, &lost);
    assert_changes(&exporter.scrape().await, &lost);
    become_of(&coder, "name = '0'", "connected").await;
    let one_is_back = [lost[0], ("disconnected", "connected", 1.0)];
    assert_changes(&exporter.scrape().await, &one_is_back);
}

#[tokio::test]
async fn change_counts_where_the_agent_belongs() {
    let coder = connected_agents(1).await;
    let other = workspace("other").template("podman").agent(agent("other"));
    coder.add(other).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    become_of(&coder, "name = 'other'", "disconnected").await;
    let page = exporter.scrape().await;
    let of = |template| page.value(FAMILY, &[("template_name", template)]);
    assert_eq!((of("docker"), of("podman")), (0.0, 1.0));
}

#[tokio::test]
async fn agent_that_left_is_forgotten_and_its_return_is_a_first_sight() {
    let coder = connected_agents(2).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    coder
        .sql("UPDATE workspaces SET deleted = true WHERE name = '0'")
        .await;
    assert_changes(&exporter.scrape().await, &[]);
    coder.sql("UPDATE workspaces SET deleted = false").await;
    become_of(&coder, "name = '0'", "disconnected").await;
    assert_changes(&exporter.scrape().await, &[]);
    become_of(&coder, "name = '0'", "connected").await;
    let back = [("disconnected", "connected", 1.0)];
    assert_changes(&exporter.scrape().await, &back);
}

/// A counter that vanished with its last agent would look like a restart when it returns.
#[tokio::test]
async fn counts_of_a_template_outlive_its_last_agent() {
    let coder = connected_agents(1).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    become_of(&coder, "true", "disconnected").await;
    exporter.scrape().await;
    coder.sql("UPDATE workspaces SET deleted = true").await;
    let lost = [("connected", "disconnected", 1.0)];
    assert_changes(&exporter.scrape().await, &lost);
}

#[tokio::test]
async fn rebuild_is_a_new_agent_and_no_change_of_the_old_one() {
    let coder = Coder::new().await;
    let story = workspace("box").agent(agent("main"));
    coder.add(story.clone()).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    let new = start(2).agent(waiting_agent("main", 5.0));
    coder.build(&story, new).await;
    assert_changes(&exporter.scrape().await, &[]);
}

#[tokio::test]
async fn change_during_an_outage_is_seen_after_it_and_unknown_while_it_lasts() {
    let mut coder = Coder::on(prepared()).await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    become_of(&coder, "true", "disconnected").await;
    coder.sql("CHECKPOINT").await;
    coder.own_cluster().stop();
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert!(!page.has(FAMILY), "{}", page.show(FAMILY));
    coder.own_cluster().start_again().unwrap();
    let lost = [("connected", "disconnected", 1.0)];
    assert_changes(&exporter.scrape().await, &lost);
}

#[tokio::test]
async fn collection_in_which_the_agents_fail_is_skipped_over() {
    let coder = connected_agents(1).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (version) ON workspace_agents FROM {role}"
        ))
        .await;
    become_of(&coder, "true", "disconnected").await;
    let page = exporter.scrape().await;
    assert_eq!(page.value("coder_exporter_up", &[]), 0.0);
    assert!(!page.has(FAMILY), "{}", page.show(FAMILY));
    coder
        .sql(&format!(
            "GRANT SELECT (version) ON workspace_agents TO {role}"
        ))
        .await;
    let lost = [("connected", "disconnected", 1.0)];
    assert_changes(&exporter.scrape().await, &lost);
}

#[tokio::test]
async fn collection_that_is_served_again_counts_nothing_twice() {
    let coder = connected_agents(1).await;
    let exporter = coder
        .exporter_with(|it| it.collect.min_interval = Duration::from_secs(1))
        .await;
    let moment = "coder_exporter_snapshot_timestamp_seconds";
    let first = exporter.scrape().await.value(moment, &[]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    become_of(&coder, "true", "disconnected").await;
    let lost = [("connected", "disconnected", 1.0)];
    let page = exporter.scrape().await;
    assert_changes(&page, &lost);
    become_of(&coder, "true", "connected").await;
    let again = exporter.scrape().await;
    assert_changes(&again, &lost);
    assert!(page.value(moment, &[]) > first);
    assert_eq!(again.value(moment, &[]), page.value(moment, &[]));
}

#[tokio::test]
async fn scrapes_that_share_a_collection_count_its_changes_once() {
    let coder = connected_agents(3).await;
    let exporter = coder.exporter().await;
    exporter.scrape().await;
    become_of(&coder, "true", "disconnected").await;
    coder.slow("workspaces", 0.3).await;
    let together = tokio::join!(exporter.scrape(), exporter.scrape(), exporter.scrape());
    let lost = [("connected", "disconnected", 3.0)];
    for page in [together.0, together.1, together.2] {
        assert_changes(&page, &lost);
    }
}
