//! What lost agents have in common and the agents' own rows do not say (`docs/spec/incidents.md`):
//! the provisioner daemon of their builds, and metadata of their resources.

use coder_agent_exporter::demo::schema::Era;
use coder_agent_exporter::fleet::model::label_value::Variants;
use coder_agent_exporter::fleet::stats::collection::Collector;
use coder_agent_exporter::postgres::grants::{USUAL_SCHEMA, role_sql};

use crate::harness::exposition::Page;
use crate::harness::*;

const AGENTS: &str = "coder_incident_agents";

/// Twelve workspaces of one template, of which every third is lost.
async fn fleet(era: Era) -> Coder {
    let coder = Coder::of(era).await;
    for number in 0..12 {
        let is_lost = number % 3 == 0;
        let its = agent("main").silent_for(if is_lost { 600.0 } else { 5.0 });
        let name = format!("w{number:02}");
        let owner = format!("owner{number}");
        coder.add(workspace(&name).owner(&owner).agent(its)).await;
    }
    coder
}

/// Sets a column of the workspaces that are lost, and of the others.
fn in_thirds(set: &str, from: &str, lost: &str, other: &str) -> String {
    let is_lost = "right(workspaces.name, 2)::int % 3 = 0";
    format!("{set} CASE WHEN {is_lost} THEN {lost} ELSE {other} END {from}")
}

fn value_of(page: &Page, factor: &str) -> Option<String> {
    let of_factor = [("factor", factor)];
    let found = page.samples(AGENTS, &of_factor).next()?;
    assert_eq!(found.value, 4.0, "{}", page.show(AGENTS));
    found.label("value").map(str::to_owned)
}

#[tokio::test]
async fn daemon_that_built_the_lost_ones_is_named() {
    for era in [Era::V2_3, Era::V2_36] {
        let coder = fleet(era).await;
        let (bad, good) = (
            "'00000000-0000-0000-0000-00000000000b'",
            "gen_random_uuid()",
        );
        let jobs = in_thirds(
            "UPDATE provisioner_jobs SET worker_id =",
            "FROM workspace_builds JOIN workspaces ON workspaces.id = workspace_id
             WHERE job_id = provisioner_jobs.id",
            bad,
            good,
        );
        coder.sql(&jobs).await;
        let exporter = coder.exporter().await;
        // One that Coder has forgotten has its id only.
        let page = exporter.scrape().await;
        page.assert_every_collector_loaded();
        let id = "00000000-0000-0000-0000-00000000000b".to_owned();
        assert_eq!(value_of(&page, "provisioner"), Some(id), "{era:?}");
        if era == Era::V2_36 {
            let daemon = "INSERT INTO provisioner_daemons (id, name, organization_id, last_seen_at)
                          SELECT '00000000-0000-0000-0000-00000000000b', 'builder-b', id, now()
                          FROM organizations LIMIT 1";
            coder.sql(daemon).await;
            let page = exporter.scrape().await;
            assert_eq!(value_of(&page, "provisioner"), Some("builder-b".into()));
        }
    }
}

/// As after an upgrade of the exporter alone.
#[tokio::test]
async fn role_that_may_not_read_what_is_compared_costs_these_dimensions_alone() {
    let coder = fleet(Era::V2_36).await;
    let columns = [
        "last_connected_replica_id",
        "operating_system",
        "architecture",
    ];
    let revoke = format!(
        "UPDATE provisioner_jobs SET worker_id = gen_random_uuid();
         REVOKE SELECT (worker_id) ON provisioner_jobs FROM {role};
         REVOKE SELECT ({}) ON workspace_agents FROM {role}",
        columns.join(", "),
        role = coder.role
    );
    let collectors = vec![Collector::Agents, Collector::Workspaces];
    let exporter = coder.exporter_with(|it| it.collect.collectors = collectors);
    let exporter = exporter.await;
    coder.sql(&revoke).await;
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    assert_eq!(
        page.value("coder_workspaces", &[("state", "running")]),
        12.0
    );
    assert_eq!(
        page.value("coder_agents_health", &[("health", "disconnected")]),
        4.0
    );
    let ended = run(&["check", &format!("--postgres.url={}", coder.url())]).await;
    let grant = "GRANT SELECT (worker_id) ON provisioner_jobs";
    assert!(ended.stdout.contains(grant), "{}", ended.stdout);
}

#[tokio::test]
async fn configured_metadata_is_a_dimension_and_no_sensitive_value_is_read() {
    let coder = fleet(Era::V2_36).await;
    let metadata = |key: &str, is_sensitive: bool| {
        in_thirds(
            &format!(
                "INSERT INTO workspace_resource_metadata (workspace_resource_id, key, value, sensitive)
                 SELECT workspace_resources.id, '{key}',"
            ),
            &format!(
                ", {is_sensitive} FROM workspace_resources
                 JOIN workspace_builds USING (job_id)
                 JOIN workspaces ON workspaces.id = workspace_id"
            ),
            "'node-7'",
            "'node-8'",
        )
    };
    coder.sql(&metadata("node", false)).await;
    coder.sql(&metadata("secret", true)).await;
    let grants = role_sql(&coder.role, USUAL_SCHEMA, Collector::ALL);
    coder.sql(&grants).await;
    let with = async |keys: &[&str]| {
        let keys = keys.iter().map(|it| (*it).into()).collect();
        let change = |it: &mut Settings| {
            it.collect.metadata_keys = keys;
            it.collect.collectors = Collector::ALL.to_vec();
        };
        coder.exporter_with(change).await.scrape().await
    };
    let page = with(&["node"]).await;
    page.assert_every_collector_loaded();
    assert_eq!(value_of(&page, "metadata:node"), Some("node-7".into()));
    let page = with(&["secret", "absent"]).await;
    page.assert_every_collector_loaded();
    assert_eq!(value_of(&page, "none"), None, "{}", page.show(AGENTS));
    let factors = page.samples(AGENTS, &[]);
    assert!(
        factors
            .into_iter()
            .all(|it| it.label("factor") != Some("metadata:secret"))
    );
}

#[tokio::test]
async fn key_without_the_grant_names_what_to_run() {
    let coder = fleet(Era::V2_36).await;
    let url = format!("--postgres.url={}", coder.url());
    let ended = run(&["check", &url, "--incident.resource-metadata=node"]).await;
    assert_eq!(ended.code, Some(1));
    let grant = "GRANT SELECT (workspace_resource_id, key, value, sensitive) ON workspace_resource_metadata";
    assert!(ended.stdout.contains(grant), "{}", ended.stdout);
    // Without the key nothing of it is asked for.
    assert_eq!(run(&["check", &url]).await.code, Some(0));
}
