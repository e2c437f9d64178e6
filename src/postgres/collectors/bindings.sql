-- Chats that are not archived, by their workspace and the agent they are bound to
-- (docs/spec/metrics.md, coder_chat_bindings). What that agent is to the workspace follows from the
-- agents that were read. Asked only where chats.agent_id exists.
SELECT chat.workspace_id,
       chat.agent_id,
       count(*) AS count
FROM chats AS chat
WHERE chat.archived IS NOT TRUE
  AND chat.workspace_id IS NOT NULL
GROUP BY chat.workspace_id, chat.agent_id
