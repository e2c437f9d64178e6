-- Apps of the population, counted by group and health.
--   $1: the number of each part's group: that of its scope, and another where the health of its
--   agents' apps is no longer known;
--   $2, $3: the positions in $4 of the part's first agent and of its last;
--   $4: ids of the agents just read, in parts of one group each.
-- with enable_seqscan = off
-- with enable_bitmapscan = off
-- The population is not worked out a second time, and one row comes back for each group and
-- health instead of one for each app. By the index for all agents of a part at once: an agent's
-- apps lie together, and those of old builds need not be read.
SELECT part.number,
       app.health::text AS health,
       sum(app.count)::int8 AS count
FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS part (number, first, last)
CROSS JOIN LATERAL (
    SELECT its.health,
           count(*) AS count
    FROM workspace_apps AS its
    WHERE its.agent_id = ANY(($4::uuid[])[part.first:part.last])
    GROUP BY its.health
) AS app
GROUP BY part.number, app.health
