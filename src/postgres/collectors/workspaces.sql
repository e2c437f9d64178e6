-- How the jobs of the latest builds went and which provisioner daemon ran them, counted by sort of
-- build; with the places in the arrays of those that a known daemon ran, and the creation of the
-- oldest.
--   $1: job ids of the latest builds just read, sorted; $2: the number of each one's sort.
-- A job that is gone counts all the same, without a status.
SELECT latest.sort,
       job.job_status::text AS job_status,
       job.worker_id AS worker, -- since provisioner_jobs.worker_id
       array_agg(latest.place::int4) FILTER (WHERE job.worker_id IS NOT NULL) AS places, -- since provisioner_jobs.worker_id
       min(job.created_at) AS oldest, -- since provisioner_jobs.created_at
       count(*) AS count
FROM unnest($1::uuid[], $2::int4[]) WITH ORDINALITY AS latest (job_id, sort, place)
LEFT JOIN LATERAL (
    SELECT its.job_status,
           its.worker_id, -- since provisioner_jobs.worker_id
           its.created_at, -- since provisioner_jobs.created_at
           its.id
    FROM provisioner_jobs AS its
    WHERE its.id = latest.job_id
    OFFSET 0
) AS job ON true
GROUP BY latest.sort, job.job_status
    , job.worker_id -- since provisioner_jobs.worker_id
