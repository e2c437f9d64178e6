//! Which workspaces there are: the first ones, and those that take the place of deleted ones.

use super::build::Wish;
use super::changes::Changes;
use super::outcome::StartOutcome;
use super::rows::Time;
use super::seed_data::{PEOPLE, PREBUILDS, PREBUILT_TEMPLATES, WORKSPACE_NAMES};
use super::workspace::Workspace;
use super::{Fleet, KEPT_DELETED, PER_PREBUILD, STOPPED_PERCENT, event};

impl Fleet {
    /// Creates the first workspaces. Most of them start within the first minutes.
    pub(super) fn found(&mut self, size: usize, now: Time) -> Changes {
        let mut changes = Changes::default();
        self.deployment.found(&self.seed_data, now, &mut changes);
        let prebuilds = match self.era.has_prebuilds() {
            true => size / PER_PREBUILD,
            false => 0,
        };
        for position in 0..size {
            let is_prebuilt = position < prebuilds;
            let mut workspace = match is_prebuilt {
                true => {
                    let template = PREBUILT_TEMPLATES[position % PREBUILT_TEMPLATES.len()];
                    self.prebuild(template, now, &mut changes)
                }
                false => {
                    let template = event::template(self.era, &mut self.rng);
                    self.create(template, now, &mut changes)
                }
            };
            if is_prebuilt || !self.rng.percent(STOPPED_PERCENT) {
                let at = now + self.rng.within(1..900);
                workspace.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
            }
            self.workspaces.push(workspace);
        }
        changes
    }

    fn create(&mut self, template: usize, now: Time, changes: &mut Changes) -> Workspace {
        let owner = self.rng.below(PEOPLE.len());
        let name = self.unused_name(owner);
        Workspace::new(owner, name, template, &mut self.context(now, changes))
    }

    /// A workspace that waits for a person to claim it.
    fn prebuild(&mut self, template: usize, now: Time, changes: &mut Changes) -> Workspace {
        let name = format!("prebuild-{:08x}", self.rng.uuid().as_fields().0);
        let mut cx = self.context(now, changes);
        Workspace::new(PREBUILDS, name, template, &mut cx)
    }

    /// What a person calls the next workspace.
    fn unused_name(&mut self, owner: usize) -> String {
        let base = self.rng.below(WORKSPACE_NAMES.len());
        let count = self.names.entry((owner, base)).or_default();
        *count += 1;
        match *count {
            1 => WORKSPACE_NAMES[base].to_owned(),
            count => format!("{}-{count}", WORKSPACE_NAMES[base]),
        }
    }

    /// Puts a new workspace of the template in the place of a deleted one, and removes the oldest deleted
    /// one. Where a prebuilt one is ready, its owner claims that instead, and Coder makes another.
    pub(super) fn bury(&mut self, index: usize, now: Time, changes: &mut Changes) {
        let template = self.workspaces[index].template;
        let is_ready = |it: &Workspace| it.is_prebuild() && it.template == template && it.is_well();
        let ready = self.workspaces.iter().position(is_ready);
        let mut successor = match ready {
            Some(_) => self.prebuild(template, now, changes),
            None => self.create(template, now, changes),
        };
        let at = now + self.rng.within(5..60);
        successor.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
        let dead = std::mem::replace(&mut self.workspaces[index], successor);
        if let Some(ready) = ready {
            let name = self.unused_name(dead.owner);
            let (workspace, mut cx) = self.at(ready, now, changes);
            workspace.claim(dead.owner, name, &mut cx);
        }
        self.deleted.push_back(dead);
        if self.deleted.len() > KEPT_DELETED
            && let Some(forgotten) = self.deleted.pop_front()
        {
            let (jobs, chats) = forgotten.remains();
            changes.jobs_pruned.extend(jobs);
            changes.chats_pruned.extend(chats);
            changes.workspaces_pruned.push(forgotten.id);
        }
    }
}
