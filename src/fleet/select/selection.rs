//! Selects and sorts agents for a page or a command.

use std::cmp::Ordering;
use std::collections::HashSet;

use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::fleet_stats::FleetStats;

/// A selection. The default is every problem, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Exact name of the organization; `None` selects all.
    pub organization: Option<String>,
    /// Exact name of the template; `None` selects all.
    pub template: Option<String>,
    /// Health classes; empty selects all problems.
    pub health: Vec<Health>,
    /// Words that must all occur, in any case, in `owner/workspace.agent` or in the id of the agent
    /// or workspace.
    pub text: String,
    /// Id of an incident, of which [`members`](Self::members) are the agents.
    pub incident: Option<String>,
    /// Ids of agents; `None` selects all.
    pub members: Option<HashSet<Uuid>>,
    /// Field to sort by.
    pub sort: SortKey,
    /// Direction of the sort.
    pub direction: Direction,
}

/// Fields to sort by. Equal agents are sorted by owner, workspace, agent and id, so that the order
/// is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SortKey {
    /// The time at which the problem began; agents without a problem come last.
    #[default]
    Since,
    /// User name of the owner, then name of the workspace.
    Owner,
    /// Name of the organization, then of the template.
    Template,
    /// Health class, in the order of the rules.
    Health,
}

/// Direction of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest or A first.
    #[default]
    Ascending,
    /// Newest or Z first.
    Descending,
}

/// A selected agent with the fields that a table shows.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'a> {
    /// Row of the agent.
    pub agent: &'a Agent,
    /// Organization and template of the agent.
    pub scope: Option<&'a Scope>,
    /// Health class of the agent.
    pub health: Health,
    /// When its problem began; `None` without a problem.
    pub since: Option<Timestamp>,
    /// Why it is stuck in `created`, if that is known.
    pub cause: Option<Cause>,
}

impl<'a> Selected<'a> {
    /// An agent of this fleet.
    pub fn of(fleet: &'a FleetStats, agent: &'a Agent, assessment: Assessment) -> Self {
        Self {
            agent,
            scope: fleet.snapshot.scopes.get(agent.scope),
            health: assessment.health,
            since: assessment.since,
            cause: fleet.snapshot.causes.get(&agent.id).copied(),
        }
    }
}

impl Selection {
    /// The selected agents in order; empty if agents are unknown.
    pub fn of<'a>(&self, fleet: &'a FleetStats) -> Vec<Selected<'a>> {
        let filter = self.filter();
        let mut matcher = Matcher::new(&filter);
        let wanted = fleet
            .judged()
            .filter(|(agent, assessment)| matcher.wants(fleet, agent, *assessment));
        let mut selected: Vec<_> = wanted
            .map(|(agent, assessment)| Selected::of(fleet, agent, assessment))
            .collect();
        selected.sort_by(|one, other| self.compare(one, other));
        selected
    }

    /// Whether the selection differs from all problems.
    pub fn is_narrowed(&self) -> bool {
        self.organization.is_some()
            || self.template.is_some()
            || self.incident.is_some()
            || !self.health.is_empty()
            || !self.text.trim().is_empty()
    }

    fn filter(&self) -> Filter {
        let problems = || Health::ALL.iter().copied().filter(|it| it.is_problem());
        let health = match self.health.is_empty() {
            true => problems().collect(),
            false => self.health.clone(),
        };
        Filter {
            health,
            organization: self.organization.iter().cloned().collect(),
            template: self.template.iter().cloned().collect(),
            text: self.text.clone(),
            ids: self.members.clone(),
            ..Filter::default()
        }
    }

    fn compare(&self, one: &Selected<'_>, other: &Selected<'_>) -> Ordering {
        let by_key = match self.sort {
            // Without a problem, and so without a since, is last in both directions.
            SortKey::Since => match (one.since, other.since) {
                (Some(one), Some(other)) => self.direction.of(one.cmp(&other)),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
            SortKey::Owner => self.direction.of(place(one).cmp(&place(other))),
            SortKey::Template => self.direction.of(one.scope.cmp(&other.scope)),
            SortKey::Health => self.direction.of(one.health.cmp(&other.health)),
        };
        by_key.then_with(|| rank(one).cmp(&rank(other)))
    }
}

impl Direction {
    fn of(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

fn place<'a>(it: &Selected<'a>) -> (&'a str, &'a str) {
    (&it.agent.owner, &it.agent.workspace)
}

fn rank<'a>(it: &Selected<'a>) -> (&'a str, &'a str, &'a str, Uuid) {
    let agent = it.agent;
    (&agent.owner, &agent.workspace, &agent.name, agent.id)
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
