//! Pages of agents in a stable order, which changes of the fleet do not disturb.

use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::rules::health::Assessment;
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::fleet_stats::FleetStats;

/// A page of agents.
#[derive(Debug, Clone)]
pub struct Slice<'a> {
    /// Number of matching agents on all pages.
    pub total: usize,
    /// The agents of this page, in the order of their ids.
    pub agents: Vec<(&'a Agent, Assessment)>,
    /// The id after which the next page begins; `None` on the last page.
    pub next: Option<Uuid>,
}

/// The first `limit` matching agents whose id is greater than `after`; `None` if agents are
/// unknown.
///
/// Ids never change. So a client that requests each page after the last id of the previous one gets
/// an agent that exists all the time exactly once, even if others come and go. Offsets do not
/// guarantee that.
pub fn select<'a>(
    fleet: &'a FleetStats,
    filter: &Filter,
    after: Option<Uuid>,
    limit: usize,
) -> Option<Slice<'a>> {
    fleet.agents.as_ref()?;
    let mut matcher = Matcher::new(fleet, filter);
    let mut total = 0;
    let mut agents = Vec::new();
    for (position, (agent, assessment)) in fleet.judged().enumerate() {
        if !matcher.wants(position, agent, assessment) {
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
