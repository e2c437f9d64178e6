//! Some of the agents, a page at a time, in an order that no change of the fleet disturbs.

use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::rules::health::Assessment;
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::fleet_stats::FleetStats;

/// A page of agents.
#[derive(Debug, Clone)]
pub struct Slice<'a> {
    /// How many agents are wanted, on all pages together.
    pub total: usize,
    /// Those of this page, by id.
    pub agents: Vec<(&'a Agent, Assessment)>,
    /// After which id the next page begins; `None` when this is the last.
    pub next: Option<Uuid>,
}

/// The first `limit` of the wanted agents whose id is greater than `after`; `None` when agents
/// are unknown.
///
/// An id never changes and no other follows from it, so a reader who goes on after the last id of
/// each page meets an agent that is there all the time exactly once, whatever comes and goes.
/// Offsets could not say that.
pub fn select<'a>(
    fleet: &'a FleetStats,
    filter: &Filter,
    after: Option<Uuid>,
    limit: usize,
) -> Option<Slice<'a>> {
    fleet.agents.as_ref()?;
    let mut matcher = Matcher::new(filter);
    let mut total = 0;
    let mut agents = Vec::new();
    for (agent, assessment) in fleet.judged() {
        if !matcher.wants(fleet, agent, assessment) {
            continue;
        }
        total += 1;
        if after.is_none_or(|after| agent.id > after) {
            agents.push((agent, assessment));
        }
    }
    let id = |(agent, _): &(&Agent, Assessment)| agent.id;
    let is_last = agents.len() <= limit;
    if !is_last {
        // Those of this page to the front: sorting all of them would cost more than the rest.
        agents.select_nth_unstable_by_key(limit, id);
        agents.truncate(limit);
    }
    agents.sort_unstable_by_key(id);
    let last = agents.last().map(id);
    Some(Slice {
        total,
        agents,
        next: last.filter(|_| !is_last),
    })
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
