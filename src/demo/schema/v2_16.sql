-- v2.16: scripts have ids and names, and Coder keeps how long each ran and how it ended. It writes
-- a timing when the script ends.

ALTER TABLE workspace_agent_scripts
    ADD COLUMN id uuid UNIQUE NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN display_name text NOT NULL DEFAULT '';

CREATE TYPE workspace_agent_script_timing_stage AS ENUM ('start', 'stop', 'cron');
CREATE TYPE workspace_agent_script_timing_status AS ENUM (
    'ok', 'exit_failure', 'timed_out', 'pipes_left_open'
);
CREATE TABLE workspace_agent_script_timings (
    script_id uuid NOT NULL REFERENCES workspace_agent_scripts (id) ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    exit_code integer NOT NULL,
    stage workspace_agent_script_timing_stage NOT NULL,
    status workspace_agent_script_timing_status NOT NULL,
    UNIQUE (script_id, started_at)
);

UPDATE schema_migrations SET version = 262;
