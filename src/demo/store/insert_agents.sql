INSERT INTO workspace_agents (
    id, resource_id, parent_id, name, created_at, updated_at,
    first_connected_at, last_connected_at, disconnected_at,
    lifecycle_state, started_at, ready_at,
    connection_timeout_seconds, version, display_order, deleted
)
SELECT
    id, resource, parent, name, now() - created * second,
    now() - coalesce(last_connected, created) * second,
    now() - first_connected * second,
    now() - last_connected * second,
    now() - disconnected * second,
    lifecycle_state::workspace_agent_lifecycle_state,
    now() - started * second,
    now() - ready * second,
    connection_timeout, version, display_order, deleted
FROM
    unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS row (
        id, resource, parent, name, created, first_connected, last_connected, disconnected,
        lifecycle_state, started, ready, connection_timeout, version, display_order, deleted
    ),
    (VALUES (interval '1 second')) AS unit (second)
ON CONFLICT DO NOTHING
