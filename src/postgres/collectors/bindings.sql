-- Chats that are not archived, with their workspace and the agent they are bound to
-- (docs/spec/metrics.md, coder_chat_bindings). What that agent is to the workspace follows from the
-- agents that were read. Asked only where chats.agent_id exists.
SELECT chat.workspace_id,
       chat.agent_id,
       chat.updated_at -- since chats.updated_at
       -- until chats.updated_at: NULL::timestamptz AS updated_at
FROM chats AS chat
WHERE chat.archived IS NOT TRUE
  AND chat.workspace_id IS NOT NULL
