-- Which of these agents, stuck in created, sit in a workspace where an agent of the same name
-- reached ready in an earlier build (docs/spec/causes.md)?
--   $1: ids of the stuck agents.
-- ready_at is also written when a start ends badly; an agent that reached ready has it and did
-- not end in either of those states.
SELECT stuck.id
FROM workspace_agents AS stuck
JOIN workspace_resources AS resource ON resource.id = stuck.resource_id
JOIN workspace_builds AS build ON build.job_id = resource.job_id
WHERE stuck.id = ANY($1)
  AND stuck.started_at IS NULL
  AND stuck.ready_at IS NULL
  AND EXISTS (
      SELECT
      FROM workspace_builds AS earlier_build
      JOIN workspace_resources AS earlier_resource ON earlier_resource.job_id = earlier_build.job_id
      JOIN workspace_agents AS earlier ON earlier.resource_id = earlier_resource.id
      WHERE earlier_build.workspace_id = build.workspace_id
        AND earlier_build.build_number < build.build_number
        AND earlier.name = stuck.name
        AND (
            earlier.lifecycle_state::text = 'ready'
            OR earlier.ready_at IS NOT NULL
            AND earlier.lifecycle_state::text NOT IN ('start_error', 'start_timeout')
        )
  )
