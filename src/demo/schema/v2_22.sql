-- v2.22: an agent may be the child of another, such as a dev container's of its workspace's.

ALTER TABLE workspace_agents
    ADD COLUMN parent_id uuid REFERENCES workspace_agents ON DELETE CASCADE;

UPDATE schema_migrations SET version = 325;
