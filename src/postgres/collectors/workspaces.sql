-- How the jobs of these builds went and which provisioner daemon ran them.
--   $1: ids of the jobs, sorted.
-- By the primary key for each, as OFFSET 0 makes it. A job that is gone has no row.
SELECT asked.place::int4 AS place,
       job.worker_id AS worker, -- since provisioner_jobs.worker_id
       job.completed_at IS NOT NULL AS is_finished, -- since provisioner_jobs.completed_at
       -- until provisioner_jobs.completed_at: false AS is_finished,
       job.job_status::text AS job_status
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (job_id, place)
CROSS JOIN LATERAL (
    SELECT its.job_status,
           its.worker_id, -- since provisioner_jobs.worker_id
           its.completed_at, -- since provisioner_jobs.completed_at
           its.id
    FROM provisioner_jobs AS its
    WHERE its.id = asked.job_id
    OFFSET 0 -- by index provisioner_jobs.id
) AS job
