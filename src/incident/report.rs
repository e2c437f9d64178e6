//! Incidents as they are told in JSON, under the names of the metrics' labels.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fleet::model::agent::Label;
use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::moment;
use crate::incident::model::Incident;
use crate::incident::population::Dimension;

/// An incident: agents whose problem has one cause, as far as the rows can tell. Kind, family, factor
/// and value are its identity.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IncidentSummary {
    /// Whose agents: `root` (people's) or `prebuild`.
    pub kind: &'static str,
    /// Which problem: `lost`, `never_connected`, `start_failed` or `stuck_created`.
    pub family: &'static str,
    /// The dimension that its agents share; else `deployment`, `coder` or `none`.
    pub factor: String,
    /// The value of that dimension; empty without one.
    pub value: String,
    /// Agents with the problem.
    pub agents: u64,
    /// Agents that it could have hit.
    pub expected_agents: u64,
    /// Their workspaces.
    pub workspaces: u64,
    /// The distinct owners of these.
    pub users: u64,
    /// When the first agent got its problem; null where no agent did.
    pub start: Option<String>,
    /// When the last one did.
    pub last_agent: Option<String>,
    /// Whether an agent joined within the last two minutes.
    pub is_growing: bool,
    /// Bits by which the description of the fleet is shorter with the factor.
    pub score: f64,
    /// Values of other dimensions that name the same agents.
    pub also: Vec<Shared>,
    /// Values that would do nearly as well, best first.
    pub runners_up: Vec<Shared>,
}

/// A value that agents share.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Shared {
    /// The dimension.
    pub factor: String,
    /// Its value.
    pub value: String,
    /// Its score in the factor's place; null for one that names the same agents.
    pub score: Option<f64>,
}

impl IncidentSummary {
    /// An incident in words and numbers.
    pub fn of(incident: &Incident) -> Self {
        let also = incident.also.iter();
        let runners_up = incident.runners_up.iter();
        Self {
            kind: incident.kind.as_str(),
            family: incident.family.as_str(),
            factor: incident.common.factor().into_owned(),
            value: incident.common.value().to_owned(),
            agents: incident.members.len() as u64,
            expected_agents: incident.expected.into(),
            workspaces: incident.workspaces.into(),
            users: incident.owners.into(),
            start: incident.first.map(moment),
            last_agent: incident.last.map(moment),
            is_growing: incident.is_growing,
            score: incident.score,
            also: also.map(|(of, value)| shared(of, value, None)).collect(),
            runners_up: runners_up
                .map(|(of, value, score)| shared(of, value, Some(*score)))
                .collect(),
        }
    }
}

fn shared(dimension: &Dimension, value: &Label, score: Option<f64>) -> Shared {
    Shared {
        factor: dimension.name().into_owned(),
        value: value.to_string(),
        score,
    }
}
