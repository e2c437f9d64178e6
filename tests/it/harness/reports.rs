//! Session reports the way coderd stores them, in the form of each era.

use coder_agent_exporter::demo::schema::Era;
use uuid::Uuid;

/// One row of `workspace_agent_stats`.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    created_at: String,
    connections: i64,
    sessions: Vec<(&'static str, i64)>,
}

/// A report of this moment, without connections or sessions.
pub(crate) fn report() -> Report {
    Report {
        created_at: "now()".to_owned(),
        connections: 0,
        sessions: Vec::new(),
    }
}

impl Report {
    pub(crate) fn connections(mut self, count: i64) -> Self {
        self.connections = count;
        self
    }

    /// So many open sessions of `vscode`, `jetbrains`, `reconnecting_pty` or `ssh`.
    pub(crate) fn session(mut self, kind: &'static str, count: i64) -> Self {
        self.sessions.push((kind, count));
        self
    }

    pub(crate) fn ago(self, seconds: f64) -> Self {
        self.at(&format!("now() - interval '{seconds} seconds'"))
    }

    /// Of the moment that this SQL names.
    pub(crate) fn at(mut self, moment: &str) -> Self {
        self.created_at = moment.to_owned();
        self
    }

    /// The statement that stores it for this agent.
    pub(super) fn insert(&self, agent: Uuid, era: Era) -> String {
        let Self {
            created_at,
            connections,
            sessions,
        } = self;
        let (names, values) = match era >= Era::V2_36 {
            true => {
                let counts = sessions
                    .iter()
                    .map(|(kind, count)| format!("\"{kind}\":{count}"));
                let counts: Vec<_> = counts.collect();
                let json = format!(", '{{{}}}'", counts.join(","));
                (", session_counts".to_owned(), json)
            }
            false => {
                let names = sessions
                    .iter()
                    .map(|(kind, _)| format!(", session_count_{kind}"));
                let values = sessions.iter().map(|(_, count)| format!(", {count}"));
                (names.collect(), values.collect())
            }
        };
        format!(
            "INSERT INTO workspace_agent_stats
                 (created_at, user_id, agent_id, workspace_id, template_id, connection_count{names})
                 SELECT {created_at}, workspace.owner_id, agent.id, workspace.id,
                        workspace.template_id, {connections}{values}
                 FROM workspace_agents AS agent
                 JOIN workspace_resources AS resource ON resource.id = agent.resource_id
                 JOIN workspace_builds AS build ON build.job_id = resource.job_id
                 JOIN workspaces AS workspace ON workspace.id = build.workspace_id
                 WHERE agent.id = '{agent}'"
        )
    }
}
