-- Workspaces with the agents of their latest builds: a row for each agent, one without for a
-- workspace that has none.
--   $1: ids of workspaces.
-- The first nineteen columns are those of agents.sql.
SELECT agent.id,
       agent.name::text,
       agent.version,
       workspace.id,
       workspace.name::text,
       owner.username::text,
       organization.name::text,
       template.name::text,
       template_version.name::text,
       agent.parent_id IS NOT NULL, -- since workspace_agents.parent_id
       -- until workspace_agents.parent_id: false,
       build.transition::text,
       agent.lifecycle_state::text,
       agent.created_at,
       agent.first_connected_at,
       agent.last_connected_at,
       agent.disconnected_at,
       agent.started_at,
       agent.ready_at,
       agent.connection_timeout_seconds,
       agent.display_order, -- since workspace_agents.display_order
       -- until workspace_agents.display_order: 0,
       workspace.deleted,
       build.build_number,
       job.job_status::text,
       nullif(job.error, ''),
       agent.parent_id -- since workspace_agents.parent_id
       -- until workspace_agents.parent_id: NULL::uuid
FROM workspaces AS workspace
LEFT JOIN LATERAL (
    SELECT latest.build_number, latest.transition, latest.job_id, latest.template_version_id
    FROM workspace_builds AS latest
    WHERE latest.workspace_id = workspace.id
    ORDER BY latest.build_number DESC
    LIMIT 1
) AS build ON true
LEFT JOIN provisioner_jobs AS job ON job.id = build.job_id
LEFT JOIN LATERAL (
    SELECT its.id,
           its.name,
           its.version,
           its.parent_id, -- since workspace_agents.parent_id
           its.lifecycle_state,
           its.created_at,
           its.first_connected_at,
           its.last_connected_at,
           its.disconnected_at,
           its.started_at,
           its.ready_at,
           its.display_order, -- since workspace_agents.display_order
           its.connection_timeout_seconds
    FROM workspace_resources AS resource
    JOIN workspace_agents AS its ON its.resource_id = resource.id
    WHERE resource.job_id = build.job_id
      AND its.deleted IS NOT TRUE -- since workspace_agents.deleted
) AS agent ON true
LEFT JOIN users AS owner ON owner.id = workspace.owner_id
LEFT JOIN organizations AS organization ON organization.id = workspace.organization_id
LEFT JOIN templates AS template ON template.id = workspace.template_id
LEFT JOIN template_versions AS template_version ON template_version.id = build.template_version_id
WHERE workspace.id = ANY($1)
ORDER BY workspace.id
