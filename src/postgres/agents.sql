-- The population (SPEC 1.2): agents of the latest build of every workspace that is not
-- deleted. A row for each agent, whatever the names it refers to: those are outer joins.
--
-- This is the statement for the newest Coder. A line that ends in "-- since table.column" is
-- left out where that column does not exist, and the rest of a "-- until table.column: ..."
-- line is put in its place.
SELECT agent.id,
       agent.name::text,
       workspace.name::text,
       owner.username::text,
       organization.name::text,
       template.name::text,
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
       agent.connection_timeout_seconds
FROM workspaces AS workspace
JOIN workspace_builds AS build ON build.workspace_id = workspace.id
JOIN workspace_resources AS resource ON resource.job_id = build.job_id
JOIN workspace_agents AS agent ON agent.resource_id = resource.id
LEFT JOIN users AS owner ON owner.id = workspace.owner_id
LEFT JOIN organizations AS organization ON organization.id = workspace.organization_id
LEFT JOIN templates AS template ON template.id = workspace.template_id
-- IS NOT TRUE: a NULL where Coder allows none would hide the agent under NOT.
WHERE workspace.deleted IS NOT TRUE
  AND agent.deleted IS NOT TRUE -- since workspace_agents.deleted
  -- The latest build is the one with no greater number: neither time nor insertion order
  -- tells, and asked this way the unique index answers without sorting the old builds.
  AND NOT EXISTS (
      SELECT FROM workspace_builds AS later
      WHERE later.workspace_id = build.workspace_id
        AND later.build_number > build.build_number
  )
