-- When the jobs were created, taken up and done that built the agents which have just started.
--   $1: ids of these agents; $2: the resource of each one.
SELECT asked.agent_id, job.created_at, job.started_at, job.completed_at
FROM unnest($1::uuid[], $2::uuid[]) AS asked (agent_id, resource_id)
JOIN workspace_resources AS resource ON resource.id = asked.resource_id
CROSS JOIN LATERAL (
    SELECT its.created_at, its.started_at, its.completed_at
    FROM provisioner_jobs AS its
    WHERE its.id = resource.job_id
    OFFSET 0 -- by index provisioner_jobs.id
) AS job
