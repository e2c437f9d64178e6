-- Session reports (docs/spec/coder-schema.md, workspace_agent_stats): the agents with connections in
-- a report of the last three minutes, whether one of these shows an open session of a person, and
-- the newest of the last minute that does. One row at least, so that the moment and the newest
-- report of all are known when no agent is in use.
--
-- Template by template, through Coder's own partial index on (template_id, created_at, ...) WHERE
-- connection_count > 0: the cost follows the use of the last minute and not the size of the table.
-- The rows are compared by template and time together, since an index on created_at alone could
-- be used for the time alone: that reads the reports without connections as well, and those of all
-- templates for each. OFFSET 0 keeps the planner from turning the loop into a join.
--
-- A row dated more than a day ahead is the slip of a clock and says nothing.
SELECT now() AS moment,
       (
           SELECT max(every.created_at)
           FROM workspace_agent_stats AS every
           WHERE every.created_at < now() + interval '1 day'
       ) AS newest_report,
       report.agent_id,
       max(report.created_at) FILTER (
           WHERE report.has_session AND report.created_at >= now() - interval '60 seconds'
       ) AS session_reported_at,
       bool_or(report.has_session) AS has_session
FROM (SELECT) AS one_row
LEFT JOIN (
    SELECT its.agent_id, its.created_at, its.has_session
    FROM templates AS template
    CROSS JOIN LATERAL (
        SELECT every.agent_id,
               every.created_at,
               jsonb_path_exists(every.session_counts, '$.* ? (@ > 0)', '{}', true) AS has_session -- since workspace_agent_stats.session_counts
               -- until workspace_agent_stats.session_counts: every.session_count_vscode + every.session_count_jetbrains + every.session_count_reconnecting_pty + every.session_count_ssh > 0 AS has_session
        FROM workspace_agent_stats AS every
        WHERE every.template_id = template.id
          AND every.connection_count > 0
          AND (every.template_id, every.created_at)
              >= (template.id, now() - interval '180 seconds')
          AND (every.template_id, every.created_at)
              < (template.id, now() + interval '1 day')
        OFFSET 0
    ) AS its
) AS report ON true
GROUP BY report.agent_id
