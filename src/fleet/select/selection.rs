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
use crate::fleet::rules::status::Status;
use crate::fleet::select::facet::{Facet, FacetValues, Group, groups};
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::fleet_stats::FleetStats;

/// A selection. The default is every problem, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Values that agents must have: one of the values of each field. That of a template is its
    /// name, in any organization.
    pub facets: Vec<(Facet, String)>,
    /// Health classes; empty selects all problems, or all agents if [`all`](Self::all) is set.
    pub health: Vec<Health>,
    /// Whether agents without a problem are selected too.
    pub all: bool,
    /// Words that must all occur, as in [`Filter::text`].
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
    /// Connection status of the agent.
    pub status: Status,
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
            status: assessment.status,
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
        let mut matcher = Matcher::new(fleet, &filter);
        let judged = fleet.judged().enumerate();
        let wanted = judged
            .filter(|(position, (agent, assessment))| matcher.wants(*position, agent, *assessment));
        let mut selected: Vec<_> = wanted
            .map(|(_, (agent, assessment))| Selected::of(fleet, agent, assessment))
            .collect();
        selected.sort_by(|one, other| self.compare(one, other));
        selected
    }

    /// Whether the selection differs from all problems.
    pub fn is_narrowed(&self) -> bool {
        !self.facets.is_empty()
            || self.all
            || self.incident.is_some()
            || !self.health.is_empty()
            || !self.text.trim().is_empty()
    }

    /// The value of this field, if one is wanted.
    pub fn value(&self, facet: Facet) -> Option<&str> {
        let found = self.facets.iter().find(|it| it.0 == facet);
        found.map(|it| it.1.as_str())
    }

    /// The same with only this value of the field, or with any where there is none.
    pub fn with(mut self, facet: Facet, value: Option<&str>) -> Self {
        self.facets.retain(|it| it.0 != facet);
        self.facets.extend(value.map(|it| (facet, it.to_owned())));
        self
    }

    /// Every agent that fits all but the health and this field, by the values of this field: the
    /// largest share of problems first.
    pub fn groups<'a>(&self, fleet: &'a FleetStats, facet: Facet) -> Vec<Group<'a>> {
        let mut selection = self.clone().with(facet, None);
        if facet == Facet::Template {
            selection = selection.with(Facet::Organization, None);
        }
        let mut filter = selection.filter();
        filter.health.clear();
        let mut matcher = Matcher::new(fleet, &filter);
        let values = FacetValues::of(fleet);
        let judged = fleet.judged().enumerate();
        groups(judged.filter_map(|(position, (agent, assessment))| {
            let value = || values.get(facet, position, agent);
            matcher
                .wants(position, agent, assessment)
                .then(|| (value(), assessment.health))
        }))
    }

    fn filter(&self) -> Filter {
        let problems = || Health::ALL.iter().copied().filter(|it| it.is_problem());
        let health = match (self.health.is_empty(), self.all) {
            (true, false) => problems().collect(),
            _ => self.health.clone(),
        };
        let named = |wanted: Facet| {
            let facets = self.facets.iter().filter(|it| it.0 == wanted);
            facets.map(|it| it.1.clone()).collect()
        };
        // Its value in a group has the organization as well.
        let others = self.facets.iter().filter(|it| it.0 != Facet::Template);
        Filter {
            health,
            template: named(Facet::Template),
            facets: others.cloned().collect(),
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
