//! Connections and bindings by workspace. The cache is small and is never locked across an await.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use uuid::Uuid;

use super::lazy::Dialed;
use super::parts::Target;

/// The cache. When it is full, the workspace that was not used for the longest time is removed.
pub(super) struct Cache<C> {
    entries: Mutex<LruCache<Uuid, Entry<C>>>,
}

struct Entry<C> {
    bound: Target,
    connection: Option<Arc<C>>,
}

/// An agent and its connection, read at the same time.
pub(super) struct Hit<C> {
    pub(super) target: Target,
    pub(super) connection: Arc<C>,
}

impl<C> Cache<C> {
    /// A cache for at most this many workspaces, and at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        let mut entries = LruCache::unbounded();
        // Thus it takes room as it fills, and not all of it at once.
        entries.resize(most);
        Self {
            entries: Mutex::new(entries),
        }
    }

    /// The open connection of this workspace.
    pub(super) fn hit(&self, workspace: Uuid) -> Option<Hit<C>> {
        self.entries.lock().get(&workspace)?.hit()
    }

    /// The agent that this workspace is bound to, with or without a connection.
    pub(super) fn bound(&self, workspace: Uuid) -> Option<Target> {
        let mut entries = self.entries.lock();
        entries.get(&workspace).map(|entry| entry.bound.clone())
    }

    /// Binds a workspace. The binding of an open connection is not changed.
    pub(super) fn bind(&self, workspace: Uuid, target: Target) {
        let _replaced = {
            let mut entries = self.entries.lock();
            match entries.get(&workspace) {
                Some(entry) if entry.connection.is_some() => None,
                _ => entries.push(workspace, Entry::new(target, None)),
            }
        };
    }

    /// Stores a connection. If there is one already, that one is returned and the new one is
    /// released. But if the directory has just named another agent than the bound one, the new
    /// connection replaces the stored one.
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
            let theirs = entries.get(&workspace).and_then(Entry::hit);
            match theirs.filter(|it| !switched || it.target.agent_id == target.agent_id) {
                Some(theirs) => (theirs, None),
                None => {
                    let hit = Hit {
                        target: target.clone(),
                        connection: ours.clone(),
                    };
                    let entry = Entry::new(target, Some(ours));
                    (hit, entries.push(workspace, entry))
                }
            }
        };
        hit
    }

    /// Removes this connection and its binding. A newer connection of the workspace stays.
    pub(super) fn forget_connection(&self, workspace: Uuid, connection: &Arc<C>) {
        let _released = {
            let mut entries = self.entries.lock();
            let is_it = entries
                .peek(&workspace)
                .and_then(|entry| entry.connection.as_ref())
                .is_some_and(|known| Arc::ptr_eq(known, connection));
            match is_it {
                true => entries.pop(&workspace),
                false => None,
            }
        };
    }

    /// Removes the connection and the binding of this workspace.
    pub(super) fn forget(&self, workspace: Uuid) {
        let _released = self.entries.lock().pop(&workspace);
    }

    /// Removes the connection and keeps the binding.
    pub(super) fn release(&self, workspace: Uuid) {
        let _released = {
            let mut entries = self.entries.lock();
            let entry = entries.peek_mut(&workspace);
            entry.and_then(|entry| entry.connection.take())
        };
    }
}

impl<C> Entry<C> {
    fn new(bound: Target, connection: Option<Arc<C>>) -> Self {
        Self { bound, connection }
    }

    fn hit(&self) -> Option<Hit<C>> {
        Some(Hit {
            target: self.bound.clone(),
            connection: self.connection.clone()?,
        })
    }
}
