//! From what fleets cost to what a row costs.

use std::ops::Sub;

use crate::callgrind::Weight;
use crate::fleets::AGENTS;
use crate::work::{FORMATS, Piece};

/// What one more of something costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) allocations: f64,
    /// Of what is allocated, or for a page, which may grow past a power of two with any change,
    /// of what is written.
    pub(crate) bytes: f64,
    pub(crate) instructions: f64,
}

impl Sub for Weight {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self {
            allocations: self.allocations - less.allocations,
            allocated_bytes: self.allocated_bytes - less.allocated_bytes,
            instructions: self.instructions - less.instructions,
            page_bytes: self.page_bytes - less.page_bytes,
            samples: self.samples - less.samples,
        }
    }
}

/// The table; fleets are those of [`fleets`](crate::fleets), in their order.
pub(crate) fn rows(fleets: &[Vec<Weight>]) -> Vec<Row> {
    let [first, more_agents, more_templates] = fleets else {
        panic!("three fleets");
    };
    let agents = |piece| weight(more_agents, piece) - weight(first, piece);
    let templates = |piece| weight(more_templates, piece) - weight(first, piece);
    let per_agent = |what: &str, weight| row(what, weight, AGENTS.into());
    let mut rows = vec![
        per_agent(
            "decode, an agent",
            agents(Piece::Agents) - agents(Piece::Classify),
        ),
        per_agent("classify, an agent", agents(Piece::Classify)),
        per_agent(
            "compare with the collection before, an agent",
            agents(Piece::Follow),
        ),
        per_agent(
            "count for the service level, an agent",
            agents(Piece::ServiceLevel) - agents(Piece::Follow),
        ),
        per_agent(
            "distributions of start-ups, an agent",
            agents(Piece::Startups) - agents(Piece::ServiceLevel),
        ),
        per_agent("find incidents, an agent", agents(Piece::Incidents)),
        per_agent("a whole pass, an agent", agents(Piece::Collection)),
    ];
    for format in FORMATS {
        let what = format!("{format:?}, an agent with series of its own");
        rows.push(per_agent(&what, agents(Piece::Every(format))));
    }
    // The same series in each format, counted in the one that has a line for each.
    let samples = templates(Piece::Default(FORMATS[0])).samples;
    for format in FORMATS {
        let what = format!("{format:?}, a sample of a count");
        rows.push(row(&what, templates(Piece::Default(format)), samples));
    }
    rows
}

fn weight(fleet: &[Weight], piece: Piece) -> Weight {
    let index = Piece::ALL.iter().position(|it| *it == piece);
    fleet[index.expect("it is one of all")]
}

fn row(what: &str, weight: Weight, number: f64) -> Row {
    let bytes = match weight.page_bytes {
        0.0 => weight.allocated_bytes,
        written => written,
    };
    Row {
        what: what.to_owned(),
        allocations: weight.allocations / number,
        bytes: bytes / number,
        instructions: weight.instructions / number,
    }
}
