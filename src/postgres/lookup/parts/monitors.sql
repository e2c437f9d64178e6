-- The monitors of an agent: of its memory, and of volumes by their paths.
--   $1: the agent's id.
SELECT NULL::text::varchar(257) AS name,
       memory.enabled,
       memory.threshold,
       memory.state::text AS state
FROM workspace_agent_memory_resource_monitors AS memory
WHERE memory.agent_id = $1
UNION ALL
(
    SELECT volume.path::text::varchar(257) AS name,
           volume.enabled,
           volume.threshold,
           volume.state::text AS state
    FROM workspace_agent_volume_resource_monitors AS volume
    WHERE volume.agent_id = $1
    ORDER BY volume.path
    LIMIT 50
)
