-- The scripts that explain these agents: of one whose start failed, those that did not succeed
-- since it began, the newest first; of one that does not finish, those that are to run at the start
-- and have not ended since. Coder writes a timing when a script ends (docs/spec/causes.md).
--   $1: ids of the agents.
SELECT agent.id,
       script.display_name::text::varchar(257) AS name,
       timing.status,
       timing.exit_code,
       timing.seconds
FROM workspace_agents AS agent
JOIN workspace_agent_scripts AS script ON script.workspace_agent_id = agent.id
LEFT JOIN LATERAL (
    SELECT its.status::text AS status,
           its.exit_code,
           extract(epoch FROM its.ended_at - its.started_at)::float8 AS seconds,
           its.ended_at
    FROM workspace_agent_script_timings AS its
    WHERE its.script_id = script.id
      AND its.stage::text = 'start'
      AND its.started_at >= coalesce(agent.started_at, '-infinity')
    ORDER BY its.started_at DESC
    LIMIT 1
) AS timing ON true
WHERE agent.id = ANY($1)
  AND CASE agent.lifecycle_state::text
          WHEN 'start_error' THEN timing.status <> 'ok'
          ELSE timing.status IS NULL AND script.run_on_start
      END
ORDER BY agent.id, timing.ended_at DESC, name, script.id
