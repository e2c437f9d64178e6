//! All facts of one pass, true at one moment.

use std::collections::HashMap;

use super::agent::{Agent, Scope, ScopeId};
use super::app::AppCount;
use super::time::Timestamp;

/// What the database said in one read-only, repeatable-read transaction (SPEC 2).
///
/// A part is `None` when its collector is off or failed: unknown, which is not the same as an
/// empty list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The transaction's `now()`: the one moment every rule is applied at.
    pub now: Timestamp,
    /// Organizations and templates that have an agent.
    pub scopes: Scopes,
    /// The population (SPEC 1.2).
    pub agents: Option<Vec<Agent>>,
    /// Apps of the population.
    pub apps: Option<Vec<AppCount>>,
}

/// The distinct (organization, template) pairs of a snapshot, numbered as they are met.
///
/// Pairs are told apart by name, since names are what the labels carry: two templates of one
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
        self.list.get(id.0 as usize)
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
