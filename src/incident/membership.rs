//! Which incident an agent belongs to.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind};
use crate::fleet::rules::health::Assessment;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::model::Incident;

/// The incident of each agent that is in one.
#[derive(Debug, Default, Clone)]
pub struct Membership<'a> {
    of_agents: HashMap<Uuid, &'a Incident>,
}

impl<'a> Membership<'a> {
    /// The members of these incidents of a fleet.
    pub fn of(fleet: &FleetStats, incidents: &'a [Incident]) -> Self {
        let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
        let members = incidents.iter().flat_map(|incident| {
            let members = incident.members.iter();
            let agents = members.filter_map(|&it| agents.get(it as usize));
            agents.map(move |it| (it.id, incident))
        });
        Self {
            of_agents: members.collect(),
        }
    }

    /// The incident of this agent.
    pub fn get(&self, agent: Uuid) -> Option<&'a Incident> {
        self.of_agents.get(&agent).copied()
    }
}

/// The ids of an incident's agents.
pub fn ids_of(fleet: &FleetStats, incident: &Incident) -> HashSet<Uuid> {
    let agents = fleet.snapshot.agents.as_deref().unwrap_or_default();
    let members = incident.members.iter();
    let agents = members.filter_map(|&it| agents.get(it as usize));
    agents.map(|it| it.id).collect()
}

/// An agent with its judgement.
pub type Judged<'a> = (&'a Agent, Assessment);

/// The sub-agents of these workspaces, by workspace and in the order of their names. They form no
/// incident themselves, and are shown below their workspace's agent.
pub fn sub_agents(
    fleet: &FleetStats,
    workspaces: impl Iterator<Item = Uuid>,
) -> HashMap<Uuid, Vec<Judged<'_>>> {
    let mut found: HashMap<Uuid, Vec<Judged<'_>>> = workspaces.map(|it| (it, Vec::new())).collect();
    for (agent, assessment) in fleet.judged() {
        if agent.kind == Kind::Sub
            && let Some(of_workspace) = found.get_mut(&agent.workspace_id)
        {
            of_workspace.push((agent, assessment));
        }
    }
    for of_workspace in found.values_mut() {
        of_workspace
            .sort_by(|(one, _), (other, _)| (&one.name, one.id).cmp(&(&other.name, other.id)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, fleet_of};
    use crate::incident::advice::tests::{every_common, incident};
    use crate::incident::population::Family;

    fn fleet() -> FleetStats {
        let one = |id: u128, workspace: u128, kind| Agent {
            id: Uuid::from_u128(id),
            workspace_id: Uuid::from_u128(workspace),
            kind,
            ..agent()
        };
        fleet_of(vec![
            one(1, 10, Kind::Root),
            one(2, 10, Kind::Sub),
            one(3, 20, Kind::Root),
            one(4, 20, Kind::Sub),
            one(5, 10, Kind::Sub),
        ])
    }

    #[test]
    fn members_know_their_incident_and_no_other_agent_has_one() {
        let fleet = fleet();
        let found = [incident(
            Kind::Root,
            Family::Lost,
            every_common()[0].clone(),
        )];
        let membership = Membership::of(&fleet, &found);
        let has = |id| membership.get(Uuid::from_u128(id)).map(Incident::id);
        assert_eq!(has(1), Some(found[0].id()));
        assert_eq!((has(2), has(3)), (None, None));
    }

    #[test]
    fn sub_agents_are_those_of_the_workspaces() {
        let fleet = fleet();
        let [one, other] = [10, 30].map(Uuid::from_u128);
        let of = sub_agents(&fleet, [one, other].into_iter());
        let ids = |of: &[Judged<'_>]| of.iter().map(|it| it.0.id.as_u128()).collect::<Vec<_>>();
        assert_eq!(ids(&of[&one]), [2, 5]);
        assert_eq!(ids(&of[&other]), [0; 0]);
    }
}
