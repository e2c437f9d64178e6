-- Workspaces that are not deleted, counted by scope and by what became of their latest build.
SELECT organization.name::text,
       template.name::text,
       latest.transition::text,
       latest.job_status::text,
       latest.has_agent,
       count(*)
FROM (
    SELECT workspace.organization_id,
           workspace.template_id,
           build.transition,
           job.job_status,
           EXISTS (
               SELECT
               FROM workspace_resources AS resource
               JOIN workspace_agents AS agent ON agent.resource_id = resource.id
               WHERE resource.job_id = build.job_id
                 AND agent.parent_id IS NULL -- since workspace_agents.parent_id
                 AND agent.deleted IS NOT TRUE -- since workspace_agents.deleted
           ) AS has_agent
    FROM workspaces AS workspace
    JOIN workspace_builds AS build ON build.workspace_id = workspace.id
    LEFT JOIN provisioner_jobs AS job ON job.id = build.job_id
    WHERE workspace.deleted IS NOT TRUE
      AND NOT EXISTS (
          SELECT FROM workspace_builds AS later
          WHERE later.workspace_id = build.workspace_id
            AND later.build_number > build.build_number
      )
) AS latest
LEFT JOIN organizations AS organization ON organization.id = latest.organization_id
LEFT JOIN templates AS template ON template.id = latest.template_id
GROUP BY 1, 2, 3, 4, 5
