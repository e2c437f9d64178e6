-- When the jobs were created, taken up and done that built the agents which have just started.
--   $1: ids of these agents; $2: the job of each one's build.
SELECT asked.agent_id, job.created_at, job.started_at, job.completed_at
FROM unnest($1::uuid[], $2::uuid[]) AS asked (agent_id, job_id)
CROSS JOIN LATERAL (
    SELECT its.created_at, its.started_at, its.completed_at
    FROM provisioner_jobs AS its
    WHERE its.id = asked.job_id
    OFFSET 0 -- by index provisioner_jobs.id
) AS job
