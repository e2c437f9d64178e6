//! Changes of status and health between collections.

use std::collections::BTreeMap;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::sorted::find_by_id;
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::rules::status::Status;
use crate::fleet::stats::fleet_stats::FleetStats;

/// Counts status changes of agents between the collections of this process (`docs/spec/metrics.md`,
/// `coder_agent_status_transitions_total`).
///
/// A new agent is not a change. An agent that leaves the population is removed, so the memory is
/// proportional to the fleet.
#[derive(Debug, Clone, Default)]
pub struct Transitions {
    /// Sorted by id. A map would take twice the memory.
    last_seen: Vec<Seen>,
    counts: TransitionCounts,
}

/// An agent of the last collection, or of the one that is compared with it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    id: Uuid,
    then: Before,
    /// Whether it is in the collection that is compared.
    is_there: bool,
}

/// What was known of an agent in the collection before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// Its connection then.
    pub status: Status,
    /// Its health class then.
    pub health: Health,
    /// Whether its start-up had ended, then or in any collection before. A reboot clears `ready_at`.
    pub was_ready: bool,
}

/// An agent in a collection, beside the collection before.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Its row.
    pub agent: &'a Agent,
    /// What it is now.
    pub assessment: Assessment,
    /// What it was; `None` if it was not there.
    pub before: Option<Before>,
}

impl Sight<'_> {
    /// The health class before, if it was another one.
    pub fn former_health(&self) -> Option<Health> {
        let health = self.before?.health;
        (health != self.assessment.health).then_some(health)
    }
}

/// Changes by scope since the start of the process, with all pairs of statuses for each scope that
/// ever had an agent.
pub type TransitionCounts = BTreeMap<Scope, StatusChanges>;

/// Number of changes by status before and status after.
pub type StatusChanges = EnumMap<Status, EnumMap<Status, u64>>;

impl Transitions {
    /// Compares the fleet with the previous one, and shows each agent to `see`. A collection with
    /// unknown agents is skipped: the next one is compared with the one before it.
    pub fn observe(&mut self, fleet: &FleetStats, mut see: impl FnMut(Sight<'_>)) {
        let Some(all_counts) = &fleet.agents else {
            return;
        };
        for (scope, _) in all_counts.keys() {
            if !self.counts.contains_key(scope) {
                self.counts.insert(scope.clone(), Default::default());
            }
        }
        // In place: two lists of all agents are megabytes.
        self.last_seen.iter_mut().for_each(|it| it.is_there = false);
        let mut new = Vec::new();
        // Both lists are sorted by id, so the next agent is nearly always the next one here.
        let mut next = 0;
        for (agent, assessment) in fleet.judged() {
            let is_next = self.last_seen.get(next).is_some_and(|it| it.id == agent.id);
            let place = match is_next {
                true => Some(next),
                false => find_by_id(&self.last_seen, agent.id, |it| it.id),
            };
            next = place.map_or(next, |it| it + 1);
            let known = place.and_then(|at| self.last_seen.get_mut(at));
            let before = known.as_ref().map(|it| it.then);
            let now = Before {
                status: assessment.status,
                health: assessment.health,
                was_ready: agent.ready_at.is_some() || before.is_some_and(|it| it.was_ready),
            };
            let seen = Seen {
                id: agent.id,
                then: now,
                is_there: true,
            };
            match known {
                Some(known) => *known = seen,
                None => new.push(seen),
            }
            see(Sight {
                agent,
                assessment,
                before,
            });
            if let Some(before) = before
                && before.status != now.status
                && let Some(counts) = fleet
                    .snapshot
                    .scopes
                    .get(agent.scope)
                    .and_then(|scope| self.counts.get_mut(scope))
            {
                counts[before.status][now.status] += 1;
            }
        }
        self.last_seen.retain(|it| it.is_there);
        if !new.is_empty() {
            self.last_seen.reserve_exact(new.len());
            self.last_seen.append(&mut new);
            self.last_seen.sort_unstable_by_key(|it| it.id);
        }
    }

    /// The changes since the start of the process.
    pub fn counts(&self) -> &TransitionCounts {
        &self.counts
    }
}

/// All possible changes of one scope, with their counts.
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
        transitions.observe(fleet, |_| {});
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
        transitions.observe(&fleet, |it| {
            seen.extend(
                it.former_health()
                    .map(|from| (it.agent.id, from, it.assessment.health)),
            );
        });
        assert_eq!(seen, [(agent().id, Health::Healthy, Health::StartError)]);
        assert_eq!(total(&transitions), 0);
    }
}
