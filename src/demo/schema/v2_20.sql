-- v2.20: an agent watches its memory and its volumes, where the template asks for it. Jobs have an
-- index by status.

CREATE TYPE workspace_agent_monitor_state AS ENUM ('OK', 'NOK');
CREATE TABLE workspace_agent_memory_resource_monitors (
    agent_id uuid PRIMARY KEY REFERENCES workspace_agents ON DELETE CASCADE,
    enabled boolean NOT NULL DEFAULT true,
    threshold integer NOT NULL DEFAULT 90,
    state workspace_agent_monitor_state NOT NULL DEFAULT 'OK'
);
CREATE TABLE workspace_agent_volume_resource_monitors (
    agent_id uuid NOT NULL REFERENCES workspace_agents ON DELETE CASCADE,
    path text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    threshold integer NOT NULL DEFAULT 90,
    state workspace_agent_monitor_state NOT NULL DEFAULT 'OK',
    PRIMARY KEY (agent_id, path)
);

CREATE INDEX provisioner_jobs_job_status ON provisioner_jobs (job_status);

UPDATE schema_migrations SET version = 298;
