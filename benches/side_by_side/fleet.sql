-- A fleet of $LIVE running workspaces with one agent of four apps each and $BUILDS builds, and a
-- tenth as many that are stopped. Three builds of five are starts, which have an agent with its
-- apps; the last one of a running workspace is one. The same $SEED makes the same fleet.

-- Rows first, indexes after: a random key at a time they would take four times as long.
SET session_replication_role = replica;
BEGIN;
-- Tables that are new in a transaction need no log.
TRUNCATE organizations, users, templates, template_versions, workspaces, provisioner_jobs,
    workspace_builds, workspace_resources, workspace_agents, workspace_apps, chats CASCADE;
CREATE TEMP TABLE its_index AS
    SELECT indexrelid FROM pg_index
    WHERE indrelid::regclass::text IN (
        'workspaces', 'provisioner_jobs', 'workspace_builds', 'workspace_resources',
        'workspace_agents', 'workspace_apps', 'chats'
    );
UPDATE pg_index SET indisready = false FROM its_index WHERE its_index.indexrelid = pg_index.indexrelid;

CREATE FUNCTION key(kind text, number bigint, part bigint DEFAULT 0) RETURNS uuid
    LANGUAGE sql IMMUTABLE AS
    $$SELECT md5('$SEED/' || kind || '/' || number::text || '/' || part::text)::uuid$$;
-- Evenly spread over 0 to 999, told by the number alone.
CREATE FUNCTION dice(kind text, number bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$SELECT (hashtextextended(kind || number::text, $SEED) & 1048575)::integer % 1000$$;

INSERT INTO organizations (id, name)
    SELECT key('organization', it), 'organization-' || it FROM generate_series(0, 2) AS it;
INSERT INTO users (id, username)
    SELECT key('user', it), 'user-' || it FROM generate_series(0, $LIVE / 5) AS it;
INSERT INTO templates (id, organization_id, name)
    SELECT key('template', it), key('organization', it % 3), 'template-' || it
    FROM generate_series(0, 19) AS it;
INSERT INTO template_versions (id, template_id, organization_id, name)
    SELECT key('version', it, part), key('template', it), key('organization', it % 3), 'v' || part
    FROM generate_series(0, 19) AS it, generate_series(1, 3) AS part;

INSERT INTO workspaces (id, owner_id, organization_id, template_id, name)
    SELECT key('workspace', it), key('user', it / 5), key('organization', it % 20 % 3),
           key('template', it % 20), 'workspace-' || it
    FROM generate_series(0, $LIVE + $LIVE / 10 - 1) AS it;

-- The last build of the running ones is number $BUILDS, of the others one more, a stop. In the
-- order of time, as Coder writes: the next build of a workspace comes after those of all others.
CREATE TEMP TABLE made AS
    SELECT it AS workspace, build,
           CASE WHEN ($BUILDS - build) % 5 IN (0, 2, 4) THEN 'start' ELSE 'stop' END AS transition,
           build = $BUILDS AND it < $LIVE AS is_live
    FROM generate_series(0, $LIVE + $LIVE / 10 - 1) AS it,
         generate_series(1, $BUILDS + (it >= $LIVE)::integer) AS build
    ORDER BY build, key('order', it);
INSERT INTO provisioner_jobs (id, organization_id, started_at, completed_at, error)
    SELECT key('job', workspace, build), key('organization', workspace % 20 % 3),
           now() - interval '2 hours', now() - interval '119 minutes', ''
    FROM made;
INSERT INTO workspace_builds (id, workspace_id, template_version_id, build_number, transition, job_id)
    SELECT key('build', workspace, build), key('workspace', workspace),
           key('version', workspace % 20, 1 + dice('version', workspace) % 3), build,
           transition::workspace_transition, key('job', workspace, build)
    FROM made;
INSERT INTO workspace_resources (id, job_id)
    SELECT key('resource', workspace, build), key('job', workspace, build) FROM made;

-- Of a thousand agents 940 are well, 20 lost, 10 never connected, 10 stuck in created though
-- connected, 10 starting for too long, 10 shut down. Those of old builds are long gone.
INSERT INTO workspace_agents (
    id, resource_id, name, version, created_at, lifecycle_state,
    first_connected_at, last_connected_at, disconnected_at, started_at, ready_at,
    connection_timeout_seconds
)
    SELECT key('agent', workspace, build), key('resource', workspace, build), 'main', 'v2.32.0',
           now() - interval '2 hours',
           (CASE
               WHEN NOT is_live THEN 'off'
               WHEN luck < 960 THEN 'ready'
               WHEN luck < 980 THEN 'created'
               WHEN luck < 990 THEN 'starting'
               ELSE 'off'
           END)::workspace_agent_lifecycle_state,
           CASE WHEN NOT is_live OR luck NOT BETWEEN 960 AND 969 THEN now() - interval '118 minutes' END,
           CASE
               WHEN NOT is_live OR luck >= 990 THEN now() - interval '1 hour'
               WHEN luck BETWEEN 940 AND 959 THEN now() - interval '5 minutes'
               WHEN luck NOT BETWEEN 960 AND 969 THEN now() + interval '$AHEAD'
           END,
           CASE WHEN NOT is_live OR luck >= 990 THEN now() - interval '1 hour' + interval '1 second' END,
           CASE WHEN NOT is_live OR luck NOT BETWEEN 960 AND 979 THEN now() - interval '117 minutes' END,
           CASE WHEN NOT is_live OR luck NOT BETWEEN 960 AND 989 THEN now() - interval '116 minutes' END,
           120
    FROM (SELECT *, dice('agent', workspace) AS luck FROM made) AS made
    WHERE transition = 'start';
INSERT INTO workspace_apps (id, agent_id, slug, display_name, url, health)
    SELECT key('app', workspace, build * 4 + app), key('agent', workspace, build), 'app-' || app,
           'App ' || app, 'http://localhost:1333' || app,
           (CASE
               WHEN app = 0 THEN 'disabled'
               WHEN dice('app', workspace * 4 + app) < 980 THEN 'healthy'
               WHEN dice('app', workspace * 4 + app) < 990 THEN 'initializing'
               ELSE 'unhealthy'
           END)::workspace_app_health
    FROM (SELECT *, generate_series(0, 3) AS app FROM made WHERE transition = 'start') AS made;
-- A chat of every fifth workspace; of these, one in ten still talks to the agent before.
INSERT INTO chats (id, owner_id, workspace_id, agent_id)
    SELECT key('chat', it), key('user', it / 5), key('workspace', it),
           key('agent', it, $BUILDS - CASE WHEN it % 50 = 0 AND $BUILDS > 2 THEN 2 ELSE 0 END)
    FROM generate_series(0, $LIVE - 1, 5) AS it;

UPDATE pg_index SET indisready = true FROM its_index WHERE its_index.indexrelid = pg_index.indexrelid;
REINDEX TABLE workspaces;
REINDEX TABLE provisioner_jobs;
REINDEX TABLE workspace_builds;
REINDEX TABLE workspace_resources;
REINDEX TABLE workspace_agents;
REINDEX TABLE workspace_apps;
REINDEX TABLE chats;
COMMIT;
RESET session_replication_role;
DROP FUNCTION key, dice;
DROP TABLE made, its_index;
