-- Apps of the population by agent, display name and health: what Coder's own metrics count.
--   $1: ids of the agents just read; the answer names them by their position.
SELECT agent.position,
       app.display_name::text::varchar(257) AS display_name,
       app.health::text AS health,
       count(*) AS count
FROM unnest($1::uuid[]) WITH ORDINALITY AS agent (id, position)
JOIN workspace_apps AS app ON app.agent_id = agent.id
-- In an order, so that an agent with too many names always keeps the same ones.
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
