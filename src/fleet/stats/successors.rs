//! Agents that replace others with a problem in a later build of their workspace.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Label};
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::stats::fleet_stats::FleetStats;

/// An agent with a problem: its workspace and name, which its successor in a later build has too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ill {
    workspace_id: Uuid,
    name: Label,
    health: Health,
}

impl Ill {
    /// An agent of this class.
    pub(super) fn of(agent: &Agent, health: Health) -> Self {
        Self {
            workspace_id: agent.workspace_id,
            name: agent.name.clone(),
            health,
        }
    }
}

/// The agents that are in the place of those that are gone, each with the health class of the one
/// before, if it is another: a stop and start heals one agent, although the rows are two.
pub(super) fn successors(
    fleet: &FleetStats,
    gone: HashMap<Uuid, Ill>,
) -> Vec<(&Agent, Assessment, Health)> {
    if gone.is_empty() {
        return Vec::new();
    }
    let gone = gone.into_values();
    let gone: HashMap<(Uuid, Label), Health> = gone
        .map(|it| ((it.workspace_id, it.name), it.health))
        .collect();
    let found = fleet.judged().filter_map(|(agent, assessment)| {
        let from = *gone.get(&(agent.workspace_id, agent.name.clone()))?;
        (from != assessment.health).then_some((agent, assessment, from))
    });
    found.collect()
}
