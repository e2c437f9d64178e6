//! Who is measured: one file for each sort.

mod coder;
mod each_agent;
mod floor;
mod ours;
mod postgres_exporter;
mod queries;
mod sql;
mod sql_exporter;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::answer::Answer;
use crate::relay::Relay;
use crate::server::{ROLE, url};
use crate::shapes::Shape;

pub(crate) use ours::{binary, exporter, shipped};
pub(crate) use queries::Queries;

/// Somebody who answers what there is to know about a fleet.
pub(crate) trait Contestant {
    /// One round: how long it took.
    fn run(&mut self) -> Result<Duration>;

    /// What it counted. `None` where that is not all that is compared.
    fn answer(&mut self) -> Result<Option<Answer>>;

    /// Whose memory and processor time are its own; another after a round, where each round
    /// has a process of its own.
    fn process_id(&self) -> u32;

    /// The size of its answer to a scraper, as it went over the wire.
    fn page_bytes(&self) -> Option<u64> {
        None
    }

    /// What the process has said.
    fn log(&self) -> String {
        String::new()
    }
}

/// Where a contestant finds its fleet.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) shape: Shape,
    /// The server's port, or that of a relay before it.
    pub(crate) port: u16,
    /// The port of a relay that takes a millisecond each way.
    pub(crate) slow_port: u16,
    /// For logs and configurations.
    pub(crate) folder: &'a Path,
}

impl Place<'_> {
    fn url(self, role: &str) -> String {
        url(role, self.port, &self.shape.database())
    }

    /// The same place, a long way off.
    fn far_away(self) -> Self {
        let port = self.slow_port;
        Self { port, ..self }
    }

    /// The same place behind a relay.
    pub(crate) fn behind(self, relay: &Relay) -> Self {
        let port = relay.port;
        Self { port, ..self }
    }
}

/// Which contestant; the order is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// What others count too.
    AgentsAndApps,
    Young,
    Floor,
    Coder,
    OursFarAway,
    EachAgent,
    PostgresExporter(Queries),
    SqlExporter(Queries),
}

impl Kind {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Ours, Self::AgentsAndApps];
        all.extend([Self::Young, Self::Floor, Self::Coder]);
        all.extend([Self::OursFarAway, Self::EachAgent]);
        all.extend(Queries::ALL.map(Self::PostgresExporter));
        let workers = |it: &Queries| *it != Queries::OneStatementAlone;
        all.extend(
            Queries::ALL
                .into_iter()
                .filter(workers)
                .map(Self::SqlExporter),
        );
        all
    }

    /// Those of the growth chart.
    pub(crate) fn for_growth() -> Vec<Self> {
        let best = Self::PostgresExporter(Queries::OneStatement);
        let usual = Self::PostgresExporter(Queries::Usual);
        vec![Self::Ours, Self::Floor, Self::Coder, usual, best]
    }

    /// What the table calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Ours => "coder-agent-exporter".to_owned(),
            Self::AgentsAndApps => "  agents and apps alone".to_owned(),
            Self::Young => "  from a young collection".to_owned(),
            Self::Floor => "floor: our queries by psql".to_owned(),
            Self::Coder => "Coder's two queries by psql".to_owned(),
            Self::OursFarAway => "coder-agent-exporter, 2 ms away".to_owned(),
            Self::EachAgent => "a query per agent, 2 ms away *".to_owned(),
            Self::PostgresExporter(queries) => format!("postgres_exporter, {}", queries.name()),
            Self::SqlExporter(queries) => format!("sql_exporter, {} **", queries.name()),
        }
    }

    /// Makes it ready to run.
    pub(crate) fn start(self, place: Place<'_>) -> Result<Box<dyn Contestant>> {
        Ok(match self {
            Self::Ours => Box::new(ours::Ours::start(place, "", "0s")?),
            Self::AgentsAndApps => {
                let query = "?collect[]=agents&collect[]=apps";
                Box::new(ours::Ours::start(place, query, "0s")?)
            }
            Self::Young => Box::new(ours::Ours::start(place, "", "1h")?),
            Self::OursFarAway => Box::new(ours::Ours::start(place.far_away(), "", "0s")?),
            Self::Floor => Box::new(floor::Floor::start(&place.url(ROLE))?),
            Self::Coder => Box::new(coder::Coder::start(place)?),
            Self::EachAgent => Box::new(each_agent::EachAgent::start(place.far_away())?),
            Self::PostgresExporter(queries) => {
                Box::new(postgres_exporter::PostgresExporter::start(queries, place)?)
            }
            Self::SqlExporter(queries) => {
                Box::new(sql_exporter::SqlExporter::start(queries, place)?)
            }
        })
    }
}
