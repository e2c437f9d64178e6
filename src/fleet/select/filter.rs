//! Which agents a reader wants to see: one rule for pages and API.

use crate::fleet::model::agent::{Agent, Kind, Scope};
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::rules::status::Status;
use crate::fleet::stats::fleet_stats::FleetStats;

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
    /// In whose names or ids each of these words occurs, whatever the case:
    /// `owner/workspace.agent`, organization, template, the ids of agent and workspace.
    pub text: String,
}

impl Filter {
    /// The words of the text, in lower case.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.text.split_whitespace().map(str::to_lowercase)
    }
}

/// A filter, ready to be held against every agent.
#[derive(Debug)]
pub struct Matcher<'a> {
    filter: &'a Filter,
    /// In lower case.
    words: Vec<String>,
    /// For an agent's names, which saves making one for each agent.
    names: String,
}

impl<'a> Matcher<'a> {
    /// Makes it ready.
    pub fn new(filter: &'a Filter) -> Self {
        Self {
            filter,
            words: filter.words().collect(),
            names: String::new(),
        }
    }

    /// Whether an agent of this fleet, which is judged like that, is wanted.
    pub fn wants(&mut self, fleet: &FleetStats, agent: &Agent, assessment: Assessment) -> bool {
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
            && (self.words.is_empty() || self.has_words(agent, scope))
    }

    fn has_words(&mut self, agent: &Agent, scope: Option<&Scope>) -> bool {
        self.names.clear();
        let name = [&*agent.owner, "/", &agent.workspace, ".", &agent.name];
        let of_scope = scope.map(|it| ["\n", &*it.organization, "\n", &it.template]);
        let ids = format!("\n{}\n{}", agent.id, agent.workspace_id);
        let parts = name.into_iter().chain(of_scope.into_iter().flatten());
        for part in parts.chain([&*ids]) {
            self.names.push_str(part);
        }
        let names = self.names.to_lowercase();
        self.words.iter().all(|word| names.contains(word))
    }
}

fn fits<T: PartialEq>(wanted: &[T], found: &T) -> bool {
    wanted.is_empty() || wanted.contains(found)
}

fn is_named(wanted: &[String], found: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|it| it == found)
}
