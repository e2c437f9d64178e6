-- The values of configured keys of the metadata of the resources that have agents, each with the
-- places of its agents.
--   $1: the keys; $2: ids of the agents just read.
-- A value that the template marks as sensitive is not read.
SELECT its.key,
       its.value::text::varchar(257) AS value,
       array_agg(agent.place::int4) AS places
FROM unnest($2::uuid[]) WITH ORDINALITY AS agent (id, place)
JOIN workspace_agents AS own ON own.id = agent.id
JOIN workspace_resource_metadata AS its ON its.workspace_resource_id = own.resource_id
WHERE its.key = ANY ($1::text[])
  AND its.sensitive IS NOT TRUE
  AND its.value <> ''
GROUP BY its.key, its.value::text::varchar(257)
