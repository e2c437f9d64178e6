//! All facts of one collection, true at one moment.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fleet::model::agent::{Agent, Scope, ScopeId};
use crate::fleet::model::app::{AppCount, NamedApp};
use crate::fleet::model::cause::{Cause, Script};
use crate::fleet::model::coder::Replica;
use crate::fleet::model::origin::Origins;
use crate::fleet::model::provisioner::Provisioners;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::{BindingCount, StoppedWorkspace, WorkspaceCount};

/// What the database said in one read-only, repeatable-read transaction
/// (`docs/spec/collection.md`).
///
/// A part is `None` when its collector is off or failed: unknown, which is not the same as an
/// empty list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The moment the data is true for: the transaction's `now()`, or on a standby that is
    /// behind, the last transaction it has replayed. Every rule is applied at this moment.
    pub now: Timestamp,
    /// How far a standby is behind, in seconds; `None` on a primary, and where
    /// it is unknown.
    pub replica_lag_seconds: Option<f64>,
    /// What kind of Coder it is.
    pub schema: Schema,
    /// What could not be asked and is absent for that reason: a sentence each, with what to do.
    pub notes: Vec<String>,
    /// Organizations and templates that have an agent.
    pub scopes: Scopes,
    /// Where the agents run.
    pub origins: Origins,
    /// The population (`docs/spec/population-and-kind.md`).
    pub agents: Option<Vec<Agent>>,
    /// Workspaces that were stopped lately.
    pub stopped: Vec<StoppedWorkspace>,
    /// Rows of agents left out, because the same agent had another.
    pub repeated_agents: u64,
    /// Apps of the population.
    pub apps: Option<Vec<AppCount>>,
    /// Apps of the population by name, where Coder's own metrics are served too.
    pub named_apps: Option<Vec<NamedApp>>,
    /// Names of apps left out, because their agent has too many.
    pub dropped_apps: u64,
    /// Workspaces that are not deleted.
    pub workspaces: Option<Vec<WorkspaceCount>>,
    /// Chats that are not archived.
    pub bindings: Option<Vec<BindingCount>>,
    /// Replicas of Coder, those whose sign of life is newest first.
    pub replicas: Option<Vec<Replica>>,
    /// Provisioner daemons, and the jobs that have not ended.
    pub provisioners: Option<Provisioners>,
    /// Why agents have their problems, by agent id; only those with a known cause.
    pub causes: HashMap<Uuid, Cause>,
    /// The scripts that explain their problems, by agent id.
    pub scripts: HashMap<Uuid, Vec<Script>>,
}

impl Snapshot {
    /// A snapshot of this moment in which nothing else is known yet.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            replica_lag_seconds: None,
            schema: Schema::default(),
            notes: Vec::new(),
            scopes: Scopes::default(),
            origins: Origins::default(),
            agents: None,
            stopped: Vec::new(),
            repeated_agents: 0,
            apps: None,
            named_apps: None,
            dropped_apps: 0,
            workspaces: None,
            bindings: None,
            replicas: None,
            provisioners: None,
            causes: HashMap::new(),
            scripts: HashMap::new(),
        }
    }
}

/// What kind of Coder the database belongs to, found by looking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// `schema_migrations.version`; `None` when it may not be read.
    pub migration: Option<i64>,
    /// Has sub-agents: `workspace_agents.parent_id`, from v2.22.
    pub has_parent_id: bool,
    /// Has soft deletion: `workspace_agents.deleted`, from v2.24.
    pub has_deleted: bool,
    /// Has bound chats: `chats.agent_id`, from v2.32.
    pub has_chat_agent_id: bool,
}

/// The distinct (organization, template) pairs of a snapshot, numbered as they are met.
///
/// Pairs are distinguished by name, since names are what the labels carry: two templates of one
/// name are one series, counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    list: Vec<Scope>,
    ids: HashMap<Scope, ScopeId>,
}

impl Scopes {
    /// The number of this pair, new or known.
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

    /// The pair of that number, if this snapshot gave it out.
    pub fn get(&self, id: ScopeId) -> Option<&Scope> {
        self.list.get(id.index())
    }

    /// All pairs, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.list.iter()
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether no agent has been met.
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
    }
}
