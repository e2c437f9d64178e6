//! The tables of Coder's schema that matter here (`docs/spec/coder-schema.md`), written by us.

/// A version of Coder's schema, named for the first Coder version that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// The oldest supported version: it has neither sub-agents nor soft deletion of agents.
    V2_3,
    /// Adds `workspace_agents.display_order`.
    V2_9,
    /// Has `workspace_agent_script_timings`.
    V2_16,
    /// Has the monitors of memory and volumes.
    V2_20,
    /// Adds `workspace_agents.parent_id`.
    V2_22,
    /// Adds `workspace_agents.deleted`, and chats without a bound agent.
    V2_24,
    /// Adds `chats.agent_id`.
    V2_32,
    /// Replaces the session columns by the jsonb column `workspace_agent_stats.session_counts`; not
    /// released yet.
    V2_36,
}

impl Era {
    /// All versions, oldest first.
    pub const ALL: [Self; 8] = [
        Self::V2_3,
        Self::V2_9,
        Self::V2_16,
        Self::V2_20,
        Self::V2_22,
        Self::V2_24,
        Self::V2_32,
        Self::V2_36,
    ];
    /// The schema of the newest released Coder.
    pub const NEWEST: Self = Self::V2_32;

    /// Whether agents can have sub-agents.
    #[must_use]
    pub fn has_sub_agents(self) -> bool {
        self >= Self::V2_22
    }

    /// Whether there are chats.
    #[must_use]
    pub fn has_chats(self) -> bool {
        self >= Self::V2_24
    }

    /// Whether Coder keeps prebuilt workspaces.
    #[must_use]
    pub fn has_prebuilds(self) -> bool {
        self >= Self::V2_24
    }

    /// Whether an agent may run outside Coder: since v2.26.
    #[must_use]
    pub fn has_external_agents(self) -> bool {
        self >= Self::V2_32
    }

    /// Whether a build that completes deletes the agents of earlier builds softly: since v2.34. Before,
    /// only sub-agents were deleted.
    #[must_use]
    pub fn deletes_earlier_agents(self) -> bool {
        self >= Self::V2_32
    }

    /// SQL that creates this schema in an empty database, as one batch.
    #[must_use]
    pub fn sql(self) -> String {
        let eras = Self::ALL.iter().filter(|era| **era <= self);
        eras.map(|era| era.migration()).collect()
    }

    /// SQL that migrates from the previous version to this one.
    #[must_use]
    pub fn migration(self) -> &'static str {
        match self {
            Self::V2_3 => include_str!("schema/v2_3.sql"),
            Self::V2_9 => include_str!("schema/v2_9.sql"),
            Self::V2_16 => include_str!("schema/v2_16.sql"),
            Self::V2_20 => include_str!("schema/v2_20.sql"),
            Self::V2_22 => include_str!("schema/v2_22.sql"),
            Self::V2_24 => include_str!("schema/v2_24.sql"),
            Self::V2_32 => include_str!("schema/v2_32.sql"),
            Self::V2_36 => include_str!("schema/v2_36.sql"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::testing::{cluster, connect, fresh_database};

    const HAS_COLUMNS: &str = "
        SELECT array(SELECT table_name || '.' || column_name
        FROM information_schema.columns
        WHERE (table_name, column_name) IN (
            ('provisioner_jobs', 'job_status'), ('workspace_agents', 'display_order'),
            ('workspace_agents', 'parent_id'), ('workspace_agents', 'deleted'), ('chats', 'agent_id'),
            ('chats', 'build_id'),
            ('workspace_agent_script_timings', 'script_id'),
            ('workspace_agent_memory_resource_monitors', 'state'), ('workspace_agent_stats', 'session_counts')) ORDER BY 1)";

    #[tokio::test]
    async fn each_era_has_the_columns_it_is_known_for_and_no_later_ones() {
        let known: [&[&str]; 8] = [
            &["provisioner_jobs.job_status"],
            &["workspace_agents.display_order"],
            &["workspace_agent_script_timings.script_id"],
            &["workspace_agent_memory_resource_monitors.state"],
            &["workspace_agents.parent_id"],
            &["workspace_agents.deleted", "chats.build_id"],
            &["chats.agent_id"],
            &["workspace_agent_stats.session_counts"],
        ];
        let cluster = cluster();
        for (index, era) in Era::ALL.into_iter().enumerate() {
            let client = fresh_database(&cluster, &format!("era_{index}")).await;
            client.batch_execute(&era.sql()).await.unwrap();
            let found: Vec<String> = client.query_one(HAS_COLUMNS, &[]).await.unwrap().get(0);
            let mut expected = known[..=index].concat();
            expected.sort_unstable();
            assert_eq!(found, expected, "{era:?}");
            let migrations = client.query("SELECT * FROM schema_migrations", &[]).await;
            assert_eq!(migrations.unwrap().len(), 1, "{era:?}");
        }
    }

    #[tokio::test]
    async fn status_of_a_job_follows_from_its_times_and_error() {
        let cluster = cluster();
        let client = connect(&cluster, "postgres").await;
        client.batch_execute(&Era::NEWEST.sql()).await.unwrap();
        let organization = "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'o')";
        client.batch_execute(organization).await.unwrap();
        let cases = [
            ("NULL, NULL, NULL, NULL", "pending"),
            ("now(), NULL, NULL, NULL", "running"),
            ("now(), now(), NULL, NULL", "canceling"),
            ("now(), now(), now(), NULL", "canceled"),
            ("now(), NULL, now(), ''", "succeeded"),
            ("now(), NULL, now(), 'no space'", "failed"),
        ];
        for (values, expected) in cases {
            let insert = format!(
                "INSERT INTO provisioner_jobs
                 (id, organization_id, started_at, canceled_at, completed_at, error)
                 SELECT gen_random_uuid(), id, {values} FROM organizations
                 RETURNING job_status::text"
            );
            let status: String = client.query_one(&insert, &[]).await.unwrap().get(0);
            assert_eq!(status, expected, "{values}");
        }
    }
}
