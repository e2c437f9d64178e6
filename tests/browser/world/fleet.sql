-- Makes the rows of the agents in `told`: a workspace each, with one build that succeeded.
-- Ids follow from names, so that each run has the same.

CREATE TEMP TABLE made AS SELECT *,
    md5('organization ' || organization)::uuid AS organization_id,
    md5('owner ' || owner)::uuid AS owner_id,
    md5('template ' || organization || '/' || template)::uuid AS template_id,
    md5('workspace ' || number)::uuid AS workspace_id,
    md5('job ' || number)::uuid AS job_id,
    md5('agent ' || number)::uuid AS agent_id,
    now() - make_interval(secs => ago) AS moment
FROM told;

INSERT INTO organizations (id, name) SELECT DISTINCT organization_id, organization FROM made;
INSERT INTO users (id, username) SELECT DISTINCT owner_id, owner FROM made;
INSERT INTO templates (id, organization_id, name)
SELECT DISTINCT template_id, organization_id, template FROM made;
INSERT INTO template_versions (id, template_id, organization_id, name)
SELECT DISTINCT template_id, template_id, organization_id, 'v1' FROM made;
INSERT INTO workspaces (id, owner_id, organization_id, template_id, name)
SELECT workspace_id, owner_id, organization_id, template_id, workspace FROM made;
INSERT INTO provisioner_jobs (id, organization_id, started_at, completed_at)
SELECT job_id, organization_id, now(), now() FROM made;
INSERT INTO workspace_builds (id, workspace_id, template_version_id, build_number, transition, job_id)
SELECT job_id, workspace_id, template_id, 1, 'start', job_id FROM made;
INSERT INTO workspace_resources (id, job_id) SELECT job_id, job_id FROM made;

INSERT INTO workspace_agents (id, resource_id, name, version, lifecycle_state, created_at,
    connection_timeout_seconds, first_connected_at, last_connected_at, disconnected_at,
    started_at, ready_at)
SELECT agent_id, job_id, agent, 'v2.35.1',
    CASE health
        WHEN 'start_error' THEN 'start_error'
        WHEN 'stuck_starting' THEN 'starting'
        WHEN 'starting' THEN 'starting'
        WHEN 'shutdown' THEN 'off'
        WHEN 'terminated' THEN 'off'
        WHEN 'healthy' THEN 'ready'
        WHEN 'disconnected' THEN 'ready'
        ELSE 'created'
    END::workspace_agent_lifecycle_state,
    CASE WHEN connects THEN moment - interval '1 hour'
        WHEN health = 'connect_timeout' THEN moment - interval '120 s'
        ELSE moment
    END,
    CASE health WHEN 'connect_timeout' THEN 120 ELSE 0 END,
    CASE WHEN health = 'stuck_created' THEN moment WHEN connects THEN moment - interval '1 hour' END,
    CASE WHEN health IN ('disconnected', 'terminated') THEN moment WHEN connects THEN now() END,
    CASE WHEN health IN ('disconnected', 'terminated') THEN moment END,
    CASE WHEN reports THEN moment END,
    CASE WHEN reports AND health NOT IN ('stuck_starting', 'starting') THEN moment END
FROM made,
    LATERAL (SELECT
        health NOT IN ('connecting', 'stuck_connecting', 'connect_timeout') AS connects,
        health NOT IN ('connecting', 'stuck_connecting', 'connect_timeout', 'stuck_created') AS reports
    ) AS it;
