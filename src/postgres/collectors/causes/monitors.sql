-- Which of these agents reported too little memory or disk before they were lost: their monitor is
-- above the threshold that the template sets (docs/spec/causes.md).
--   $1: ids of the agents.
SELECT monitor.agent_id AS id, true AS is_memory
FROM workspace_agent_memory_resource_monitors AS monitor
WHERE monitor.agent_id = ANY($1) AND monitor.state::text = 'NOK'
UNION ALL
SELECT DISTINCT monitor.agent_id, false
FROM workspace_agent_volume_resource_monitors AS monitor
WHERE monitor.agent_id = ANY($1) AND monitor.state::text = 'NOK'
