-- Which of these agents, which have never connected, have an agent of the same name in an earlier
-- build that was heard after their rows were made (docs/spec/causes.md)? Its process runs on, with
-- the token of its own row.
--   $1: ids of the agents.
SELECT waiting.id
FROM workspace_agents AS waiting
JOIN workspace_resources AS resource ON resource.id = waiting.resource_id
JOIN workspace_builds AS build ON build.job_id = resource.job_id
WHERE waiting.id = ANY($1)
  AND EXISTS (
      SELECT
      FROM workspace_builds AS earlier_build
      JOIN workspace_resources AS earlier_resource ON earlier_resource.job_id = earlier_build.job_id
      JOIN workspace_agents AS earlier ON earlier.resource_id = earlier_resource.id
      WHERE earlier_build.workspace_id = build.workspace_id
        AND earlier_build.build_number < build.build_number
        AND earlier.name = waiting.name
        AND earlier.last_connected_at > waiting.created_at
  )
