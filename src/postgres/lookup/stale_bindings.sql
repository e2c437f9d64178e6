-- Workspaces with a chat that is bound to an agent which is not one of the latest build, and
-- that agent (docs/spec/metrics.md, coder_chat_bindings, state stale). Asked only where
-- chats.agent_id exists.
SELECT DISTINCT ON (workspace.id)
       workspace.id AS workspace_id,
       workspace.name::text::varchar(257) AS workspace,
       owner.username::text::varchar(257) AS owner,
       chat.agent_id,
       bound.name::text::varchar(257) AS agent
FROM chats AS chat
JOIN workspaces AS workspace ON workspace.id = chat.workspace_id
LEFT JOIN users AS owner ON owner.id = workspace.owner_id
LEFT JOIN workspace_agents AS bound ON bound.id = chat.agent_id
WHERE chat.archived IS NOT TRUE
  AND workspace.deleted IS NOT TRUE
  AND chat.agent_id IS NOT NULL
  AND NOT EXISTS (
      SELECT
      FROM workspace_agents AS agent
      JOIN workspace_resources AS resource ON resource.id = agent.resource_id
      WHERE agent.id = chat.agent_id
        AND agent.deleted IS NOT TRUE
        AND resource.job_id = (
            SELECT latest.job_id
            FROM workspace_builds AS latest
            WHERE latest.workspace_id = workspace.id
            ORDER BY latest.build_number DESC
            LIMIT 1
        )
  )
ORDER BY workspace.id, chat.agent_id
