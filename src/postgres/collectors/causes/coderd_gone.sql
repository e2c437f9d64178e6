-- Which of these agents, whose heartbeats just stopped, were held by a coderd that is gone
-- (docs/spec/causes.md)? Its replica stopped, or has not updated its row for 30 s, within a minute
-- of the last heartbeat. And agents could not come back: no replica runs, or they had no time to.
--   $1: ids of the agents; $2: now, in seconds since the epoch.
SELECT agent.id
FROM workspace_agents AS agent
JOIN replicas AS held ON held.id = agent.last_connected_replica_id
CROSS JOIN to_timestamp($2) AS moment (now)
CROSS JOIN LATERAL (
    SELECT coalesce(held.stopped_at, held.updated_at + interval '30 seconds') AS gone_at
) AS its
WHERE agent.id = ANY($1)
  AND (held.stopped_at IS NOT NULL OR its.gone_at < moment.now)
  AND its.gone_at BETWEEN agent.last_connected_at - interval '60 seconds'
                      AND agent.last_connected_at + interval '60 seconds'
  AND (
      agent.last_connected_at > moment.now - interval '2 minutes'
      OR NOT EXISTS (
          SELECT
          FROM replicas AS running
          WHERE running."primary"
            AND running.stopped_at IS NULL
            AND running.updated_at + interval '30 seconds' >= moment.now
      )
  )
