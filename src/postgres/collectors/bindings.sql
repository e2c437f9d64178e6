-- Chats that are not archived, of workspaces that are not deleted, counted by scope and by what
-- they are bound to (docs/spec/metrics.md, coder_chat_bindings). Asked only where chats.agent_id
-- exists, which is later than every column of agents. OFFSET 0: by the index for each chat, where
-- the planner would hash all agents there have ever been.
SELECT left(organization.name::text, 257) AS organization,
       left(template.name::text, 257) AS template,
       chat.agent_id IS NULL AS unbound,
       chat.has_agent,
       chat.is_current,
       chat.is_used,
       count(*) AS count
FROM (
    SELECT workspace.organization_id,
           workspace.template_id,
           chat.agent_id,
           EXISTS (
               SELECT
               FROM workspace_resources AS resource
               JOIN workspace_agents AS agent ON agent.resource_id = resource.id
               WHERE resource.job_id = build.job_id
                 AND agent.parent_id IS NULL
                 AND agent.deleted IS NOT TRUE
               OFFSET 0
           ) AS has_agent,
           EXISTS (
               SELECT
               FROM workspace_agents AS agent
               JOIN workspace_resources AS resource ON resource.id = agent.resource_id
               WHERE agent.id = chat.agent_id
                 AND resource.job_id = build.job_id
                 AND agent.deleted IS NOT TRUE
               OFFSET 0
           ) AS is_current,
           chat.updated_at > build.created_at AS is_used -- since chats.updated_at
           -- until chats.updated_at: NULL::boolean AS is_used
    FROM chats AS chat
    JOIN workspaces AS workspace ON workspace.id = chat.workspace_id
    LEFT JOIN LATERAL (
        SELECT latest.job_id, latest.created_at
        FROM workspace_builds AS latest
        WHERE latest.workspace_id = workspace.id
        ORDER BY latest.build_number DESC
        LIMIT 1
    ) AS build ON true
    WHERE chat.archived IS NOT TRUE
      AND workspace.deleted IS NOT TRUE
) AS chat
LEFT JOIN organizations AS organization ON organization.id = chat.organization_id
LEFT JOIN templates AS template ON template.id = chat.template_id
GROUP BY 1, 2, 3, 4, 5, 6
