//! Some of the agents, a page at a time, in an order that no change of the fleet disturbs.

use uuid::Uuid;

use super::agent::{Agent, Kind, Scope};
use super::census::Fleet;
use super::health::{Assessment, Health};
use super::status::Status;

/// Which agents are wanted: those that fit every list that is not empty, and the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one of these classes.
    pub health: Vec<Health>,
    /// Of one of these statuses.
    pub status: Vec<Status>,
    /// Of one of these kinds.
    pub kind: Vec<Kind>,
    /// Of an organization of one of these names.
    pub organization: Vec<String>,
    /// Of a template of one of these names.
    pub template: Vec<String>,
    /// In a workspace of one of these owners.
    pub owner: Vec<String>,
    /// In a workspace of one of these names.
    pub workspace: Vec<String>,
    /// Whose names or ids contain this text, whatever the case: `owner/workspace.agent`,
    /// organization, template, the ids of agent and workspace.
    pub text: String,
}

/// A page of agents.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
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
/// An id never changes and no other follows from it, so whoever reads on after the last id of
/// each page meets an agent that is there all the time exactly once, whatever comes and goes.
/// Offsets could not say that.
pub fn select<'a>(
    fleet: &'a Fleet,
    filter: &Filter,
    after: Option<Uuid>,
    limit: usize,
) -> Option<Selection<'a>> {
    fleet.agents.as_ref()?;
    let matcher = Matcher::new(filter);
    let mut total = 0;
    let mut agents = Vec::new();
    let mut text = String::new();
    for (agent, assessment) in fleet.judged() {
        if !matcher.wants(fleet, agent, assessment, &mut text) {
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
    Some(Selection {
        total,
        agents,
        next: last.filter(|_| !is_last),
    })
}

struct Matcher<'a> {
    filter: &'a Filter,
    /// In lower case.
    text: String,
}

impl<'a> Matcher<'a> {
    fn new(filter: &'a Filter) -> Self {
        let text = filter.text.to_lowercase();
        Self { filter, text }
    }

    /// `buffer` is for the agent's names, and saves making one for each agent.
    fn wants(
        &self,
        fleet: &Fleet,
        agent: &Agent,
        assessment: Assessment,
        buffer: &mut String,
    ) -> bool {
        let filter = self.filter;
        let scope = fleet.snapshot.scopes.get(agent.scope);
        let organization = scope.map(|it| &*it.organization).unwrap_or_default();
        let template = scope.map(|it| &*it.template).unwrap_or_default();
        fits(&filter.health, &assessment.health)
            && fits(&filter.status, &assessment.status)
            && fits(&filter.kind, &agent.kind)
            && is_named(&filter.organization, organization)
            && is_named(&filter.template, template)
            && is_named(&filter.owner, &agent.owner)
            && is_named(&filter.workspace, &agent.workspace)
            && (self.text.is_empty() || self.is_in(agent, scope, buffer))
    }

    fn is_in(&self, agent: &Agent, scope: Option<&Scope>, buffer: &mut String) -> bool {
        buffer.clear();
        let name = [&*agent.owner, "/", &agent.workspace, ".", &agent.name];
        let of_scope = scope.map(|it| ["\n", &*it.organization, "\n", &it.template]);
        let ids = format!("\n{}\n{}", agent.id, agent.workspace_id);
        let parts = name.into_iter().chain(of_scope.into_iter().flatten());
        for part in parts.chain([&*ids]) {
            buffer.push_str(part);
        }
        buffer.to_lowercase().contains(&self.text)
    }
}

fn fits<T: PartialEq>(wanted: &[T], found: &T) -> bool {
    wanted.is_empty() || wanted.contains(found)
}

fn is_named(wanted: &[String], found: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|it| it == found)
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
