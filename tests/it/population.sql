-- The population (docs/spec/population-and-kind.md) in one statement, a line for each agent: written a
-- second time, without a thought for speed.
SELECT concat_ws(' ', agent.id, agent.name, workspace.name, owner.username, organization.name,
                 template.name, version.name, build.transition, agent.lifecycle_state)
FROM workspaces AS workspace
JOIN workspace_builds AS build ON build.workspace_id = workspace.id
JOIN workspace_resources AS resource ON resource.job_id = build.job_id
JOIN workspace_agents AS agent ON agent.resource_id = resource.id
JOIN users AS owner ON owner.id = workspace.owner_id
JOIN organizations AS organization ON organization.id = workspace.organization_id
JOIN templates AS template ON template.id = workspace.template_id
JOIN template_versions AS version ON version.id = build.template_version_id
WHERE NOT workspace.deleted
  AND NOT agent.deleted
  AND build.build_number = (
      SELECT max(every.build_number)
      FROM workspace_builds AS every
      WHERE every.workspace_id = workspace.id
  )
