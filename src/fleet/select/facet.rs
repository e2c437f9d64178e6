//! What agents share with others: the values by which they are grouped and filtered.

use std::borrow::Cow;
use std::collections::HashMap;

use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::fleet::model::agent::Agent;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::fleet::stats::overview::{ByHealth, problems_in};

/// A field by which agents are grouped and filtered. The names are those of an incident's factors.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Facet {
    /// Name of the organization.
    Organization,
    /// Name of the template. Groups are `organization/template`.
    #[default]
    Template,
    /// `organization/template/version` of the latest build.
    TemplateVersion,
    /// Version of the agent.
    AgentVersion,
    /// Id of the coderd that the agent was last connected to.
    CoderdReplica,
    /// Name of the provisioner daemon that ran the latest build; its id where Coder forgot it.
    Provisioner,
    /// User name of the workspace's owner.
    Owner,
    /// Type of the resource that the agent runs on.
    ResourceType,
    /// Kind of the agent.
    Kind,
}

impl Facet {
    /// Its name for people.
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Template => "template",
            Self::TemplateVersion => "template version",
            Self::AgentVersion => "agent version",
            Self::CoderdReplica => "coderd replica",
            Self::Provisioner => "provisioner",
            Self::Owner => "owner",
            Self::ResourceType => "machine type",
            Self::Kind => "kind",
        }
    }
}

/// The values of a fleet's agents.
#[derive(Debug)]
pub struct FacetValues<'a> {
    fleet: &'a FleetStats,
    provisioners: HashMap<Uuid, &'a str>,
}

impl<'a> FacetValues<'a> {
    /// Looks up the names of the provisioner daemons once.
    pub fn of(fleet: &'a FleetStats) -> Self {
        let known = fleet.snapshot.provisioners.iter();
        let daemons = known.flat_map(|it| &it.daemons);
        Self {
            fleet,
            provisioners: daemons.map(|it| (it.id, it.name.as_str())).collect(),
        }
    }

    /// The value of the agent at this position of the snapshot; empty if it is unknown.
    pub fn get(&self, facet: Facet, position: usize, agent: &'a Agent) -> Cow<'a, str> {
        let snapshot = &self.fleet.snapshot;
        let scope = snapshot.scopes.get(agent.scope);
        let origin = snapshot.origins.get(agent.origin);
        match facet {
            Facet::Organization => scope.map_or("", |it| &it.organization).into(),
            Facet::Template => scope
                .map(|it| format!("{}/{}", it.organization, it.template))
                .unwrap_or_default()
                .into(),
            Facet::TemplateVersion if agent.template_version.is_empty() => "".into(),
            Facet::TemplateVersion => scope
                .map(|it| {
                    format!(
                        "{}/{}/{}",
                        it.organization, it.template, agent.template_version
                    )
                })
                .unwrap_or_default()
                .into(),
            Facet::AgentVersion => agent.version.as_str().into(),
            Facet::CoderdReplica => origin
                .and_then(|it| it.replica)
                .map(|it| it.to_string())
                .unwrap_or_default()
                .into(),
            Facet::Provisioner => self.provisioner(position),
            Facet::Owner => agent.owner.as_str().into(),
            Facet::ResourceType => origin.map_or("", |it| &it.resource_type).into(),
            Facet::Kind => agent.kind.as_str().into(),
        }
    }

    fn provisioner(&self, position: usize) -> Cow<'a, str> {
        let fact = self.fleet.snapshot.provisioners_of_agents.as_ref();
        let id = fact.and_then(|it| {
            let code = it.codes.get(position)?;
            it.values.get(*code as usize)
        });
        match id {
            None => "".into(),
            Some(id) => match self.provisioners.get(id) {
                Some(name) => (*name).into(),
                None => id.to_string().into(),
            },
        }
    }
}

/// Agents that share a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// The value; empty for agents whose value is unknown.
    pub value: Cow<'a, str>,
    /// Number of agents by health; classes that no agent has are missing.
    pub health: ByHealth,
}

impl Group<'_> {
    /// Number of agents.
    pub fn agents(&self) -> u64 {
        self.health.values().sum()
    }

    /// Number of agents with a problem.
    pub fn problems(&self) -> u64 {
        problems_in(&self.health)
    }
}

/// Groups agents by their values: the largest share of problems first.
pub(super) fn groups<'a>(agents: impl Iterator<Item = (Cow<'a, str>, Health)>) -> Vec<Group<'a>> {
    let mut found: HashMap<Cow<'a, str>, ByHealth> = HashMap::new();
    for (value, health) in agents {
        *found.entry(value).or_default().entry(health).or_default() += 1;
    }
    let groups = found.into_iter();
    let mut groups: Vec<_> = groups
        .map(|(value, health)| Group { value, health })
        .collect();
    groups.sort_by(|one, other| {
        // one.problems / one.agents against other.problems / other.agents, without division.
        let share = other.problems() * one.agents();
        let share = share.cmp(&(one.problems() * other.agents()));
        let size = other.problems().cmp(&one.problems());
        share.then(size).then_with(|| one.value.cmp(&other.value))
    });
    groups
}
