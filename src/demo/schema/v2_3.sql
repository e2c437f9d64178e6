-- The tables of a Coder of about v2.3, as far as this exporter and its demo care: our own
-- words for the shape of docs/spec/coder-schema.md. Names, types, defaults, keys and indexes are
-- Coder's; most columns we never touch are left out. Some that are secret are there, so that
-- least privilege has something to withhold: auth_token, environment_variables, provisioner_state,
-- email, hashed_password. Those have defaults here, Coder's have none.

CREATE TYPE workspace_transition AS ENUM ('start', 'stop', 'delete');
CREATE TYPE build_reason AS ENUM ('initiator', 'autostart', 'autostop');
CREATE TYPE workspace_app_health AS ENUM ('disabled', 'initializing', 'healthy', 'unhealthy');
CREATE TYPE provisioner_job_status AS ENUM (
    'pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed', 'unknown'
);
CREATE TYPE workspace_agent_lifecycle_state AS ENUM (
    'created', 'starting', 'start_timeout', 'start_error', 'ready',
    'shutting_down', 'shutdown_timeout', 'shutdown_error', 'off'
);

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX organizations_name_lower ON organizations (lower(name));

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL DEFAULT 'nobody@example.com',
    username text NOT NULL DEFAULT '',
    hashed_password bytea NOT NULL DEFAULT '\x5ec2e7',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX users_username_lower ON users (lower(username)) WHERE NOT deleted;

CREATE TABLE templates (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name varchar(64) NOT NULL,
    display_name varchar(64) NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted boolean NOT NULL DEFAULT false,
    -- Nanoseconds without use until a workspace becomes dormant; 0 is never.
    time_til_dormant bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX templates_organization_name
    ON templates (organization_id, lower(name)) WHERE NOT deleted;

CREATE TABLE template_versions (
    id uuid PRIMARY KEY,
    template_id uuid REFERENCES templates ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name varchar(64) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (template_id, name)
);

CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES users ON DELETE RESTRICT,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE RESTRICT,
    template_id uuid NOT NULL REFERENCES templates ON DELETE RESTRICT,
    deleted boolean NOT NULL DEFAULT false,
    name varchar(64) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- The year 1 is never.
    last_used_at timestamptz NOT NULL DEFAULT '0001-01-01 00:00:00+00'
);
CREATE UNIQUE INDEX workspaces_owner_name
    ON workspaces (owner_id, lower(name)) WHERE NOT deleted;

CREATE TABLE provisioner_jobs (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    canceled_at timestamptz,
    completed_at timestamptz,
    error text,
    -- The daemon that works on it.
    worker_id uuid,
    tags jsonb NOT NULL DEFAULT '{"scope": "organization"}',
    -- How far a job is follows from what has been written about it, and is never set.
    job_status provisioner_job_status NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN coalesce(error, '') <> '' THEN 'failed'::provisioner_job_status
            WHEN canceled_at IS NOT NULL AND completed_at IS NOT NULL THEN 'canceled'
            WHEN canceled_at IS NOT NULL THEN 'canceling'
            WHEN completed_at IS NOT NULL THEN 'succeeded'
            WHEN started_at IS NOT NULL THEN 'running'
            ELSE 'pending'
        END
    ) STORED
);

CREATE TABLE workspace_builds (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    template_version_id uuid NOT NULL REFERENCES template_versions ON DELETE CASCADE,
    build_number integer NOT NULL,
    transition workspace_transition NOT NULL,
    job_id uuid NOT NULL UNIQUE REFERENCES provisioner_jobs ON DELETE CASCADE,
    provisioner_state bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    reason build_reason NOT NULL DEFAULT 'initiator',
    -- When Coder stops the workspace, unless it is used; the year 1 is never.
    deadline timestamptz NOT NULL DEFAULT '0001-01-01 00:00:00+00',
    UNIQUE (workspace_id, build_number)
);

CREATE TABLE workspace_resources (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES provisioner_jobs ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    transition workspace_transition NOT NULL DEFAULT 'start',
    type varchar(192) NOT NULL DEFAULT 'docker_container',
    name varchar(64) NOT NULL DEFAULT 'dev'
);
CREATE INDEX workspace_resources_job_id ON workspace_resources (job_id);

