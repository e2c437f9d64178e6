//! Live connections and bindings by workspace: small, and never locked across an await.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::lazy::Dialed;
use super::parts::Target;

/// What is remembered of workspaces.
pub(super) struct Cache<C> {
    entries: Mutex<Entries<C>>,
    most: usize,
}

struct Entries<C> {
    by_workspace: HashMap<Uuid, Entry<C>>,
    /// Counts up with each use: who has the smallest number goes first.
    uses: u64,
}

struct Entry<C> {
    bound: Target,
    connection: Option<Arc<C>>,
    last_use: u64,
}

/// An agent and a connection to it, read together.
pub(super) struct Hit<C> {
    pub(super) target: Target,
    pub(super) connection: Arc<C>,
}

impl<C> Cache<C> {
    /// Remembers at most this many workspaces.
    pub(super) fn new(most: usize) -> Self {
        let entries = Entries {
            by_workspace: HashMap::new(),
            uses: 0,
        };
        Self {
            entries: Mutex::new(entries),
            most,
        }
    }

    /// The live connection of this workspace.
    pub(super) fn hit(&self, workspace: Uuid) -> Option<Hit<C>> {
        let mut entries = self.entries.lock();
        entries.touch(workspace)?.hit()
    }

    /// The agent this workspace is bound to, connected or not.
    pub(super) fn bound(&self, workspace: Uuid) -> Option<Target> {
        let mut entries = self.entries.lock();
        entries.touch(workspace).map(|entry| entry.bound.clone())
    }

    /// Binds a workspace that is not connected; a live connection keeps its own agent.
    pub(super) fn bind(&self, workspace: Uuid, target: Target) {
        let _replaced = {
            let mut entries = self.entries.lock();
            match entries.touch(workspace) {
                Some(entry) if entry.connection.is_some() => None,
                _ => entries.insert(workspace, target, None, self.most),
            }
        };
    }

    /// Remembers this connection, unless there is one already: then that one is shared and
    /// this one is released. Only to an agent that the directory has just named in place of
    /// the bound one, the connection to another agent gives way.
    pub(super) fn share(&self, workspace: Uuid, dialed: Dialed<C>) -> Hit<C> {
        let Dialed {
            connection,
            target,
            switched,
        } = dialed;
        let ours = Arc::new(connection);
        // What the cache lets go of is dropped after the lock: releasing may be anything.
        let (hit, _replaced) = {
            let mut entries = self.entries.lock();
            let theirs = entries.touch(workspace).and_then(|entry| entry.hit());
            match theirs.filter(|it| !switched || it.target.agent_id == target.agent_id) {
                Some(theirs) => (theirs, None),
                None => {
                    let hit = Hit {
                        target: target.clone(),
                        connection: ours.clone(),
                    };
                    let replaced = entries.insert(workspace, target, Some(ours.clone()), self.most);
                    (hit, replaced)
                }
            }
        };
        hit
    }

    /// Lets go of this very connection and of the binding that came with it; whatever took its
    /// place in the meantime stays.
    pub(super) fn forget_connection(&self, workspace: Uuid, connection: &Arc<C>) {
        let _released = {
            let mut entries = self.entries.lock();
            let is_it = entries
                .by_workspace
                .get(&workspace)
                .and_then(|entry| entry.connection.as_ref())
                .is_some_and(|known| Arc::ptr_eq(known, connection));
            match is_it {
                true => entries.by_workspace.remove(&workspace),
                false => None,
            }
        };
    }

    /// Lets go of everything about this workspace.
    pub(super) fn forget(&self, workspace: Uuid) {
        let _released = self.entries.lock().by_workspace.remove(&workspace);
    }

    /// Lets go of the connection and remembers the binding.
    pub(super) fn release(&self, workspace: Uuid) {
        let _released = {
            let mut entries = self.entries.lock();
            let entry = entries.by_workspace.get_mut(&workspace);
            entry.and_then(|entry| entry.connection.take())
        };
    }
}

impl<C> Entry<C> {
    fn hit(&self) -> Option<Hit<C>> {
        Some(Hit {
            target: self.bound.clone(),
            connection: self.connection.clone()?,
        })
    }
}

impl<C> Entries<C> {
    fn touch(&mut self, workspace: Uuid) -> Option<&mut Entry<C>> {
        self.uses += 1;
        let entry = self.by_workspace.get_mut(&workspace)?;
        entry.last_use = self.uses;
        Some(entry)
    }

    /// Gives back what had to go for it.
    fn insert(
        &mut self,
        workspace: Uuid,
        bound: Target,
        connection: Option<Arc<C>>,
        most: usize,
    ) -> Option<Entry<C>> {
        let last_use = self.uses;
        let entry = Entry {
            bound,
            connection,
            last_use,
        };
        let replaced = self.by_workspace.insert(workspace, entry);
        if self.by_workspace.len() <= most {
            return replaced;
        }
        let by_use = self.by_workspace.iter().min_by_key(|it| it.1.last_use);
        let oldest = by_use.map(|(&workspace, _)| workspace)?;
        self.by_workspace.remove(&oldest)
    }
}
