//! The floor: our own statements by `psql`, in one transaction, thrown away as they come.
//!
//! The ids that some of them take are variables of psql. Writing them out and reading them
//! again, which the exporter does not have to, is part of the floor: about a hundredth of it.

use std::time::Duration;

use anyhow::Result;

use super::{Contestant, sql};
use crate::answer::Answer;
use crate::psql::Psql;

const AGENTS: &str = include_str!("../../../src/postgres/collectors/agents.sql");
const APPS: &str = include_str!("../../../src/postgres/collectors/apps.sql");
const CAUSES: &str = include_str!("../../../src/postgres/collectors/causes.sql");
const WORKSPACES: &str = include_str!("../../../src/postgres/collectors/workspaces.sql");
const BINDINGS: &str = include_str!("../../../src/postgres/collectors/bindings.sql");

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
        let stuck = "lifecycle_state = 'created' AND first_connected_at IS NOT NULL";
        psql.ask(&format!(
            "SELECT array_agg(id ORDER BY id) AS ids,
                    array_agg(scope ORDER BY id) AS scopes,
                    coalesce(array_agg(id) FILTER (WHERE {stuck}), '{{}}') AS stuck
             FROM ({}) AS agent \\gset",
            scoped()
        ))?;
        psql.ask(&format!(
            "SELECT array_agg(job_id ORDER BY job_id) AS jobs, array_agg(sort ORDER BY job_id) AS sorts
             FROM ({}) AS build \\gset",
            sorted()
        ))?;
        // As the statements are asked in a collection: one after the other, each with what it
        // takes.
        let statements = [
            AGENTS.to_owned(),
            with_parameters(APPS, &["ids", "scopes"]),
            with_parameters(CAUSES, &["stuck"]),
            with_parameters(WORKSPACES, &["jobs", "sorts"]),
            BINDINGS.to_owned(),
        ];
        let copies = statements.map(|it| copy(&it)).join("\n");
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";
        let collection = format!("\\o /dev/null\n{begin}\n{SETTINGS}\n{copies}\nCOMMIT;\n\\o");
        Ok(Self { psql, collection })
    }
}

impl Contestant for Floor {
    fn run(&mut self) -> Result<Duration> {
        self.psql.time(&self.collection)
    }

    fn answer(&mut self) -> Result<Option<Answer>> {
        let (agents, scoped) = (named(), scoped());
        let apps = with_parameters(APPS, &["ids", "scopes"]);
        let mut rows = self.psql.ask(&sql::agents_counted(&agents))?;
        rows.append(&mut self.psql.ask(&format!(
            "SELECT 'apps', scope.organization, scope.template, app.health, app.count
             FROM ({apps}\n) AS app (scope, health, count)
             JOIN (SELECT DISTINCT scope, organization, template FROM ({scoped}) AS agent) AS scope
               ON scope.scope = app.scope;"
        ))?);
        Answer::of_rows(&rows).map(Some)
    }

    fn process_id(&self) -> u32 {
        self.psql.id()
    }
}

/// All rows of the agents' statement.
fn rows() -> String {
    format!("SELECT * FROM ({AGENTS}\n) AS agent")
}

/// The agents of it.
fn named() -> String {
    format!("{} WHERE id IS NOT NULL", rows())
}

/// The builds of it, with a number for each sort of build.
fn sorted() -> String {
    let rows = rows();
    format!(
        "SELECT job_id, dense_rank() OVER (
             ORDER BY organization, template, transition, bool_or(id IS NOT NULL)
         ) AS sort
         FROM ({rows}) AS build GROUP BY job_id, organization, template, transition"
    )
}

/// The same, with a number for each organization and template.
fn scoped() -> String {
    let named = named();
    let scope = "dense_rank() OVER (ORDER BY organization, template)";
    format!("SELECT agent.*, {scope} AS scope FROM ({named}) AS agent")
}

/// The statement with psql's variables of these names in place of its parameters.
fn with_parameters(statement: &str, names: &[&str]) -> String {
    let mut statement = statement.to_owned();
    for (index, name) in names.iter().enumerate() {
        let kind = match *name {
            "scopes" | "sorts" => "int4[]",
            _ => "uuid[]",
        };
        statement = statement.replace(&format!("${}", index + 1), &format!(":'{name}'::{kind}"));
    }
    statement
}

/// The statement with its rows in binary, as a driver asks for them.
pub(super) fn copy(statement: &str) -> String {
    format!("COPY ({statement}\n) TO STDOUT (FORMAT binary);")
}
