-- How the jobs of the latest builds went, counted by sort of build.
--   $1: job ids of the latest builds just read, sorted; $2: the number of each one's sort.
-- A job that is gone counts all the same, without a status.
SELECT latest.sort,
       job.job_status::text AS job_status,
       count(*) AS count
FROM unnest($1::uuid[], $2::int4[]) AS latest (job_id, sort)
LEFT JOIN LATERAL (
    SELECT its.job_status
    FROM provisioner_jobs AS its
    WHERE its.id = latest.job_id
    OFFSET 0
) AS job ON true
GROUP BY latest.sort, job.job_status
