//! `coder_workspaces` (`docs/spec/metrics.md`): the state of the latest build of each workspace.

use crate::harness::exposition::Page;
use crate::harness::fleet::Build;
use crate::harness::*;

const STATES: &[&str] = &[
    "starting", "running", "no_agent", "stopping", "stopped", "deleting", "canceled", "failed",
];

fn count(page: &Page, state: &str) -> f64 {
    page.value("coder_workspaces", &[("state", state)])
}

/// Fails unless all of `total` workspaces are in this state.
#[track_caller]
fn assert_all(page: &Page, state: &str, total: f64) {
    let show = page.show("coder_workspaces");
    assert_eq!(count(page, state), total, "{state}: {show}");
    assert_eq!(page.value("coder_workspaces", &[]), total, "{show}");
}

/// The page of a Coder in which `latest` comes after a healthy build.
async fn page_after(latest: Build) -> Page {
    let coder = Coder::new().await;
    let healthy = start(1).agent(agent("main"));
    coder
        .add(workspace("box").build(healthy).build(latest))
        .await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    page
}

#[tokio::test]
async fn state_follows_from_job_and_transition_of_the_latest_build() {
    for (transition, job, state) in [
        ("start", Job::Pending, "starting"),
        ("start", Job::Running, "starting"),
        ("start", Job::Succeeded, "running"),
        ("start", Job::Failed, "failed"),
        ("start", Job::Canceling, "canceled"),
        ("start", Job::Canceled, "canceled"),
        ("stop", Job::Pending, "stopping"),
        ("stop", Job::Running, "stopping"),
        ("stop", Job::Succeeded, "stopped"),
        ("stop", Job::Failed, "failed"),
        ("stop", Job::Canceled, "canceled"),
        ("delete", Job::Pending, "deleting"),
        ("delete", Job::Running, "deleting"),
        ("delete", Job::Succeeded, "deleting"),
        ("delete", Job::Failed, "failed"),
        ("delete", Job::Canceling, "canceled"),
    ] {
        let latest = build(2, transition).job(job).agent(agent("main"));
        assert_all(&page_after(latest).await, state, 1.0);
    }
}

#[tokio::test]
async fn started_workspace_without_a_root_agent_has_nobody_to_answer() {
    let nobody = start(2);
    let deleted = start(2).agent(agent("main").soft_deleted());
    let orphan = start(2).agent(agent("main").soft_deleted().sub(agent("sub")));
    for latest in [nobody, deleted, orphan] {
        assert_all(&page_after(latest).await, "no_agent", 1.0);
    }
    let one_of_two = start(2)
        .agent(agent("old").soft_deleted())
        .resource()
        .agent(agent("new").closed_ago(900.0));
    // Whether it answers is another question.
    assert_all(&page_after(one_of_two).await, "running", 1.0);
}

#[tokio::test]
async fn agents_of_earlier_builds_do_not_make_a_workspace_run() {
    let coder = Coder::new().await;
    let latest = start(10);
    let earlier = start(9).agent(agent("main"));
    coder
        .add(workspace("box").build(latest).build(earlier))
        .await;
    assert_all(&coder.exporter().await.scrape().await, "no_agent", 1.0);
}

#[tokio::test]
async fn deleted_workspaces_and_those_without_a_build_are_in_no_state() {
    let coder = Coder::new().await;
    coder
        .add(workspace("gone").deleted().agent(agent("main")))
        .await;
    coder.add(workspace("unbuilt")).await;
    coder.add(workspace("here").agent(agent("main"))).await;
    assert_all(&coder.exporter().await.scrape().await, "running", 1.0);
}

#[tokio::test]
async fn every_state_is_there_for_each_template_with_a_workspace_or_an_agent() {
    let coder = Coder::new().await;
    coder.add(workspace("a").agent(agent("main"))).await;
    let stopped = workspace("b").template("podman").build(stop(1));
    coder.add(stopped).await;
    let page = coder.exporter().await.scrape().await;
    for template in ["docker", "podman"] {
        for state in STATES {
            let labels = [
                ("organization_name", "acme"),
                ("template_name", template),
                ("state", state),
            ];
            let expected = matches!(
                (template, *state),
                ("docker", "running") | ("podman", "stopped")
            );
            let expected = f64::from(u8::from(expected));
            assert_eq!(
                page.value("coder_workspaces", &labels),
                expected,
                "{labels:?}"
            );
        }
    }
    let series = page.samples("coder_workspaces", &[]).count();
    assert_eq!(series, 2 * STATES.len());
}

