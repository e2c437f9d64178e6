//! One query for the agents, and one more for the apps of each, one after the other, by `psql`
//! at two milliseconds a round trip.
//!
//! Ten thousand agents would take half a minute and a hundred thousand five: the apps of some
//! are asked for, and the rest is multiplied.

use std::time::Duration;

use anyhow::Result;

use super::floor::copy;
use super::{Contestant, Place, coder};
use crate::answer::Answer;
use crate::psql::Psql;

/// How many agents are asked about.
pub(crate) const SAMPLE: u32 = 500;

pub(super) struct EachAgent {
    psql: Psql,
    agents: String,
    sample: String,
    live: u32,
    asked: u32,
}

impl EachAgent {
    pub(super) fn start(place: Place<'_>) -> Result<Self> {
        let mut psql = Psql::connect(&place.url("postgres"))?;
        psql.ask("PREPARE apps_of (uuid) AS SELECT * FROM workspace_apps WHERE agent_id = $1;")?;
        let agents = coder::AGENTS;
        let ids = format!("SELECT id FROM ({agents}) AS agent ORDER BY id LIMIT {SAMPLE};");
        let ids = psql.ask(&ids)?;
        let asked = ids.len() as u32;
        let queries: Vec<String> = ids
            .iter()
            .map(|id| format!("EXECUTE apps_of('{id}');"))
            .collect();
        Ok(Self {
            psql,
            agents: format!("\\o /dev/null\n{}\n\\o", copy(agents)),
            sample: format!("\\o /dev/null\n{}\n\\o", queries.join("\n")),
            live: place.shape.live,
            asked,
        })
    }
}

impl Contestant for EachAgent {
    fn run(&mut self) -> Result<Duration> {
        let agents = self.psql.time(&self.agents)?;
        let sample = self.psql.time(&self.sample)?;
        let each = sample / self.asked.max(1);
        Ok(agents + each * self.live)
    }

    /// Its agents are Coder's; of the apps it is told what one statement for all of them says.
    fn answer(&mut self) -> Result<Option<Answer>> {
        coder::answer(&mut self.psql, "SELECT * FROM workspace_apps").map(Some)
    }

    fn process_id(&self) -> u32 {
        self.psql.id()
    }
}
