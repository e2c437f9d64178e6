-- Apps of the population, counted by scope and health.
--   $1: ids of the agents just read, sorted; $2: the number by which the apps of each are counted:
--   that of its scope, and another where their health is no longer known.
-- The population is not worked out a second time, and one row comes back for each scope and
-- health instead of one for each app. By the index, as OFFSET 0 makes it: an agent's apps lie
-- together, and those of old builds need not be read.
SELECT agent.scope,
       app.health::text AS health,
       count(*) AS count
FROM unnest($1::uuid[], $2::int4[]) AS agent (id, scope)
CROSS JOIN LATERAL (
    SELECT its.health
    FROM workspace_apps AS its
    WHERE its.agent_id = agent.id
    OFFSET 0 -- by index workspace_apps.agent_id
) AS app
GROUP BY agent.scope, app.health