CREATE TABLE workspace_agents (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    name varchar(64) NOT NULL,
    first_connected_at timestamptz,
    last_connected_at timestamptz,
    disconnected_at timestamptz,
    resource_id uuid NOT NULL REFERENCES workspace_resources ON DELETE CASCADE,
    auth_token uuid NOT NULL DEFAULT gen_random_uuid(),
    environment_variables jsonb DEFAULT '{"GITHUB_TOKEN": "not for exporters"}',
    version text NOT NULL DEFAULT '',
    connection_timeout_seconds integer NOT NULL DEFAULT 0,
    troubleshooting_url text NOT NULL DEFAULT '',
    lifecycle_state workspace_agent_lifecycle_state NOT NULL DEFAULT 'created',
    started_at timestamptz,
    ready_at timestamptz,
    operating_system varchar(64) NOT NULL DEFAULT 'linux',
    architecture varchar(64) NOT NULL DEFAULT 'amd64',
    last_connected_replica_id uuid
);
CREATE INDEX workspace_agents_resource_id ON workspace_agents (resource_id);
CREATE INDEX workspace_agents_auth_token ON workspace_agents (auth_token);

CREATE TABLE workspace_apps (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    agent_id uuid NOT NULL REFERENCES workspace_agents ON DELETE CASCADE,
    slug text NOT NULL,
    display_name varchar(64) NOT NULL DEFAULT '',
    url varchar(65534),
    health workspace_app_health NOT NULL DEFAULT 'disabled',
    UNIQUE (agent_id, slug)
);

CREATE TABLE workspace_agent_scripts (
    workspace_agent_id uuid NOT NULL REFERENCES workspace_agents ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    script text NOT NULL DEFAULT '#!/bin/sh',
    run_on_start boolean NOT NULL DEFAULT true,
    run_on_stop boolean NOT NULL DEFAULT false,
    timeout_seconds integer NOT NULL DEFAULT 0
);
CREATE INDEX workspace_agent_scripts_workspace_agent_id
    ON workspace_agent_scripts (workspace_agent_id);

-- Session reports: each agent sends one every 30 seconds.
CREATE TABLE workspace_agent_stats (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL,
    user_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    template_id uuid NOT NULL,
    connections_by_proto jsonb NOT NULL DEFAULT '{}',
    connection_count bigint NOT NULL DEFAULT 0,
    connection_median_latency_ms double precision NOT NULL DEFAULT -1,
    session_count_vscode bigint NOT NULL DEFAULT 0,
    session_count_jetbrains bigint NOT NULL DEFAULT 0,
    session_count_reconnecting_pty bigint NOT NULL DEFAULT 0,
    session_count_ssh bigint NOT NULL DEFAULT 0
);
CREATE INDEX workspace_agent_stats_created_at ON workspace_agent_stats (created_at);
CREATE INDEX workspace_agent_stats_template_id_created_at_user_id
    ON workspace_agent_stats (template_id, created_at, user_id)
    INCLUDE (session_count_vscode, session_count_jetbrains, session_count_reconnecting_pty,
             session_count_ssh, connection_median_latency_ms)
    WHERE connection_count > 0;

-- What a template says of its resources, for people and at times for itself alone.
CREATE TABLE workspace_resource_metadata (
    workspace_resource_id uuid NOT NULL REFERENCES workspace_resources ON DELETE CASCADE,
    key varchar(1024) NOT NULL,
    value varchar(65536),
    sensitive boolean NOT NULL,
    id bigserial PRIMARY KEY,
    UNIQUE (workspace_resource_id, key)
);

CREATE TABLE provisioner_daemons (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    tags jsonb NOT NULL DEFAULT '{}'
);

-- A row for each start of a coderd or a workspace proxy, which it updates every five seconds.
CREATE TABLE replicas (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    hostname text NOT NULL DEFAULT 'coderd',
    region_id integer NOT NULL DEFAULT 0,
    relay_address text NOT NULL DEFAULT '',
    -- In microseconds.
    database_latency integer NOT NULL DEFAULT 0,
    version text NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    "primary" boolean NOT NULL DEFAULT true
);

-- One row: the last migration that ran. The numbers in this folder are only of about the
-- right size; nothing may depend on them.
CREATE TABLE schema_migrations (
    version bigint PRIMARY KEY,
    dirty boolean NOT NULL
);
INSERT INTO schema_migrations VALUES (160, false);
