-- Which of these agents had a person in session when they were lost (docs/spec/incidents.md): an open
-- session in a report of the three minutes before. One row at least, so that the moment and the newest
-- report of all are known when none had.
--   $1: ids of agents, $2: of their workspaces, $3: when they were lost.
--
-- By template and time through Coder's own partial index, as in activity.sql: losses of one template
-- that lie within three minutes are looked up together, so the cost follows the sessions around them
-- and not the size of the table.
WITH lost AS MATERIALIZED (
    SELECT its.agent_id,
           its.lost_at,
           workspace.template_id,
           floor(extract(epoch FROM its.lost_at) / 180) AS slot
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS its (agent_id, workspace_id, lost_at)
    JOIN workspaces AS workspace ON workspace.id = its.workspace_id
),
span AS MATERIALIZED (
    SELECT every.template_id,
           min(every.lost_at) - interval '180 seconds' AS since,
           max(every.lost_at) AS until
    FROM lost AS every
    GROUP BY every.template_id, every.slot
)
SELECT now() AS moment,
       (
           SELECT max(every.created_at)
           FROM workspace_agent_stats AS every
           WHERE every.created_at < now() + interval '1 day'
       ) AS newest_report,
       cut.agent_id,
       cut.lost_at
FROM (SELECT) AS one_row
LEFT JOIN (
    SELECT DISTINCT lost.agent_id, lost.lost_at
    FROM span
    CROSS JOIN LATERAL (
        SELECT every.agent_id, every.created_at
        FROM workspace_agent_stats AS every
        WHERE every.template_id = span.template_id
          AND every.connection_count > 0
          AND (every.template_id, every.created_at) >= (span.template_id, span.since)
          AND (every.template_id, every.created_at) <= (span.template_id, span.until)
          AND jsonb_path_exists(every.session_counts, '$.* ? (@ > 0)', '{}', true) -- since workspace_agent_stats.session_counts
          -- until workspace_agent_stats.session_counts: AND every.session_count_vscode + every.session_count_jetbrains + every.session_count_reconnecting_pty + every.session_count_ssh > 0
        OFFSET 0
    ) AS report
    JOIN lost ON lost.agent_id = report.agent_id
             AND report.created_at >= lost.lost_at - interval '180 seconds'
             AND report.created_at <= lost.lost_at
) AS cut ON true
