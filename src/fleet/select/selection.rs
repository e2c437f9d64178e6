//! Which agents a reader wants to see, in what order, and how many of them.

use std::cmp::Ordering;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::{Agent, Scope};
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::fleet::rules::health::Health;
use crate::fleet::select::filter::{Filter, Matcher};
use crate::fleet::stats::fleet_stats::FleetStats;

/// What is wanted; by default every problem, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Only of this organization, by its exact name.
    pub organization: Option<String>,
    /// Only of templates of this exact name.
    pub template: Option<String>,
    /// Only of these classes; of every problem when empty.
    pub health: Vec<Health>,
    /// Only those in which each of these words occurs, in any case: in owner, workspace and
    /// agent, written `owner/workspace.agent`, or in one of their ids.
    pub text: String,
    /// By what they are sorted.
    pub sort: SortKey,
    /// In which direction.
    pub direction: Direction,
}

/// What agents can be sorted by. Those that are equal in it follow by owner, workspace, agent
/// and id, so that two looks at one fleet show one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SortKey {
    /// By the moment from which the problem counts; those without a problem last.
    #[default]
    Since,
    /// By owner, then workspace.
    Owner,
    /// By organization, then template.
    Template,
    /// In the order of the rules.
    Health,
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The oldest, or A, first.
    #[default]
    Ascending,
    /// The newest, or Z, first.
    Descending,
}

/// One agent that was wanted.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'a> {
    /// Which.
    pub agent: &'a Agent,
    /// Its organization and template.
    pub scope: Option<&'a Scope>,
    /// What it is.
    pub health: Health,
    /// The moment from which its problem counts, if it has one.
    pub since: Option<Timestamp>,
    /// Why, where that was looked up.
    pub cause: Option<Cause>,
}

impl Selection {
    /// All agents that are wanted, in order; none when agents are unknown.
    pub fn of<'a>(&self, fleet: &'a FleetStats) -> Vec<Selected<'a>> {
        let filter = self.filter();
        let mut matcher = Matcher::new(&filter);
        let wanted = fleet
            .judged()
            .filter(|(agent, assessment)| matcher.wants(fleet, agent, *assessment));
        let mut selected: Vec<_> = wanted
            .map(|(agent, assessment)| Selected {
                agent,
                scope: fleet.snapshot.scopes.get(agent.scope),
                health: assessment.health,
                since: assessment.since,
                cause: fleet.snapshot.causes.get(&agent.id).copied(),
            })
            .collect();
        selected.sort_by(|one, other| self.compare(one, other));
        selected
    }

    /// Whether anything is left out that is a problem, or taken in that is none.
    pub fn is_narrowed(&self) -> bool {
        self.organization.is_some()
            || self.template.is_some()
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

fn rank<'a>(it: &Selected<'a>) -> (&'a str, &'a str, &'a str, uuid::Uuid) {
    let agent = it.agent;
    (&agent.owner, &agent.workspace, &agent.name, agent.id)
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
