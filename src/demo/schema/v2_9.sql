-- v2.9: a template may say in which order its agents are shown, and a provisioner daemon belongs to
-- an organization. It gives signs of life since v2.5.

ALTER TABLE workspace_agents ADD COLUMN display_order integer NOT NULL DEFAULT 0;

ALTER TABLE provisioner_daemons ADD COLUMN last_seen_at timestamptz;
ALTER TABLE provisioner_daemons ADD COLUMN version text NOT NULL DEFAULT '';
ALTER TABLE provisioner_daemons ADD COLUMN organization_id uuid
    REFERENCES organizations ON DELETE CASCADE;

UPDATE schema_migrations SET version = 190;
