//! The beginning and the end of a collection: what is kept of what was known, and what of it is read
//! again and compared.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Build, Builds, Doubted, HasAgent, NONE};

/// In each collection, one of so many known builds is read again and compared. So each is within
/// so many collections.
pub(super) const TURNS: u8 = 64;

impl Builds {
    /// Begins a collection: from now on it has these workspaces, which are sorted and each there
    /// once. Of those that were known it keeps what is known, except where it is their turn to be
    /// read again.
    pub(super) fn begin(&mut self, workspaces: &[Uuid]) {
        self.turn = (self.turn + 1) % TURNS;
        let turn = self.turn;
        self.keep_known(workspaces);
        let list = &self.list;
        self.doubted = list
            .iter()
            .filter(|it| it.is_known() && turn_of(it.workspace) == turn)
            .map(|it| Doubted {
                build: it.clone(),
                resources: Vec::new(),
            })
            .collect();
        self.forget_doubted();
    }

    /// Keeps the known builds of these workspaces, and makes all others unknown. In place: two lists
    /// of all builds are megabytes.
    fn keep_known(&mut self, workspaces: &[Uuid]) {
        let mut moved_to = vec![NONE; self.list.len()];
        let mut new = Vec::new();
        let mut old = self.list.iter().zip(&mut moved_to).peekable();
        for (&workspace, index) in workspaces.iter().zip(0..) {
            while old.next_if(|(it, _)| it.workspace < workspace).is_some() {}
            match old.next_if(|(it, _)| it.workspace == workspace) {
                Some((build, moved_to)) if build.is_known() => *moved_to = index,
                _ => new.push(Build::unknown(workspace)),
            }
        }
        self.resources.retain_mut(|resource| {
            resource.build = moved_to[resource.build as usize];
            resource.build != NONE
        });
        let mut moved_to = moved_to.into_iter();
        self.list.retain_mut(|build| {
            build.has_agent = HasAgent::No;
            moved_to.next() != Some(NONE)
        });
        if !new.is_empty() {
            self.list.reserve_exact(new.len());
            self.list.append(&mut new);
            self.list.sort_unstable_by_key(|it| it.workspace);
        }
    }

    /// Makes the doubted builds unknown, and keeps their resources beside.
    fn forget_doubted(&mut self) {
        for doubted in &self.doubted {
            if let Some(index) = self.find(doubted.build.workspace) {
                self.list[index] = Build::unknown(doubted.build.workspace);
            }
        }
        let (list, doubted) = (&self.list, &mut self.doubted);
        self.resources.retain(|resource| {
            let build = &list[resource.build as usize];
            if build.is_known() {
                return true;
            }
            let found = doubted.binary_search_by_key(&build.workspace, |it| it.build.workspace);
            if let Ok(index) = found {
                doubted[index].resources.push(resource.id);
            }
            false
        });
    }

    /// Ends a collection: compares what was read again, and forgets what may still change.
    pub(super) fn end(&mut self) {
        self.differences += self.differing().len() as u64;
        self.doubted.clear();
        self.forget_without_agents();
        let list = &self.list;
        self.resources.retain_mut(|it| {
            it.is_known = true;
            it.has_agent && list[it.build as usize].is_known()
        });
        self.resources.shrink_to_fit();
    }

    /// Makes builds unknown that had an agent before and have none now: their rows are gone, and
    /// another build may have the number of this one.
    fn forget_without_agents(&mut self) {
        for resource in self.resources.iter().filter(|it| it.is_known) {
            let build = &mut self.list[resource.build as usize];
            if build.has_agent == HasAgent::No {
                *build = Build::unknown(build.workspace);
            }
        }
    }

    /// The builds that were read again and are not what was known of them. A later build is no
    /// difference, nor is an agent that was deleted since.
    fn differing(&self) -> BTreeSet<u32> {
        let mut again = BTreeMap::new();
        for doubted in &self.doubted {
            let Some(index) = self.find(doubted.build.workspace) else {
                continue;
            };
            let build = &self.list[index];
            if build.is_known() && build.number == doubted.build.number {
                again.insert(index as u32, doubted);
            }
        }
        let others = again
            .iter()
            .filter(|(index, doubted)| !self.list[**index as usize].same(&doubted.build));
        let mut differing: BTreeSet<u32> = others.map(|(index, _)| *index).collect();
        for resource in self.resources.iter().filter(|it| it.has_agent) {
            let doubted = again.get(&resource.build);
            if doubted.is_some_and(|it| !it.resources.contains(&resource.id)) {
                differing.insert(resource.build);
            }
        }
        differing
    }
}

/// The turn at which a workspace's build is read again. Ids are random.
fn turn_of(workspace: Uuid) -> u8 {
    workspace.as_bytes()[15] % TURNS
}
