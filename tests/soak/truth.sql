-- What a page must say of the moment $1, in microseconds since the epoch, worked out by the
-- database alone: the rules of docs/spec/population-and-kind.md, docs/spec/connection-status.md and
-- docs/spec/health.md written a second time, by other means.
WITH moment AS MATERIALIZED (
    SELECT 'epoch'::timestamptz + $1::bigint * interval '1 microsecond' AS now
), latest AS (
    SELECT DISTINCT ON (workspace_id) *
    FROM workspace_builds
    ORDER BY workspace_id, build_number DESC
), homes AS (
    SELECT workspaces.id,
           organizations.name || '|' || templates.name AS scope,
           latest.job_id,
           latest.transition::text AS transition,
           CASE owner_id WHEN 'c42fdf75-3097-471c-8c33-fb52454d81c0' THEN 'prebuild' ELSE 'root' END AS kind
    FROM workspaces
    JOIN organizations ON organizations.id = workspaces.organization_id
    JOIN templates ON templates.id = workspaces.template_id
    JOIN latest ON latest.workspace_id = workspaces.id
    WHERE NOT workspaces.deleted
), agents AS (
    SELECT workspace_agents.*,
           homes.scope,
           homes.transition,
           CASE
               WHEN parent_id IS NULL AND resource_type <> 'coder_external_agent' THEN homes.kind
               WHEN parent_id IS NULL THEN 'external'
               ELSE 'sub'
           END AS kind,
           lifecycle_state::text AS lifecycle,
           moment.now,
           -- The moment of loss: when it was closed, else the last heartbeat.
           CASE
               WHEN coalesce(disconnected_at, '-infinity') >= coalesce(last_connected_at, '-infinity')
               THEN coalesce(disconnected_at, last_connected_at, first_connected_at)
               ELSE last_connected_at
           END AS lost,
           CASE
               WHEN first_connected_at IS NULL THEN CASE
                   WHEN connection_timeout_seconds > 0
                       AND created_at + connection_timeout_seconds * interval '1 second' < moment.now
                   THEN 'timeout' ELSE 'connecting' END
               WHEN coalesce(disconnected_at, '-infinity') >= coalesce(last_connected_at, '-infinity')
                   OR last_connected_at + interval '30 seconds' < moment.now
               THEN 'disconnected'
               ELSE 'connected'
           END AS status
    FROM homes
    JOIN (SELECT id AS resource, type AS resource_type, job_id FROM workspace_resources) AS resources
        ON resources.job_id = homes.job_id
    JOIN workspace_agents ON workspace_agents.resource_id = resources.resource
    CROSS JOIN moment
    WHERE NOT workspace_agents.deleted
), judged AS (
    SELECT *,
           CASE
               WHEN transition <> 'start' THEN 'shutdown'
               WHEN status IN ('connected', 'disconnected')
                   AND lifecycle IN ('shutting_down', 'shutdown_timeout', 'shutdown_error', 'off')
               THEN CASE
                   WHEN status = 'disconnected' AND lost + interval '5 minutes' < now
                   THEN 'terminated' ELSE 'shutdown' END
               WHEN kind = 'external' AND status IN ('connecting', 'timeout') THEN 'connecting'
               WHEN status = 'connecting' AND created_at + interval '10 minutes' < now
               THEN 'stuck_connecting'
               WHEN status = 'connecting' THEN 'connecting'
               WHEN status = 'timeout' THEN 'connect_timeout'
               WHEN status = 'disconnected' THEN 'disconnected'
               WHEN lifecycle = 'start_error' THEN 'start_error'
               WHEN lifecycle = 'created' AND first_connected_at + interval '2 minutes' < now
               THEN 'stuck_created'
               WHEN lifecycle = 'starting'
                   AND coalesce(started_at, first_connected_at) + interval '30 minutes' < now
               THEN 'stuck_starting'
               WHEN lifecycle IN ('created', 'starting') THEN 'starting'
               ELSE 'healthy'
           END AS health
    FROM agents
), states AS (
    SELECT homes.scope,
           CASE job_status::text
               WHEN 'pending' THEN 'under way'
               WHEN 'running' THEN 'under way'
               WHEN 'succeeded' THEN 'done'
               WHEN 'canceling' THEN 'canceled'
               WHEN 'canceled' THEN 'canceled'
               ELSE 'failed'
           END AS job,
           homes.transition,
           EXISTS (SELECT FROM agents WHERE agents.kind <> 'sub' AND agents.resource_id IN (
               SELECT id FROM workspace_resources WHERE job_id = homes.job_id)) AS has_agent
    FROM homes JOIN provisioner_jobs ON provisioner_jobs.id = homes.job_id
), workspaces_by_state AS (
    SELECT scope,
           CASE
               WHEN job IN ('canceled', 'failed') THEN job
               WHEN transition = 'delete' THEN 'deleting'
               WHEN transition = 'stop' AND job = 'done' THEN 'stopped'
               WHEN transition = 'stop' THEN 'stopping'
               WHEN job = 'under way' THEN 'starting'
               WHEN has_agent THEN 'running'
               ELSE 'no_agent'
           END AS state
    FROM states
)
SELECT 'coder_agents', scope || '|' || kind || '|' || status, count(*)::float8
FROM judged GROUP BY 1, 2
UNION ALL
SELECT 'coder_agents_health', scope || '|' || kind || '|' || health, count(*)
FROM judged GROUP BY 1, 2
UNION ALL
SELECT 'coder_agents_lifecycle', scope || '|' || kind || '|' || lifecycle, count(*)
FROM judged GROUP BY 1, 2
UNION ALL
SELECT 'coder_apps',
       scope || '|' || CASE
           WHEN status = 'connected' AND health <> 'shutdown' THEN app_health::text
           ELSE 'unknown'
       END,
       count(*)
FROM judged JOIN (SELECT agent_id, health FROM real_table) AS app (agent_id, app_health)
    ON app.agent_id = judged.id GROUP BY 1, 2
UNION ALL
SELECT 'coder_workspaces', scope || '|' || state, count(*)
FROM workspaces_by_state GROUP BY 1, 2
UNION ALL
SELECT 'coder_agent_problem_timestamp_seconds',
       id::text || '|' || health,
       extract(epoch FROM CASE health
           WHEN 'stuck_connecting' THEN created_at
           WHEN 'connect_timeout'
           THEN created_at + connection_timeout_seconds * interval '1 second'
           WHEN 'disconnected' THEN lost
           WHEN 'terminated' THEN lost
           WHEN 'start_error' THEN coalesce(ready_at, started_at, first_connected_at)
           WHEN 'stuck_created' THEN first_connected_at
           ELSE coalesce(started_at, first_connected_at)
       END)::float8
FROM judged
WHERE health IN ('terminated', 'stuck_connecting', 'connect_timeout', 'disconnected',
    'start_error', 'stuck_created', 'stuck_starting')
