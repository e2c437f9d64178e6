-- v2.24: agents are deleted softly. Chats came between v2.24 and v2.32, at first bound to a
-- build only; having them here gives the tests a table without the column that counts.

ALTER TABLE workspace_agents ADD COLUMN deleted boolean NOT NULL DEFAULT false;

CREATE TABLE chats (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    workspace_id uuid REFERENCES workspaces ON DELETE SET NULL,
    build_id uuid REFERENCES workspace_builds ON DELETE SET NULL,
    title text NOT NULL DEFAULT 'New chat',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    archived boolean NOT NULL DEFAULT false
);
CREATE INDEX chats_workspace_id ON chats (workspace_id);

UPDATE schema_migrations SET version = 350;
