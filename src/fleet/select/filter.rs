//! Filters agents, with the same rule for pages and API.

use std::collections::HashSet;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Kind, Scope};
use crate::fleet::rules::health::{Assessment, Health};
use crate::fleet::rules::status::Status;
use crate::fleet::select::facet::{Facet, FacetValues};
use crate::fleet::stats::fleet_stats::FleetStats;

/// A filter of agents. An agent matches if it matches the text and every list that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Health classes; empty matches all.
    pub health: Vec<Health>,
    /// Connection statuses; empty matches all.
    pub status: Vec<Status>,
    /// Root agents or sub-agents; empty matches both.
    pub kind: Vec<Kind>,
    /// Exact names of organizations; empty matches all.
    pub organization: Vec<String>,
    /// Exact names of templates; empty matches all.
    pub template: Vec<String>,
    /// Exact user names of workspace owners; empty matches all.
    pub owner: Vec<String>,
    /// Exact names of workspaces; empty matches all.
    pub workspace: Vec<String>,
    /// Values of other fields. An agent must have one of the values of each field.
    pub facets: Vec<(Facet, String)>,
    /// Words that must all occur, in any case, in `owner/workspace.agent`, organization, template,
    /// its version, the agent's version, or the ids of agent and workspace. The address of a page
    /// of Coder or of this exporter means what it shows.
    pub text: String,
    /// Ids of agents; `None` matches all.
    pub ids: Option<HashSet<Uuid>>,
}

impl Filter {
    /// The words of `text`, in lower case.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let words = self.text.split_whitespace();
        words.map(|it| subject(it).to_lowercase())
    }
}

/// What a page shows whose address this word is; another word stays as it is. `/@ada/box.main/apps`
/// is a page of Coder about `ada/box.main`, and `/agents/<id>` one of this exporter.
fn subject(word: &str) -> String {
    let end = word.find(['?', '#']).unwrap_or(word.len());
    let path = &word[..end];
    if let Some((_, rest)) = path.split_once("/@") {
        let mut parts = rest.split('/');
        let (owner, workspace) = (parts.next().unwrap_or_default(), parts.next());
        return match workspace.filter(|it| !it.is_empty()) {
            Some(workspace) => format!("{owner}/{workspace}"),
            None => format!("{owner}/"),
        };
    }
    match path.split_once("/agents/") {
        Some((before, what)) if before.contains("://") => what.to_owned(),
        _ => word.trim_start_matches('@').to_owned(),
    }
}

/// A filter that is prepared for many agents.
#[derive(Debug)]
pub struct Matcher<'a> {
    filter: &'a Filter,
    fleet: &'a FleetStats,
    values: FacetValues<'a>,
    /// The words of [`Filter::text`], in lower case.
    words: Vec<String>,
    /// A buffer for an agent's names, reused for each agent.
    names: String,
}

impl<'a> Matcher<'a> {
    /// Splits and lower-cases the filter's text once.
    pub fn new(fleet: &'a FleetStats, filter: &'a Filter) -> Self {
        Self {
            filter,
            fleet,
            values: FacetValues::of(fleet),
            words: filter.words().collect(),
            names: String::new(),
        }
    }

    /// Whether the agent at this position of the snapshot, with this assessment, matches.
    pub fn wants(&mut self, position: usize, agent: &'a Agent, assessment: Assessment) -> bool {
        let filter = self.filter;
        let scope = self.fleet.snapshot.scopes.get(agent.scope);
        let organization = scope.map(|it| &*it.organization).unwrap_or_default();
        let template = scope.map(|it| &*it.template).unwrap_or_default();
        fits(&filter.health, &assessment.health)
            && fits(&filter.status, &assessment.status)
            && fits(&filter.kind, &agent.kind)
            && is_named(&filter.organization, organization)
            && is_named(&filter.template, template)
            && is_named(&filter.owner, &agent.owner)
            && is_named(&filter.workspace, &agent.workspace)
            && filter.ids.as_ref().is_none_or(|it| it.contains(&agent.id))
            && self.has_values(position, agent)
            && (self.words.is_empty() || self.has_words(agent, scope))
    }

    /// Whether it has one of the wanted values of each field.
    fn has_values(&self, position: usize, agent: &'a Agent) -> bool {
        let wanted = &self.filter.facets;
        wanted.iter().all(|(facet, _)| {
            let found = self.values.get(*facet, position, agent);
            let of_facet = wanted.iter().filter(|it| it.0 == *facet);
            of_facet.into_iter().any(|it| it.1 == *found)
        })
    }

    fn has_words(&mut self, agent: &Agent, scope: Option<&Scope>) -> bool {
        self.names.clear();
        let name = [&*agent.owner, "/", &agent.workspace, ".", &agent.name];
        let of_scope = scope.map(|it| ["\n", &*it.organization, "\n", &it.template]);
        let ids = format!("\n{}\n{}", agent.id, agent.workspace_id);
        let versions = ["\n", &*agent.template_version, "\n", &agent.version];
        let parts = name.into_iter().chain(of_scope.into_iter().flatten());
        for part in parts.chain(versions).chain([&*ids]) {
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
