//! The floor: our own statements by `psql`, as where every build is remembered, in one
//! transaction, thrown away as they come.
//!
//! The ids that some of them take are variables of psql. Writing them out and reading them
//! again, which the exporter does not have to, is part of the floor: about a hundredth of it.

use std::time::Duration;

use anyhow::Result;

use super::Contestant;
use crate::answer::Answer;
use crate::psql::Psql;

const WORKSPACES: &str = include_str!("../../../src/postgres/builds/workspaces.sql");
const BUILDS: &str = include_str!("../../../src/postgres/builds/builds.sql");
const NAMES: &str = include_str!("../../../src/postgres/builds/names.sql");
const AGENTS: &str = include_str!("../../../src/postgres/collectors/agents.sql");
const APPS: &str = include_str!("../../../src/postgres/collectors/apps.sql");
const CAUSES: &str = include_str!("../../../src/postgres/collectors/causes.sql");
const BINDINGS: &str = include_str!("../../../src/postgres/collectors/bindings.sql");

/// The arrays that the statements take when every build is remembered.
const ARRAYS: &str = "
SELECT array_agg(workspace.id ORDER BY workspace.id) AS workspaces,
       array_agg(build.build_number ORDER BY workspace.id) AS numbers,
       array_agg(build.job_id) AS jobs,
       array_agg(DISTINCT workspace.owner_id) AS users,
       array_agg(DISTINCT workspace.template_id) AS templates,
       array_agg(DISTINCT build.template_version_id) AS versions
FROM workspaces AS workspace
JOIN workspace_builds AS build ON build.workspace_id = workspace.id
WHERE NOT workspace.deleted
  AND build.build_number = (
      SELECT max(every.build_number)
      FROM workspace_builds AS every
      WHERE every.workspace_id = workspace.id
  ) \\gset
WITH population AS (
    SELECT agent.id, agent.resource_id, agent.lifecycle_state, agent.first_connected_at,
           dense_rank() OVER (ORDER BY workspace.organization_id, workspace.template_id) AS scope,
           (row_number() OVER (ORDER BY agent.id) - 1) / 2048 AS neighbours
    FROM workspace_agents AS agent
    JOIN workspace_resources AS resource ON resource.id = agent.resource_id
    JOIN workspace_builds AS build ON build.job_id = resource.job_id
    JOIN workspaces AS workspace ON workspace.id = build.workspace_id
    WHERE NOT agent.deleted AND NOT workspace.deleted AND build.job_id = ANY(:'jobs'::uuid[])
), placed AS (
    SELECT *, row_number() OVER (ORDER BY neighbours, scope, id) AS place FROM population
), part AS (
    SELECT scope, min(place) AS first, max(place) AS last FROM placed GROUP BY neighbours, scope
)
SELECT (SELECT array_agg(DISTINCT resource_id) FROM placed) AS resources,
       (SELECT array_agg(id ORDER BY place) FROM placed) AS ids,
       (SELECT coalesce(array_agg(id), '{}') FROM placed
        WHERE lifecycle_state = 'created' AND first_connected_at IS NOT NULL) AS stuck,
       (SELECT array_agg(scope ORDER BY first) FROM part) AS scopes,
       (SELECT array_agg(first ORDER BY first) FROM part) AS first,
       (SELECT array_agg(last ORDER BY first) FROM part) AS last \\gset";

/// What `SET LOCAL` says in a collection.
const SETTINGS: &str = "SET LOCAL statement_timeout = '300s';
SET LOCAL lock_timeout = '2s';
SET LOCAL idle_in_transaction_session_timeout = '300s';
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;";

pub(super) struct Floor {
    psql: Psql,
    collection: String,
}

impl Floor {
    pub(super) fn start(url: &str) -> Result<Self> {
        let mut psql = Psql::connect(url)?;
        psql.ask(ARRAYS)?;
        // As the statements are asked in a collection: one after the other, each with what it
        // takes.
        let statements = [
            WORKSPACES.to_owned(),
            with_parameters(BUILDS, &["numbers", "workspaces"]),
            with_parameters(NAMES, &["users", "templates", "versions"]),
            with_parameters(AGENTS, &["resources"]),
            with_parameters(APPS, &["scopes", "first", "last", "ids"]),
            with_parameters(CAUSES, &["stuck"]),
            BINDINGS.to_owned(),
        ];
        let copies = statements.map(|it| with_settings(&it)).join("\n");
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";
        let collection = format!("\\o /dev/null\n{begin}\n{SETTINGS}\n{copies}\nCOMMIT;\n\\o");
        Ok(Self { psql, collection })
    }
}

impl Contestant for Floor {
    fn run(&mut self) -> Result<Duration> {
        self.psql.time(&self.collection)
    }

    /// The exporter's own statements: there is nothing to compare.
    fn answer(&mut self) -> Result<Option<Answer>> {
        Ok(None)
    }

    fn process_id(&self) -> u32 {
        self.psql.id()
    }
}

/// The statement with psql's variables of these names in place of its parameters.
fn with_parameters(statement: &str, names: &[&str]) -> String {
    let mut statement = statement.to_owned();
    for (index, name) in names.iter().enumerate() {
        let kind = match *name {
            "numbers" | "scopes" | "first" | "last" => "int4[]",
            _ => "uuid[]",
        };
        statement = statement.replace(&format!("${}", index + 1), &format!(":'{name}'::{kind}"));
    }
    statement
}

/// The statement with the planner settings that its file asks for.
fn with_settings(statement: &str) -> String {
    let settings = statement
        .lines()
        .filter_map(|it| it.strip_prefix("-- with "));
    let settings: String = settings.map(|it| format!("SET LOCAL {it}; ")).collect();
    let copy = copy(statement);
    format!("SAVEPOINT statement; {settings}\n{copy}\nROLLBACK TO SAVEPOINT statement;")
}

/// The statement with its rows in binary, as a driver asks for them.
pub(super) fn copy(statement: &str) -> String {
    format!("COPY ({statement}\n) TO STDOUT (FORMAT binary);")
}
