-- How many running workspaces Coder would stop, or mark dormant, if they were not used: those
-- whose latest build has an autostop deadline, or whose template has a dormancy rule. Coder stores
-- "no deadline" as the first of January of the year 1.
SELECT count(*) AS count
FROM workspaces AS workspace
CROSS JOIN LATERAL (
    SELECT latest.job_id, latest.transition, latest.deadline
    FROM workspace_builds AS latest
    WHERE latest.workspace_id = workspace.id
    ORDER BY latest.build_number DESC
    LIMIT 1
) AS build
JOIN provisioner_jobs AS job ON job.id = build.job_id
LEFT JOIN templates AS template ON template.id = workspace.template_id
WHERE workspace.deleted IS NOT TRUE
  AND build.transition = 'start'
  AND job.job_status = 'succeeded'
  AND (build.deadline > 'epoch' OR template.time_til_dormant > 0)
