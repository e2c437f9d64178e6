-- v2.9: a template may say in which order its agents are shown.

ALTER TABLE workspace_agents ADD COLUMN display_order integer NOT NULL DEFAULT 0;

UPDATE schema_migrations SET version = 190;
