//! An incident, and what is taken as given.

use std::borrow::Cow;
use std::time::Duration;

use crate::fleet::model::agent::{Kind, Label};
use crate::fleet::model::time::Timestamp;
use crate::incident::population::{Dimension, Family};

/// Settings of the analysis: `--incident.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentSettings {
    /// A longer time without a new problem begins a new wave.
    pub gap: Duration,
}

impl Default for IncidentSettings {
    fn default() -> Self {
        Self {
            gap: Duration::from_secs(120),
        }
    }
}

/// Coder itself does not run: it explains every loss from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoderDown {
    /// Its last sign of life.
    pub since: Timestamp,
}

/// What the agents of an incident have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Common {
    /// Coder itself does not run.
    Coder,
    /// At least half of all agents.
    Deployment,
    /// They have this value.
    Value(Dimension, Label),
    /// They were lost together, and nothing is known that they share.
    None,
}

impl Common {
    /// Its name on the wire: that of a dimension, or one of three others.
    pub fn factor(&self) -> Cow<'static, str> {
        match self {
            Self::Coder => Cow::Borrowed("coder"),
            Self::Deployment => Cow::Borrowed("deployment"),
            Self::Value(dimension, _) => dimension.name(),
            Self::None => Cow::Borrowed("none"),
        }
    }

    /// The value of that dimension; empty without one.
    pub fn value(&self) -> &str {
        match self {
            Self::Value(_, value) => value,
            Self::Coder | Self::Deployment | Self::None => "",
        }
    }
}

/// Agents whose problem has one cause, as far as the rows can tell. Kind, family and what they have
/// in common are its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Whose agents: people's, or those that wait for a person.
    pub kind: Kind,
    /// Which problem.
    pub family: Family,
    /// What they have in common.
    pub common: Common,
    /// Values of narrower dimensions that name the same agents.
    pub also: Vec<(Dimension, Label)>,
    /// Values that would explain nearly as much, best first, each with its score in bits.
    pub runners_up: Vec<(Dimension, Label, f64)>,
    /// Bits by which the description of the fleet is shorter with it; 0 without a factor.
    pub score: f64,
    /// Its members, as positions in the population, in ascending order.
    pub members: Vec<u32>,
    /// Members that could have been hit.
    pub expected: u32,
    /// Its workspaces.
    pub workspaces: u32,
    /// The distinct owners of its workspaces.
    pub owners: u32,
    /// Owners who were in session when their agent was lost; `None` where that is not known, or not
    /// asked yet.
    pub owners_in_session: Option<u32>,
    /// Since of its first member.
    pub first: Option<Timestamp>,
    /// Since of its last member.
    pub last: Option<Timestamp>,
    /// Whether a member joined within [`GROWING`].
    pub is_growing: bool,
}

/// An incident grows while a member joined within this time.
pub const GROWING: Duration = Duration::from_secs(120);
