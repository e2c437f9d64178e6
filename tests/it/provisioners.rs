//! Provisioner daemons and the jobs that wait for them (`docs/spec/signs-of-life.md`), on a real
//! Postgres.

use uuid::Uuid;

use crate::harness::*;
use coder_agent_exporter::demo::schema::Era;

/// A daemon of the workspaces' organization, seen so many seconds ago.
async fn add_daemon(coder: &Coder, seen_ago: f64, tags: &str) -> Uuid {
    let id = Uuid::new_v4();
    coder
        .sql(&format!(
            "INSERT INTO provisioner_daemons (id, name, tags, organization_id, last_seen_at) \
             SELECT '{id}', '{id}', '{tags}', id, now() - interval '{seen_ago} seconds' \
             FROM organizations ORDER BY id LIMIT 1"
        ))
        .await;
    id
}

/// A job that was created so many seconds ago, on which this daemon works, if any.
async fn add_job(coder: &Coder, created_ago: f64, tags: &str, worker: Option<Uuid>) {
    let (worker, started) = match worker {
        Some(worker) => (format!("'{worker}'"), "now()"),
        None => ("NULL".into(), "NULL"),
    };
    coder
        .sql(&format!(
            "INSERT INTO provisioner_jobs (id, organization_id, created_at, started_at, worker_id, \
             tags) SELECT '{}', id, now() - interval '{created_ago} seconds', {started}, {worker}, \
             '{tags}' FROM organizations ORDER BY id LIMIT 1",
            Uuid::new_v4()
        ))
        .await;
}

const UNTAGGED: &str = r#"{"owner": "", "scope": "organization"}"#;
const GPU: &str = r#"{"owner": "", "scope": "organization", "gpu": "yes"}"#;

#[tokio::test]
async fn daemons_and_jobs_are_counted_and_jobs_that_no_daemon_fits_are_told() {
    let coder = Coder::new().await;
    coder.add(workspace("box").agent(agent("main"))).await;
    let busy = add_daemon(&coder, 10.0, UNTAGGED).await;
    add_daemon(&coder, 10.0, UNTAGGED).await;
    add_daemon(&coder, 600.0, GPU).await;
    add_job(&coder, 30.0, UNTAGGED, Some(busy)).await;
    add_job(&coder, 60.0, UNTAGGED, None).await;
    add_job(&coder, 900.0, GPU, None).await;
    let page = coder.exporter().await.scrape().await;
    page.assert_every_collector_loaded();
    let daemons = |status| page.value("coder_provisioner_daemons", &[("status", status)]);
    assert_eq!(["idle", "busy", "offline"].map(daemons), [1.0; 3]);
    let jobs = |status| page.value("coder_provisioner_jobs", &[("status", status)]);
    assert_eq!(["pending", "running"].map(jobs), [2.0, 1.0]);
    assert_eq!(page.value("coder_provisioner_unmatched_jobs", &[]), 1.0);
    let oldest = "coder_provisioner_oldest_pending_job_timestamp_seconds";
    let now = page.value("coder_exporter_snapshot_timestamp_seconds", &[]);
    let age = now - page.value(oldest, &[]);
    assert!((899.0..960.0).contains(&age), "{age}");
}

#[tokio::test]
async fn where_daemons_give_no_sign_of_life_the_collector_is_off() {
    let coder = Coder::of(Era::V2_3).await;
    let page = coder.exporter().await.scrape().await;
    assert!(!page.has("coder_provisioner_daemons"));
    assert!(!page.has("coder_provisioner_jobs"));
    let success = "coder_exporter_collector_success";
    assert!(
        page.get(success, &[("collector", "provisioners")])
            .is_none()
    );
    assert_eq!(page.value(success, &[("collector", "replicas")]), 1.0);
}
