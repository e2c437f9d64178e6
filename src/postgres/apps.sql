-- Apps of the population, counted by scope and health.
--   $1: ids of the agents just read; $2: the number of each one's scope.
-- The population is not worked out a second time, and one row comes back for each scope and
-- health instead of one for each app.
SELECT agent.scope,
       app.health::text,
       count(*)
FROM unnest($1::uuid[], $2::int4[]) AS agent (id, scope)
JOIN workspace_apps AS app ON app.agent_id = agent.id
GROUP BY agent.scope, app.health
