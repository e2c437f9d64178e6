//! A fleet that changes: heartbeats, losses, lifecycles, rebuilds, deletions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_postgres::{Client, Error};

use crate::World;
use crate::harness::Chance;

/// What can happen. Times are set on both sides of the limits that decide, and let pass. A job that
/// has completed stays as it is, and no agent that was deleted comes back: Coder does neither.
const CHANGES: [&str; 13] = [
    "UPDATE workspace_agents SET last_connected_at = now(), disconnected_at = NULL
         WHERE random() < 0.6",
    "UPDATE workspace_agents SET last_connected_at = now() - random() * interval '40 s'
         WHERE random() < 0.3",
    "UPDATE workspace_agents SET disconnected_at = now() - random() * interval '20 s'
         WHERE random() < 0.1",
    "UPDATE workspace_agents SET lifecycle_state = (ARRAY['created', 'starting', 'start_timeout',
         'start_error', 'ready', 'shutting_down', 'off'])[1 + floor(random() * 7)::int]
         ::workspace_agent_lifecycle_state WHERE random() < 0.2",
    "UPDATE workspace_agents SET lifecycle_state = 'ready' WHERE random() < 0.5",
    "UPDATE workspace_agents SET first_connected_at = now() - random() * interval '4 min',
         started_at = CASE WHEN random() < 0.5 THEN now() - random() * interval '1 h' END,
         ready_at = CASE WHEN random() < 0.5 THEN now() - random() * interval '1 h' END
         WHERE random() < 0.1",
    "UPDATE workspace_agents SET first_connected_at = NULL, last_connected_at = NULL,
         created_at = now() - random() * interval '20 min',
         connection_timeout_seconds = floor(random() * 300) * (random() < 0.5)::int
         WHERE random() < 0.05",
    "UPDATE workspace_agents SET deleted = true WHERE random() < 0.01",
    "UPDATE workspaces SET deleted = NOT deleted WHERE random() < 0.02",
    "UPDATE real_table SET health = (ARRAY['disabled', 'initializing', 'healthy', 'unhealthy'])
         [1 + floor(random() * 4)::int]::workspace_app_health WHERE random() < 0.2",
    "UPDATE provisioner_jobs SET started_at = CASE WHEN random() < 0.9 THEN now() END,
         completed_at = CASE WHEN random() < 0.7 THEN now() END,
         canceled_at = CASE WHEN random() < 0.1 THEN now() END,
         error = CASE WHEN random() < 0.1 THEN 'no space left' END
         WHERE completed_at IS NULL AND random() < 0.3",
    "UPDATE provisioner_jobs SET started_at = now(), completed_at = now(), canceled_at = NULL,
         error = NULL WHERE completed_at IS NULL AND random() < 0.5",
    REBUILD,
];

/// A few workspaces are started, stopped or deleted anew, with new agents.
const REBUILD: &str = "
    WITH latest AS (
        SELECT DISTINCT ON (workspace_id) * FROM workspace_builds
        ORDER BY workspace_id, build_number DESC
    ), chosen AS MATERIALIZED (
        SELECT latest.*, gen_random_uuid() AS new_job, gen_random_uuid() AS new_resource,
               workspaces.organization_id
        FROM latest JOIN workspaces ON workspaces.id = workspace_id
        WHERE random() < 0.02
    ), jobs AS (
        INSERT INTO provisioner_jobs (id, organization_id, started_at, completed_at)
        SELECT new_job, organization_id, now(), CASE WHEN random() < 0.4 THEN now() END FROM chosen
    ), builds AS (
        INSERT INTO workspace_builds
            (id, workspace_id, template_version_id, build_number, transition, job_id)
        SELECT gen_random_uuid(), workspace_id, template_version_id, build_number + 1,
               (ARRAY['start', 'start', 'start', 'stop', 'delete'])[1 + floor(random() * 5)::int]
               ::workspace_transition, new_job
        FROM chosen
    ), resources AS (
        INSERT INTO workspace_resources (id, job_id) SELECT new_resource, new_job FROM chosen
    )
    INSERT INTO workspace_agents (id, name, resource_id, lifecycle_state)
    SELECT gen_random_uuid(), 'main', new_resource, 'created' FROM chosen";

/// Changes the rows until it is over, and notes when it did.
pub(crate) async fn change(world: Arc<World>) {
    let mut chance = Chance::new(11);
    let mut client = world.admin().await;
    while world.goes_on() {
        let gate = world.gate.lock().await;
        // Somebody locks a table, as a migration would: then nothing happens.
        let sql = chance.pick(&CHANGES);
        let changed = client
            .batch_execute(&format!("SET lock_timeout = '50ms'; {sql}"))
            .await;
        if changed.is_err() && client.is_closed() {
            client = world.admin().await;
        }
        note_the_moment(&world, &mut client).await;
        drop(gate);
        tokio::time::sleep(Duration::from_millis(20 + chance.below(150))).await;
    }
}

/// Whatever has changed has done so before now. Call it before the gate opens.
pub(crate) async fn note_the_moment(world: &World, client: &mut Client) {
    loop {
        match now(client).await {
            Ok(now) => return world.last_change.store(now, Ordering::SeqCst),
            Err(_) => *client = world.admin().await,
        }
    }
}

async fn now(client: &Client) -> Result<i64, Error> {
    let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    Ok(client.query_one(query, &[]).await?.get(0))
}
