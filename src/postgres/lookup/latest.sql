-- Workspaces with the agents of their latest builds: a row for each agent, one without for a
-- workspace that has none.
--   $1: ids of workspaces.
SELECT agent.*,
       workspace.id AS workspace_id,
       workspace.name::text::varchar(257) AS workspace,
       workspace.deleted,
       workspace.owner_id,
       owner.username::text::varchar(257) AS owner,
       organization.name::text::varchar(257) AS organization,
       template.name::text::varchar(257) AS template,
       template_version.name::text::varchar(257) AS template_version,
       build.build_number,
       build.transition::text AS transition,
       job.job_status::text AS job_status,
       nullif(job.error, '')::text::varchar(2049) AS job_error
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
           its.name::text::varchar(257) AS name,
           its.version::text::varchar(65) AS version,
           its.parent_id IS NOT NULL AS is_sub, -- since workspace_agents.parent_id
           -- until workspace_agents.parent_id: false AS is_sub,
           resource.type::text::varchar(257) AS resource_type,
           its.parent_id, -- since workspace_agents.parent_id
           -- until workspace_agents.parent_id: NULL::uuid AS parent_id,
           its.lifecycle_state::text AS lifecycle_state,
           its.created_at,
           its.first_connected_at,
           its.last_connected_at,
           its.disconnected_at,
           its.started_at,
           its.ready_at,
           its.display_order, -- since workspace_agents.display_order
           -- until workspace_agents.display_order: 0 AS display_order,
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
