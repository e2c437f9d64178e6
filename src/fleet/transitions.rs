//! Status changes seen between passes.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::agent::Scope;
use super::census::Fleet;
use super::named::Variants;
use super::status::Status;

/// Counts status changes by agent id, from one pass of this process to the next (SPEC 3,
/// `coder_agent_status_transitions_total`).
///
/// An agent seen for the first time has changed nothing, and one that left the population is
/// forgotten: what is remembered of agents never outgrows the fleet.
#[derive(Debug, Clone, Default)]
pub struct Transitions {
    last_seen: HashMap<Uuid, Status>,
    counts: TransitionCounts,
}

/// Changes so far, by scope; all pairs of statuses of a scope that ever had an agent.
pub type TransitionCounts = BTreeMap<Scope, [[u64; STATUSES]; STATUSES]>;

const STATUSES: usize = Status::ALL.len();

impl Transitions {
    /// Compares the fleet with how it was seen last. A pass in which the agents are unknown
    /// changes nothing: they are compared across it.
    pub fn observe(&mut self, fleet: &Fleet) {
        let Some(tallies) = &fleet.agents else { return };
        for (scope, _) in tallies.keys() {
            if !self.counts.contains_key(scope) {
                self.counts.insert(scope.clone(), Default::default());
            }
        }
        let mut seen = HashMap::with_capacity(self.last_seen.len());
        for (agent, assessment) in fleet.judged() {
            let to = assessment.status;
            seen.insert(agent.id, to);
            let Some(&from) = self.last_seen.get(&agent.id) else {
                continue;
            };
            if from != to
                && let Some(counts) = fleet
                    .snapshot
                    .scopes
                    .get(agent.scope)
                    .and_then(|scope| self.counts.get_mut(scope))
            {
                counts[from as usize][to as usize] += 1;
            }
        }
        self.last_seen = seen;
    }

    /// Changes so far.
    pub fn counts(&self) -> &TransitionCounts {
        &self.counts
    }
}

/// Every change of one scope that can happen, with its count.
pub fn pairs(counts: &[[u64; STATUSES]; STATUSES]) -> impl Iterator<Item = (Status, Status, u64)> {
    Status::ALL.iter().flat_map(move |&from| {
        let others = Status::ALL.iter().filter(move |&&to| to != from);
        others.map(move |&to| (from, to, counts[from as usize][to as usize]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::agent::Agent;
    use super::super::fixtures::{agent, at, fleet_of};
    use super::*;

    fn total(transitions: &Transitions) -> u64 {
        let counts = transitions.counts().values();
        counts.flat_map(pairs).map(|(_, _, count)| count).sum()
    }

    fn lost() -> Agent {
        Agent {
            last_connected_at: Some(at(-3600)),
            ..agent()
        }
    }

    #[test]
    fn agent_seen_for_the_first_time_has_changed_nothing() {
        let mut transitions = Transitions::default();
        transitions.observe(&fleet_of(vec![lost()]));
        assert_eq!(total(&transitions), 0);
    }

    #[test]
    fn loss_and_return_count_once_each() {
        let mut transitions = Transitions::default();
        for fleet in [vec![agent()], vec![lost()], vec![lost()], vec![agent()]] {
            transitions.observe(&fleet_of(fleet));
        }
        let counts = transitions.counts().values().next().unwrap();
        let (connected, disconnected) = (Status::Connected as usize, Status::Disconnected as usize);
        assert_eq!(counts[connected][disconnected], 1);
        assert_eq!(counts[disconnected][connected], 1);
        assert_eq!(total(&transitions), 2);
    }

    #[test]
    fn agent_that_left_is_forgotten_and_its_return_is_a_first_time() {
        let mut transitions = Transitions::default();
        for fleet in [vec![agent()], vec![], vec![lost()]] {
            transitions.observe(&fleet_of(fleet));
        }
        assert_eq!(total(&transitions), 0);
        assert_eq!(transitions.last_seen.len(), 1);
    }

    #[test]
    fn pass_without_agents_is_skipped_over() {
        let mut transitions = Transitions::default();
        transitions.observe(&fleet_of(vec![agent()]));
        let mut unknown = fleet_of(vec![]);
        unknown.agents = None;
        transitions.observe(&unknown);
        transitions.observe(&fleet_of(vec![lost()]));
        assert_eq!(total(&transitions), 1);
    }
}
