-- After v2.35: sessions are counted by application, in one jsonb.

ALTER TABLE workspace_agent_stats ADD COLUMN session_counts jsonb NOT NULL DEFAULT '{}';
ALTER TABLE workspace_agent_stats
    DROP COLUMN session_count_vscode,
    DROP COLUMN session_count_jetbrains,
    DROP COLUMN session_count_reconnecting_pty,
    DROP COLUMN session_count_ssh;
-- Dropping a column drops each index that includes it.
CREATE INDEX workspace_agent_stats_template_id_created_at_user_id
    ON workspace_agent_stats (template_id, created_at, user_id)
    INCLUDE (session_counts, connection_median_latency_ms)
    WHERE connection_count > 0;

UPDATE schema_migrations SET version = 500;
