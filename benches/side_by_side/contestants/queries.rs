//! What exporters that serve any SQL are told to ask.

use super::sql::{Latest, STATUS, one_statement};

/// What it is told to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queries {
    /// Three statements as an operator would write them.
    Usual,
    /// The same three with another way to the latest build, and without JIT.
    NotExists,
    /// All in one, without JIT.
    OneStatement,
    /// The same without parallel workers: longer, for less of the server's time.
    OneStatementAlone,
    /// A series for each agent, and the apps by health.
    EachAgent,
}

impl Queries {
    pub(super) const ALL: [Self; 5] = [
        Self::Usual,
        Self::NotExists,
        Self::OneStatement,
        Self::OneStatementAlone,
        Self::EachAgent,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Usual => "DISTINCT ON",
            Self::NotExists => "NOT EXISTS",
            Self::OneStatement => "one statement",
            Self::OneStatementAlone => "one statement, no workers",
            Self::EachAgent => "series per agent",
        }
    }

    /// What is appended to the URL.
    pub(super) fn options(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::NotExists | Self::OneStatement | Self::EachAgent => "&options=-c%20jit%3Doff",
            Self::OneStatementAlone => "&options=-c%20jit%3Doff&max_parallel_workers_per_gather=0",
        }
    }

    /// Name, labels and statement of each.
    pub(super) fn statements(self) -> Vec<Statement> {
        let counts = |latest: Latest| {
            let lifecycle = "agent.lifecycle_state::text";
            vec![
                statement("status", &["status"], latest.agents_by("status", STATUS)),
                statement(
                    "lifecycle",
                    &["lifecycle"],
                    latest.agents_by("lifecycle", lifecycle),
                ),
                statement("apps", &["health"], latest.apps_by_health()),
            ]
        };
        let ours = Latest::NotExists;
        match self {
            Self::Usual => counts(Latest::DistinctOn),
            Self::NotExists => counts(ours),
            Self::OneStatement | Self::OneStatementAlone => {
                vec![statement("fleet", &["family", "value"], one_statement())]
            }
            Self::EachAgent => {
                let labels = ["agent_id", "name", "workspace", "status", "lifecycle"];
                vec![
                    statement("agents", &labels, ours.each_agent()),
                    statement("apps", &["health"], ours.apps_by_health()),
                ]
            }
        }
    }
}

/// One statement, and what becomes of its columns.
pub(super) struct Statement {
    pub(super) name: String,
    pub(super) labels: Vec<String>,
    pub(super) sql: String,
}

fn statement(name: &str, labels: &[&str], sql: String) -> Statement {
    let common = ["organization", "template"];
    Statement {
        name: format!("bench_{name}"),
        labels: [&common, labels]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        sql,
    }
}
