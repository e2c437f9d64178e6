-- The last builds of a workspace that have agents, with how far each agent got: a row for each
-- agent, the newest build first. Agents that are soft-deleted by now count, too: this is about
-- what was.
--   $1: the workspace's id.
SELECT build.build_number,
       build.transition::text AS transition,
       job.job_status::text AS job_status,
       nullif(job.error, '')::text::varchar(2049) AS job_error,
       agent.id,
       agent.name::text::varchar(257) AS name,
       agent.lifecycle_state::text AS lifecycle_state,
       agent.created_at,
       agent.first_connected_at,
       agent.ready_at
FROM (
    SELECT recent.build_number, recent.transition, recent.job_id
    FROM workspace_builds AS recent
    WHERE recent.workspace_id = $1
      AND EXISTS (
          SELECT
          FROM workspace_resources AS its_resource
          JOIN workspace_agents AS its_agent ON its_agent.resource_id = its_resource.id
          WHERE its_resource.job_id = recent.job_id
      )
    ORDER BY recent.build_number DESC
    LIMIT 10
) AS build
JOIN workspace_resources AS resource ON resource.job_id = build.job_id
JOIN workspace_agents AS agent ON agent.resource_id = resource.id
LEFT JOIN provisioner_jobs AS job ON job.id = build.job_id
ORDER BY build.build_number DESC, lower(agent.name), agent.created_at, agent.id
-- A workspace has a handful of agents; one that has had very many sub-agents is shown in part.
LIMIT 500
