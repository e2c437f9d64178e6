-- The scripts of an agent, each with its last run that ended, of any stage. By the unique index on
-- script and start, so that a script that the clock runs each minute costs no more than another.
--   $1: the agent's id.
SELECT script.display_name::text::varchar(257) AS name,
       script.run_on_start,
       timing.started_at,
       timing.seconds,
       timing.exit_code,
       timing.stage,
       timing.status
FROM workspace_agent_scripts AS script
LEFT JOIN LATERAL (
    SELECT its.started_at,
           extract(epoch FROM its.ended_at - its.started_at)::float8 AS seconds,
           its.exit_code,
           its.stage::text AS stage,
           its.status::text AS status
    FROM workspace_agent_script_timings AS its
    WHERE its.script_id = script.id
    ORDER BY its.started_at DESC
    LIMIT 1
) AS timing ON true
WHERE script.workspace_agent_id = $1
ORDER BY lower(script.display_name), script.id
-- A template has a handful for an agent.
LIMIT 50
