DO $role$
DECLARE
    reader constant text := 'coder_exporter';
    place constant text := 'public';
    granted record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
        EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT 5', reader);
        EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', reader);
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), reader);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, reader);
    -- A column that this Coder does not have is left out.
    FOR granted IN
        SELECT wanted.name AS table_name, string_agg(quote_ident(its.attname), ', ') AS columns
        FROM (VALUES
            ('chats', 'workspace_id, agent_id, archived, updated_at'),
            ('organizations', 'id, name'),
            ('provisioner_daemons', 'id, name, tags, last_seen_at, organization_id'),
            ('provisioner_jobs', 'id, job_status, worker_id, completed_at, created_at, organization_id, tags, started_at, error'),
            ('replicas', 'id, primary, updated_at, stopped_at, hostname, version, started_at, database_latency'),
            ('schema_migrations', 'version'),
            ('template_versions', 'id, name'),
            ('templates', 'id, name, time_til_dormant'),
            ('users', 'id, username'),
            ('workspace_agent_memory_resource_monitors', 'agent_id, state, enabled, threshold'),
            ('workspace_agent_script_timings', 'script_id, started_at, ended_at, exit_code, stage, status'),
            ('workspace_agent_scripts', 'id, workspace_agent_id, display_name, run_on_start'),
            ('workspace_agent_stats', 'agent_id, template_id, created_at, connection_count, session_count_vscode, session_count_jetbrains, session_count_reconnecting_pty, session_count_ssh, session_counts'),
            ('workspace_agent_volume_resource_monitors', 'agent_id, state, path, enabled, threshold'),
            ('workspace_agents', 'id, name, version, resource_id, lifecycle_state, created_at, first_connected_at, last_connected_at, disconnected_at, started_at, ready_at, connection_timeout_seconds, parent_id, deleted, last_connected_replica_id, operating_system, architecture, display_order, troubleshooting_url'),
            ('workspace_apps', 'agent_id, health, display_name'),
            ('workspace_build_orchestrations', 'workspace_id, status, child_transition'),
            ('workspace_builds', 'workspace_id, template_version_id, build_number, transition, job_id, created_at, deadline'),
            ('workspace_resources', 'id, job_id, type'),
            ('workspaces', 'id, name, owner_id, organization_id, template_id, deleted, last_used_at')
        ) AS wanted (name, columns)
        JOIN pg_attribute AS its
          ON its.attrelid = to_regclass(format('%I.%I', place, wanted.name))
         AND its.attname = ANY (string_to_array(wanted.columns, ', '))
         AND NOT its.attisdropped
        GROUP BY wanted.name
    LOOP
        EXECUTE format('GRANT SELECT (%s) ON %I.%I TO %I',
            granted.columns, place, granted.table_name, reader);
    END LOOP;
END
$role$;
