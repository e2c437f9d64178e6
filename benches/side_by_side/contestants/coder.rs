//! What Coder itself asks for its metrics, by `psql`: whole rows of the agents of the latest
//! builds, then whole rows of their apps, with the server's own settings.

use std::time::Duration;

use anyhow::Result;

use super::floor::copy;
use super::{Contestant, Place, sql};
use crate::answer::Answer;
use crate::psql::Psql;

/// The agents, and what Coder names with each. The words are ours, the shape is Coder's: a
/// subquery for each build asks for the greatest number of its workspace.
pub(super) const AGENTS: &str = "
SELECT agent.*,
       workspace.id AS workspace_id,
       workspace.name AS workspace_name,
       owner.username AS owner_name,
       template.name AS template_name,
       version.name AS template_version_name
FROM workspaces AS workspace
JOIN workspace_builds AS build ON build.workspace_id = workspace.id
JOIN workspace_resources AS resource ON resource.job_id = build.job_id
JOIN workspace_agents AS agent ON agent.resource_id = resource.id
JOIN users AS owner ON owner.id = workspace.owner_id
JOIN templates AS template ON template.id = workspace.template_id
JOIN template_versions AS version ON version.id = build.template_version_id
WHERE NOT workspace.deleted
  AND NOT agent.deleted
  AND build.build_number = (
      SELECT max(every.build_number)
      FROM workspace_builds AS every
      WHERE every.workspace_id = workspace.id
  )";

const APPS: &str = "SELECT * FROM workspace_apps WHERE agent_id = ANY(:'ids'::uuid[])";

pub(super) struct Coder {
    psql: Psql,
    queries: String,
}

impl Coder {
    pub(super) fn start(place: Place<'_>) -> Result<Self> {
        let mut psql = Psql::connect(&place.url("postgres"))?;
        let ids = format!("SELECT array_agg(id) AS ids FROM ({AGENTS}) AS agent \\gset");
        psql.ask(&ids)?;
        let queries = format!("\\o /dev/null\n{}\n{}\n\\o", copy(AGENTS), copy(APPS));
        Ok(Self { psql, queries })
    }
}

impl Contestant for Coder {
    fn run(&mut self) -> Result<Duration> {
        self.psql.time(&self.queries)
    }

    fn answer(&mut self) -> Result<Option<Answer>> {
        answer(&mut self.psql, APPS).map(Some)
    }

    fn process_id(&self) -> u32 {
        self.psql.id()
    }
}

/// The counts of these agents and of the rows of `apps`.
pub(super) fn answer(psql: &mut Psql, apps: &str) -> Result<Answer> {
    let agents = format!(
        "SELECT agent.*, organization.name AS organization, agent.template_name AS template
         FROM ({AGENTS}) AS agent
         JOIN workspaces AS workspace ON workspace.id = agent.workspace_id
         JOIN organizations AS organization ON organization.id = workspace.organization_id"
    );
    let mut rows = psql.ask(&sql::agents_counted(&agents))?;
    rows.append(&mut psql.ask(&format!(
        "SELECT 'apps', agent.organization, agent.template, app.health, count(*)
         FROM ({agents}) AS agent
         JOIN ({apps}) AS app ON app.agent_id = agent.id
         GROUP BY 2, 3, 4;"
    ))?);
    Answer::of_rows(&rows)
}
