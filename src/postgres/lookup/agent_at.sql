-- One agent by its primary key, whatever build it belongs to.
--   $1: its id.
SELECT agent.id,
       agent.name::text::varchar(257) AS name,
       agent.version::text::varchar(65) AS version,
       workspace.id AS workspace_id,
       workspace.name::text::varchar(257) AS workspace,
       owner.username::text::varchar(257) AS owner,
       organization.name::text::varchar(257) AS organization,
       template.name::text::varchar(257) AS template,
       template_version.name::text::varchar(257) AS template_version,
       agent.parent_id IS NOT NULL AS is_sub, -- since workspace_agents.parent_id
       -- until workspace_agents.parent_id: false AS is_sub,
       resource.type::text::varchar(257) AS resource_type,
       workspace.owner_id,
       build.transition::text AS transition,
       agent.lifecycle_state::text AS lifecycle_state,
       agent.created_at,
       agent.first_connected_at,
       agent.last_connected_at,
       agent.disconnected_at,
       agent.started_at,
       agent.ready_at,
       agent.connection_timeout_seconds
FROM workspace_agents AS agent
LEFT JOIN workspace_resources AS resource ON resource.id = agent.resource_id
LEFT JOIN workspace_builds AS build ON build.job_id = resource.job_id
LEFT JOIN workspaces AS workspace ON workspace.id = build.workspace_id
LEFT JOIN users AS owner ON owner.id = workspace.owner_id
LEFT JOIN organizations AS organization ON organization.id = workspace.organization_id
LEFT JOIN templates AS template ON template.id = workspace.template_id
LEFT JOIN template_versions AS template_version ON template_version.id = build.template_version_id
WHERE agent.id = $1
  AND agent.deleted IS NOT TRUE -- since workspace_agents.deleted
