//! Changes of status and health seen between collections.

use std::collections::BTreeMap;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::status::Status;
use crate::fleet::stats::fleet_stats::FleetStats;

/// Counts status changes by agent id, from one collection of this process to the next
/// (`docs/spec/metrics.md`, `coder_agent_status_transitions_total`).
///
/// An agent seen for the first time has changed nothing, and one that left the population is
/// forgotten: what is remembered of agents never outgrows the fleet.
#[derive(Debug, Clone, Default)]
pub struct Transitions {
    /// Sorted by id: a map keeps room for as many again.
    last_seen: Vec<(Uuid, Status, Health)>,
    counts: TransitionCounts,
}

/// Changes so far, by scope; all pairs of statuses of a scope that ever had an agent.
pub type TransitionCounts = BTreeMap<Scope, StatusChanges>;

/// How often one status became another.
pub type StatusChanges = EnumMap<Status, EnumMap<Status, u64>>;

impl Transitions {
    /// Compares the fleet with how it was seen last, and tells each change of health. A collection
    /// in which the agents are unknown changes nothing: they are compared across it.
    pub fn observe(&mut self, fleet: &FleetStats, mut changed: impl FnMut(&Agent, Health, Health)) {
        let Some(all_counts) = &fleet.agents else {
            return;
        };
        for (scope, _) in all_counts.keys() {
            if !self.counts.contains_key(scope) {
                self.counts.insert(scope.clone(), Default::default());
            }
        }
        let mut seen = Vec::with_capacity(fleet.judged().len());
        for (agent, assessment) in fleet.judged() {
            let (to, health) = (assessment.status, assessment.health);
            seen.push((agent.id, to, health));
            let known = self.last_seen.binary_search_by_key(&agent.id, |it| it.0);
            let Some(&(_, from, former_health)) = known.ok().and_then(|at| self.last_seen.get(at))
            else {
                continue;
            };
            if former_health != health {
                changed(agent, former_health, health);
            }
            if from != to
                && let Some(counts) = fleet
                    .snapshot
                    .scopes
                    .get(agent.scope)
                    .and_then(|scope| self.counts.get_mut(scope))
            {
                counts[from][to] += 1;
            }
        }
        // As they come, mostly.
        if !seen.is_sorted_by_key(|it| it.0) {
            seen.sort_unstable_by_key(|it| it.0);
        }
        self.last_seen = seen;
    }

    /// Changes so far.
    pub fn counts(&self) -> &TransitionCounts {
        &self.counts
    }
}

/// Every change of one scope that can happen, with its count.
pub fn pairs(counts: &StatusChanges) -> impl Iterator<Item = (Status, Status, u64)> {
    Status::ALL.iter().flat_map(move |&from| {
        let others = Status::ALL.iter().filter(move |&&to| to != from);
        others.map(move |&to| (from, to, counts[from][to]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::Lifecycle;
    use crate::fleet::model::label_value::DbEnum;

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

    fn observe(transitions: &mut Transitions, fleet: &FleetStats) {
        transitions.observe(fleet, |_, _, _| {});
    }

    #[test]
    fn agent_seen_for_the_first_time_has_changed_nothing() {
        let mut transitions = Transitions::default();
        observe(&mut transitions, &fleet_of(vec![lost()]));
        assert_eq!(total(&transitions), 0);
    }

    #[test]
    fn loss_and_return_count_once_each() {
        let mut transitions = Transitions::default();
        for fleet in [vec![agent()], vec![lost()], vec![lost()], vec![agent()]] {
            observe(&mut transitions, &fleet_of(fleet));
        }
        let counts = transitions.counts().values().next().unwrap();
        assert_eq!(counts[Status::Connected][Status::Disconnected], 1);
        assert_eq!(counts[Status::Disconnected][Status::Connected], 1);
        assert_eq!(total(&transitions), 2);
    }

    #[test]
    fn agent_that_left_is_forgotten_and_its_return_is_a_first_time() {
        let mut transitions = Transitions::default();
        for fleet in [vec![agent()], vec![], vec![lost()]] {
            observe(&mut transitions, &fleet_of(fleet));
        }
        assert_eq!(total(&transitions), 0);
        assert_eq!(transitions.last_seen.len(), 1);
    }

    #[test]
    fn collection_without_agents_is_skipped_over() {
        let mut transitions = Transitions::default();
        observe(&mut transitions, &fleet_of(vec![agent()]));
        let mut unknown = fleet_of(vec![]);
        unknown.agents = None;
        observe(&mut transitions, &unknown);
        observe(&mut transitions, &fleet_of(vec![lost()]));
        assert_eq!(total(&transitions), 1);
    }

    #[test]
    fn change_of_health_is_told_even_where_the_status_stays() {
        let mut transitions = Transitions::default();
        let failed = Agent {
            lifecycle: DbEnum::Known(Lifecycle::StartError),
            ..agent()
        };
        observe(&mut transitions, &fleet_of(vec![agent()]));
        let mut seen = Vec::new();
        let fleet = fleet_of(vec![failed]);
        transitions.observe(&fleet, |it, from, to| seen.push((it.id, from, to)));
        assert_eq!(seen, [(agent().id, Health::Healthy, Health::StartError)]);
        assert_eq!(total(&transitions), 0);
    }
}
