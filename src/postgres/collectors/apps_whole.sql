-- As apps.sql, where the index of the apps is missing: all apps there have ever been are read, once,
-- instead of once for each part.
SELECT part.number,
       its.health::text AS health,
       count(*) AS count
FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS part (number, first, last)
CROSS JOIN LATERAL unnest(($4::uuid[])[part.first:part.last]) AS agent (id)
JOIN workspace_apps AS its ON its.agent_id = agent.id
GROUP BY part.number, its.health
