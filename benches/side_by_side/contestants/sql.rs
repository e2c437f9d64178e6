//! The statements that the other exporters run, and the rule of connection status
//! (`docs/spec/connection-status.md`) in SQL.

/// The connection status of `agent`, with Coder's own timeout.
pub(super) const STATUS: &str = "CASE
    WHEN agent.first_connected_at IS NULL THEN CASE
        WHEN agent.connection_timeout_seconds > 0
         AND now() - agent.created_at > make_interval(secs => agent.connection_timeout_seconds)
        THEN 'timeout' ELSE 'connecting' END
    WHEN coalesce(agent.disconnected_at, '-infinity')
      >= coalesce(agent.last_connected_at, '-infinity') THEN 'disconnected'
    WHEN now() - agent.last_connected_at > interval '30 seconds' THEN 'disconnected'
    ELSE 'connected' END";

/// Rows of answers: the agents of this statement by status, and by lifecycle state.
pub(super) fn agents_counted(agents: &str) -> String {
    let count = |family: &str, value: &str| {
        format!(
            "SELECT '{family}', agent.organization, agent.template, {value}, count(*)
             FROM ({agents}) AS agent GROUP BY 2, 3, 4;"
        )
    };
    let status = count("status", STATUS);
    let lifecycle = count("lifecycle", "agent.lifecycle_state::text");
    format!("{status}\n{lifecycle}")
}

/// How the latest build of a workspace is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Latest {
    /// As most people would write it.
    DistinctOn,
    /// As who knows Postgres would: twice as fast.
    NotExists,
}

impl Latest {
    /// Workspaces, their latest builds, and the agents of these.
    fn population(self) -> String {
        let (build, condition) = match self {
            Self::DistinctOn => (
                "(SELECT DISTINCT ON (workspace_id) workspace_id, job_id
                  FROM workspace_builds ORDER BY workspace_id, build_number DESC)",
                "",
            ),
            Self::NotExists => (
                "workspace_builds",
                "AND NOT EXISTS (SELECT FROM workspace_builds AS later
                     WHERE later.workspace_id = build.workspace_id
                       AND later.build_number > build.build_number)",
            ),
        };
        format!(
            "FROM workspaces AS workspace
             JOIN {build} AS build ON build.workspace_id = workspace.id
             JOIN workspace_resources AS resource ON resource.job_id = build.job_id
             JOIN workspace_agents AS agent ON agent.resource_id = resource.id
             JOIN organizations AS organization ON organization.id = workspace.organization_id
             JOIN templates AS template ON template.id = workspace.template_id
             $APPS
             WHERE NOT workspace.deleted AND NOT agent.deleted {condition}"
        )
    }

    /// Agents by organization, template and `value`, which is called `label`.
    pub(super) fn agents_by(self, label: &str, value: &str) -> String {
        let population = self.population().replace("$APPS", "");
        counted(&population, label, value)
    }

    /// Apps by organization, template and health.
    pub(super) fn apps_by_health(self) -> String {
        let join = "JOIN workspace_apps AS app ON app.agent_id = agent.id";
        let population = self.population().replace("$APPS", join);
        counted(&population, "health", "app.health::text")
    }

    /// A row for each agent.
    pub(super) fn each_agent(self) -> String {
        let population = self.population().replace("$APPS", "");
        format!(
            "SELECT agent.id::text AS agent_id, agent.name::text AS name,
                    workspace.name::text AS workspace, organization.name::text AS organization,
                    template.name::text AS template, {STATUS} AS status,
                    agent.lifecycle_state::text AS lifecycle, 1::float8 AS count
             {population}"
        )
    }
}

fn counted(population: &str, label: &str, value: &str) -> String {
    format!(
        "SELECT organization.name::text AS organization, template.name::text AS template,
                {value} AS {label}, count(*)::float8 AS count
         {population}
         GROUP BY 1, 2, 3"
    )
}

/// All counts by one statement that works the population out once and looks names up last: the
/// best we know how to do in SQL alone.
pub(super) fn one_statement() -> String {
    format!(
        "WITH population AS MATERIALIZED (
             SELECT agent.id, workspace.organization_id, workspace.template_id,
                    {STATUS} AS status, agent.lifecycle_state AS lifecycle
             FROM workspaces AS workspace
             JOIN workspace_builds AS build ON build.workspace_id = workspace.id
             JOIN workspace_resources AS resource ON resource.job_id = build.job_id
             JOIN workspace_agents AS agent ON agent.resource_id = resource.id
             WHERE NOT workspace.deleted AND NOT agent.deleted
               AND NOT EXISTS (SELECT FROM workspace_builds AS later
                   WHERE later.workspace_id = build.workspace_id
                     AND later.build_number > build.build_number)
         )
         SELECT counted.family, organization.name::text AS organization,
                template.name::text AS template, counted.value, counted.count::float8 AS count
         FROM (
             SELECT 'status'::text AS family, organization_id, template_id, status AS value,
                    count(*) AS count
             FROM population GROUP BY 2, 3, 4
             UNION ALL
             SELECT 'lifecycle', organization_id, template_id, lifecycle::text, count(*)
             FROM population GROUP BY 2, 3, 4
             UNION ALL
             SELECT 'apps', organization_id, template_id, app.health::text, count(*)
             FROM population
             JOIN workspace_apps AS app ON app.agent_id = population.id
             GROUP BY 2, 3, 4
         ) AS counted
         JOIN organizations AS organization ON organization.id = counted.organization_id
         JOIN templates AS template ON template.id = counted.template_id"
    )
}