#[tokio::test]
async fn states_and_transitions_of_a_later_coder_are_failed_and_no_error() {
    let coder = Coder::new().await;
    for name in ["one", "two", "three"] {
        coder.add(workspace(name).agent(agent("main"))).await;
    }
    coder
        .sql(
            "ALTER TYPE provisioner_job_status ADD VALUE 'paused';
             ALTER TYPE workspace_transition ADD VALUE 'migrate';
             ALTER TABLE provisioner_jobs ALTER job_status DROP EXPRESSION",
        )
        .await;
    coder
        .sql(
            "UPDATE provisioner_jobs SET job_status = 'paused' WHERE id IN (SELECT job_id
                 FROM workspace_builds AS b JOIN workspaces AS w ON w.id = b.workspace_id
                 WHERE w.name = 'one');
             UPDATE provisioner_jobs SET job_status = 'unknown' WHERE id IN (SELECT job_id
                 FROM workspace_builds AS b JOIN workspaces AS w ON w.id = b.workspace_id
                 WHERE w.name = 'two');
             UPDATE workspace_builds SET transition = 'migrate' WHERE workspace_id IN
                 (SELECT id FROM workspaces WHERE name = 'three')",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    assert_all(&page, "failed", 3.0);
    assert_eq!(page.value("coder_exporter_errors_total", &[]), 0.0);
}

/// Counted, not left out: the numbers of two families must agree with Coder's own lists.
#[tokio::test]
async fn workspace_whose_job_or_template_is_gone_counts_all_the_same() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    coder
        .sql(
            "SET session_replication_role = replica;
             DELETE FROM provisioner_jobs; DELETE FROM templates;
             SET session_replication_role = origin;",
        )
        .await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    let labels = [("template_name", ""), ("state", "failed")];
    assert_eq!(page.value("coder_workspaces", &labels), 1.0);
    assert_eq!(page.value("coder_workspaces", &[]), 1.0);
}

#[tokio::test]
async fn oldest_build_of_each_state_that_ends_is_told_since_its_job_was_created() {
    const OLDEST: &str = "coder_workspace_oldest_build_timestamp_seconds";
    let coder = Coder::new().await;
    for (name, build) in [
        ("runs", start(1).agent(agent("main"))),
        ("waits", start(1).job(Job::Pending)),
        ("starts", start(1).job(Job::Running)),
        ("stops", stop(1).job(Job::Running)),
        ("failed", start(1).job(Job::Failed)),
    ] {
        coder.add(workspace(name).build(build)).await;
    }
    let created = |name: &str, moment: &str| {
        format!(
            "UPDATE provisioner_jobs SET created_at = '{moment}+00' WHERE id IN (
                 SELECT job_id FROM workspace_builds AS build
                 JOIN workspaces AS its ON its.id = build.workspace_id WHERE its.name = '{name}');"
        )
    };
    for (name, moment) in [
        ("runs", "2026-11-28 01:00:00"),
        ("waits", "2026-11-28 05:00:00.5"),
        ("starts", "2026-11-28 05:00:01"),
        ("stops", "2026-11-28 06:00:00"),
        ("failed", "2026-11-28 01:00:00"),
    ] {
        coder.sql(&created(name, moment)).await;
    }
    let exporter = coder.exporter().await;
    let page = exporter.scrape().await;
    let of = |page: &Page, state| page.get(OLDEST, &[("state", state)]);
    assert_eq!(of(&page, "starting"), Some(1_795_842_000.5));
    assert_eq!(of(&page, "stopping"), Some(1_795_845_600.0));
    assert_eq!(
        page.samples(OLDEST, &[]).count(),
        2,
        "{}",
        page.show(OLDEST)
    );
    // A role of last year counts on.
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (created_at) ON provisioner_jobs FROM {role}"
        ))
        .await;
    let page = exporter.scrape().await;
    assert!(!page.has(OLDEST));
    let starting = [("state", "starting")];
    assert_eq!(page.value("coder_workspaces", &starting), 2.0);
}
