-- Provisioner daemons, a row each, and the jobs that have not ended, by organization, tags and
-- status.
SELECT true AS is_daemon,
       daemon.id,
       daemon.name::text::varchar(257) AS name,
       organization.name::text::varchar(257) AS organization,
       daemon.tags::text::varchar(4097) AS tags,
       daemon.last_seen_at AS moment,
       daemon.id IN (
           SELECT job.worker_id
           FROM provisioner_jobs AS job
           WHERE job.job_status = 'running' AND job.worker_id IS NOT NULL
       ) AS is_running,
       1::bigint AS count
FROM provisioner_daemons AS daemon
LEFT JOIN organizations AS organization ON organization.id = daemon.organization_id -- since provisioner_daemons.organization_id
-- until provisioner_daemons.organization_id: LEFT JOIN (SELECT its.name FROM organizations AS its ORDER BY its.id LIMIT 1) AS organization ON true
UNION ALL
SELECT false,
       NULL,
       NULL,
       organization.name::text::varchar(257),
       job.tags::text::varchar(4097),
       min(job.created_at),
       job.job_status = 'running',
       count(*)
FROM provisioner_jobs AS job
LEFT JOIN organizations AS organization ON organization.id = job.organization_id
WHERE job.job_status IN ('pending', 'running')
GROUP BY organization.name, job.tags::text, job.job_status
