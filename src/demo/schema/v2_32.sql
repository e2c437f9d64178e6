-- v2.32: a chat remembers the agent it talks to.

ALTER TABLE chats ADD COLUMN agent_id uuid REFERENCES workspace_agents ON DELETE SET NULL;

UPDATE schema_migrations SET version = 440;
