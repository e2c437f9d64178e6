-- How a workspace is used: when it was last used, the autostop deadline of its latest build, and of
-- each agent of that build the newest session report of the last three minutes with connections. A
-- row for each kind of open session in a report, one without for a report that has none, and one row
-- at least.
--   $1: id of the workspace.
--
-- The reports are read through Coder's own partial index, as in activity.sql. Coder stores "no
-- deadline" and "never used" as the first of January of the year 1.
SELECT workspace.last_used_at, -- since workspaces.last_used_at
       -- until workspaces.last_used_at: SELECT NULL::timestamptz AS last_used_at,
       build.build_number,
       build.deadline,
       (
           SELECT max(every.created_at)
           FROM workspace_agent_stats AS every
           WHERE every.created_at < now() + interval '1 day'
       ) AS newest_report,
       report.agent_id,
       report.created_at AS reported_at,
       report.connection_count,
       session.session_kind,
       session.session_count
FROM workspaces AS workspace
LEFT JOIN LATERAL (
    SELECT latest.build_number, latest.deadline, latest.job_id
    FROM workspace_builds AS latest
    WHERE latest.workspace_id = workspace.id
    ORDER BY latest.build_number DESC
    LIMIT 1
) AS build ON true
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (every.agent_id)
           every.agent_id,
           every.created_at,
           every.connection_count,
           every.session_counts -- since workspace_agent_stats.session_counts
           -- until workspace_agent_stats.session_counts: jsonb_build_object('vscode', every.session_count_vscode, 'jetbrains', every.session_count_jetbrains, 'reconnecting_pty', every.session_count_reconnecting_pty, 'ssh', every.session_count_ssh) AS session_counts
    FROM workspace_agent_stats AS every
    WHERE every.template_id = workspace.template_id
      AND every.connection_count > 0
      AND (every.template_id, every.created_at)
          >= (workspace.template_id, now() - interval '180 seconds')
      AND (every.template_id, every.created_at)
          < (workspace.template_id, now() + interval '1 day')
      AND every.agent_id IN (
          SELECT agent.id
          FROM workspace_resources AS resource
          JOIN workspace_agents AS agent ON agent.resource_id = resource.id
          WHERE resource.job_id = build.job_id
      )
    ORDER BY every.agent_id, every.created_at DESC
    LIMIT 100
) AS report ON true
LEFT JOIN LATERAL (
    SELECT its.kind::text::varchar(257) AS session_kind,
           least((its.open)::numeric, 1000000)::bigint AS session_count
    FROM jsonb_each(
        CASE jsonb_typeof(report.session_counts) WHEN 'object' THEN report.session_counts END
    ) AS its (kind, open)
    WHERE jsonb_typeof(its.open) = 'number' AND its.open > '0'::jsonb
    ORDER BY its.kind
    LIMIT 20
) AS session ON true
WHERE workspace.id = $1
