-- The resources that these builds made.
--   $1: ids of the builds' jobs, sorted.
-- OFFSET 0 is what the planner does not look through: by the index for each job.
SELECT asked.place::int4 AS place,
       resource.id,
       resource.type::text::varchar(257) AS resource_type
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (job_id, place)
CROSS JOIN LATERAL (
    SELECT its.id, its.type
    FROM workspace_resources AS its
    WHERE its.job_id = asked.job_id
    OFFSET 0 -- by index workspace_resources.job_id
) AS resource
