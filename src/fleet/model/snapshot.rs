//! All facts of one collection, read at one time.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Label, Scope, ScopeId};
use crate::fleet::model::app::{AppCount, NamedApp};
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::coder::Replica;
use crate::fleet::model::origin::Origins;
use crate::fleet::model::provisioner::Provisioners;
use crate::fleet::model::shared_fact::SharedFact;
use crate::fleet::model::startup::JobTimes;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingCount, StoppedWorkspace, WorkspaceCount};

/// The data of one read-only, repeatable-read transaction (`docs/spec/collection.md`).
///
/// A part is `None` if its collector is off or failed. `None` means unknown, unlike an empty list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The time of the data: the transaction's `now()`, or on a standby that lags, the time of the
    /// last replayed transaction. Every rule uses it as the current time.
    pub now: Timestamp,
    /// The exporter's clock minus the database's, in seconds; `None` where it is unknown.
    pub clock_skew_seconds: Option<f64>,
    /// How far a standby is behind, in seconds; `None` on a primary, and where
    /// it is unknown.
    pub replica_lag_seconds: Option<f64>,
    /// Parts of the schema that differ between versions of Coder.
    pub schema: Schema,
    /// What could not be asked and is absent for that reason: a sentence each, with what to do.
    pub notes: Vec<String>,
    /// Organizations and templates that have an agent.
    pub scopes: Scopes,
    /// Where the agents run.
    pub origins: Origins,
    /// All agents of the population (`docs/spec/population-and-kind.md`).
    pub agents: Option<Vec<Agent>>,
    /// Workspaces that were stopped lately.
    pub stopped: Vec<StoppedWorkspace>,
    /// Number of rows that were dropped because they repeated an agent.
    pub repeated_agents: u64,
    /// How many builds were not what was known of them from earlier collections, since the start.
    pub build_differences: u64,
    /// Number of apps by scope and health.
    pub apps: Option<Vec<AppCount>>,
    /// Number of apps by agent, name and health. Only loaded for Coder's own metrics.
    pub named_apps: Option<Vec<NamedApp>>,
    /// Names of apps left out, because their agent has too many.
    pub dropped_apps: u64,
    /// Number of workspaces that are not deleted, by scope and latest build.
    pub workspaces: Option<Vec<WorkspaceCount>>,
    /// Number of chats that are not archived, by scope and state of their binding.
    pub bindings: Option<Vec<BindingCount>>,
    /// Replicas of Coder, those whose sign of life is newest first.
    pub replicas: Option<Vec<Replica>>,
    /// Provisioner daemons, and the jobs that have not ended.
    pub provisioners: Option<Provisioners>,
    /// The id of the provisioner daemon that ran the latest build's job of each agent's workspace.
    pub provisioners_of_agents: Option<SharedFact<Uuid>>,
    /// For each key of `--incident.resource-metadata`, its value of each agent's resource.
    pub metadata_of_agents: Vec<(Label, SharedFact<Label>)>,
    /// The jobs that built the agents which have just started, by agent id.
    pub startup_jobs: Option<HashMap<Uuid, JobTimes>>,
    /// Why agents have their problems, by agent id; only those with a known cause.
    pub causes: HashMap<Uuid, Cause>,
    /// The scripts that explain their problems, by agent id.
    pub scripts: HashMap<Uuid, Vec<Script>>,
}

impl Snapshot {
    /// A snapshot of this time in which every part is unknown.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            clock_skew_seconds: None,
            replica_lag_seconds: None,
            schema: Schema::default(),
            notes: Vec::new(),
            scopes: Scopes::default(),
            origins: Origins::default(),
            agents: None,
            stopped: Vec::new(),
            repeated_agents: 0,
            build_differences: 0,
            apps: None,
            named_apps: None,
            dropped_apps: 0,
            workspaces: None,
            bindings: None,
            replicas: None,
            provisioners: None,
            provisioners_of_agents: None,
            metadata_of_agents: Vec::new(),
            startup_jobs: None,
            causes: HashMap::new(),
            scripts: HashMap::new(),
        }
    }
}

