-- A fleet as no Coder would make it: builds out of order and with gaps, several resources or none,
-- agents of agents, soft-deleted ones, every state and every silence, in old builds as in new ones.
--   $SEED: another fleet for each number between -1 and 1.
SELECT setseed($SEED);
TRUNCATE organizations, users, templates, template_versions, workspaces, provisioner_jobs,
    workspace_builds, workspace_resources, workspace_agents, real_table, chats CASCADE;
INSERT INTO users (id, username) SELECT gen_random_uuid(), 'user-' || it FROM generate_series(1, 5) AS it;
INSERT INTO users (id, username) VALUES ('c42fdf75-3097-471c-8c33-fb52454d81c0', 'prebuilds');
INSERT INTO organizations (id, name) SELECT gen_random_uuid(), 'org-' || it FROM generate_series(1, 3) AS it;
INSERT INTO templates (id, organization_id, name)
    SELECT gen_random_uuid(), id, 'template-' || it FROM organizations, generate_series(1, 2) AS it;
INSERT INTO template_versions (id, template_id, organization_id, name)
    SELECT gen_random_uuid(), id, organization_id, 'v1' FROM templates;
INSERT INTO workspaces (id, owner_id, organization_id, template_id, name, deleted)
    SELECT gen_random_uuid(), owner.id, template.organization_id, template.id, template.name || '-' || template.organization_id || '-' || it,
           random() < 0.15
    FROM users AS owner, templates AS template, generate_series(1, 3) AS it;
CREATE TEMP TABLE drawn AS
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS job_id, workspace.id AS workspace_id,
           workspace.organization_id, version.id AS version_id, number,
           (ARRAY['start', 'start', 'stop', 'delete'])[1 + floor(random() * 4)::integer] AS transition
    FROM workspaces AS workspace
    JOIN template_versions AS version USING (template_id), generate_series(1, 12) AS number
    WHERE random() < 0.4
    ORDER BY random();
INSERT INTO provisioner_jobs (id, organization_id, started_at, canceled_at, completed_at, error)
    SELECT job_id, organization_id,
           CASE WHEN random() < 0.9 THEN now() END, CASE WHEN random() < 0.1 THEN now() END,
           CASE WHEN random() < 0.8 THEN now() END, CASE WHEN random() < 0.1 THEN 'no' END
    FROM drawn;
INSERT INTO workspace_builds (id, workspace_id, template_version_id, build_number, transition, job_id)
    SELECT id, workspace_id, version_id, number, transition::workspace_transition, job_id FROM drawn;
INSERT INTO workspace_resources (id, job_id, type)
    SELECT gen_random_uuid(), job_id, (ARRAY['docker_container', 'coder_external_agent'])[1 + floor(random() * 2)::integer]
    FROM drawn, generate_series(1, 3) WHERE random() < 0.5;
INSERT INTO workspace_agents (
    id, resource_id, name, version, created_at, lifecycle_state, first_connected_at, last_connected_at,
    disconnected_at, started_at, ready_at, connection_timeout_seconds, deleted
)
    SELECT gen_random_uuid(), resource.id, 'main-' || it, 'v2.32.0', now() - random() * interval '20 min',
           (enum_range(NULL::workspace_agent_lifecycle_state))[1 + floor(random() * 9)::integer],
           CASE WHEN random() < 0.8 THEN now() - random() * interval '5 min' END,
           CASE WHEN random() < 0.9 THEN now() - random() * (ARRAY[interval '45 s', interval '10 min'])[1 + floor(random() * 2)::integer] END,
           CASE WHEN random() < 0.3 THEN now() - random() * (ARRAY[interval '45 s', interval '10 min'])[1 + floor(random() * 2)::integer] END,
           CASE WHEN random() < 0.5 THEN now() - random() * interval '1 h' END,
           CASE WHEN random() < 0.5 THEN now() - random() * interval '1 h' END,
           floor(random() * 3)::integer * 300, random() < 0.15
    FROM workspace_resources AS resource, generate_series(1, 2) AS it
    WHERE random() < 0.6;
UPDATE workspace_agents AS sub SET parent_id = parent.id
    FROM workspace_agents AS parent
    WHERE parent.resource_id = sub.resource_id AND parent.name < sub.name AND random() < 0.5;
INSERT INTO real_table (id, agent_id, slug, display_name, health)
    SELECT gen_random_uuid(), agent.id, 'app-' || it, 'App',
           (enum_range(NULL::workspace_app_health))[1 + floor(random() * 4)::integer]
    FROM workspace_agents AS agent, generate_series(1, 4) AS it
    WHERE random() < 0.5;
DROP TABLE drawn;