/// Properties of the database that depend on Coder's version. They are found in the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// `schema_migrations.version`; `None` without the privilege to read it.
    pub migration: Option<i64>,
    /// Whether `workspace_agents.parent_id` exists, which sub-agents need: from v2.22.
    pub has_parent_id: bool,
    /// Whether `workspace_agents.deleted` exists, which soft deletion needs: from v2.24.
    pub has_deleted: bool,
    /// Whether `chats.agent_id` exists, which bindings of chats need: from v2.32.
    pub has_chat_agent_id: bool,
    /// Whether `provisioner_daemons.last_seen_at` exists, which provisioners need: from v2.5.
    pub has_provisioner_last_seen: bool,
    /// Whether `workspace_agent_script_timings` exists, which names failed scripts: from v2.16.
    pub has_script_timings: bool,
    /// Whether the resource monitors of agents exist: from v2.20.
    pub has_resource_monitors: bool,
}

impl Schema {
    /// The last migration of the newest Coder whose schema this exporter was tested with.
    pub const NEWEST_TESTED: i64 = 556;

    /// The version of that Coder.
    pub const NEWEST_TESTED_CODER: &str = "v2.36.1";

    /// Whether a later migration has run than the exporter was tested with; `None` if unknown.
    pub fn is_newer_than_tested(&self) -> Option<bool> {
        Some(self.migration? > Self::NEWEST_TESTED)
    }

    /// What to say about a schema that is newer than the newest that was tested.
    pub fn note(&self) -> Option<String> {
        let migration = self.migration.filter(|it| *it > Self::NEWEST_TESTED)?;
        Some(format!(
            "the database is at migration {migration}; this exporter was tested up to {} (Coder {}): \
             it goes on with what it finds, look for a newer release of the exporter",
            Self::NEWEST_TESTED,
            Self::NEWEST_TESTED_CODER
        ))
    }
}

/// The distinct pairs of organization and template in a snapshot, numbered in the order in which
/// they were added.
///
/// Pairs are compared by name, because names are the label values: two templates with the same name
/// in one organization share a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    list: Vec<Scope>,
    ids: HashMap<Scope, ScopeId>,
}

impl Scopes {
    /// Adds the pair if it is new, and returns its number.
    pub fn intern(&mut self, scope: Scope) -> ScopeId {
        if let Some(&id) = self.ids.get(&scope) {
            return id;
        }
        // A database cannot hold 2^32 templates: the cast never cuts anything off.
        let id = ScopeId(self.list.len() as u32);
        self.list.push(scope.clone());
        self.ids.insert(scope, id);
        id
    }

    /// The number of a pair; `None` if it was not added.
    pub fn find(&self, scope: &Scope) -> Option<ScopeId> {
        self.ids.get(scope).copied()
    }

    /// The pair with this number; `None` if this snapshot has no such number.
    pub fn get(&self, id: ScopeId) -> Option<&Scope> {
        self.list.get(id.index())
    }

    /// All pairs, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.list.iter()
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are no pairs, because no agent was added.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_one_scope() {
        let scope = |organization: &str, template: &str| Scope {
            organization: organization.into(),
            template: template.into(),
        };
        let mut scopes = Scopes::default();
        let first = scopes.intern(scope("acme", "docker"));
        let other = scopes.intern(scope("acme", "kubernetes"));
        assert_eq!(scopes.intern(scope("acme", "docker")), first);
        assert_ne!(first, other);
        assert_eq!(scopes.len(), 2);
        assert_eq!(scopes.get(other), Some(&scope("acme", "kubernetes")));
        assert_eq!(scopes.find(&scope("acme", "kubernetes")), Some(other));
        assert_eq!(scopes.find(&scope("acme", "podman")), None);
    }
}
