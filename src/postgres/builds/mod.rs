//! The latest build of every workspace that is not deleted, with the resources that it made.
//!
//! What cannot change is read once (`docs/decisions/0023-what-cannot-change-is-read-once.md`): the
//! columns of a build, and the resources and the status of a job that has finished. Which build is
//! the latest, and everything else, is read in each collection.
//!
//! [`known`] keeps what is known between collections, [`read`] has the statements.

pub(super) mod known;
mod numbers;
pub(super) mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use uuid::Uuid;

use crate::fleet::model::agent::{Label, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;

use numbers::Numbers;

/// In each collection, one of so many known builds is read again and compared. So each is within
/// so many collections.
const TURNS: u8 = 64;

/// The latest builds, sorted by the ids of their workspaces.
#[derive(Debug, Default)]
pub(super) struct Builds {
    list: Vec<Build>,
    /// Sorted by id. Of a build that is known only those that had an agent: no other gets one
    /// later.
    resources: Vec<Resource>,
    transitions: Numbers<DbEnum<Transition>>,
    template_versions: Numbers<Uuid>,
    workers: Numbers<Uuid>,
    resource_types: Numbers<Label>,
    /// Known builds that are read again in this collection.
    doubted: Vec<Doubted>,
    turn: u8,
    /// How many doubted builds were not what was known of them.
    differences: u64,
}

/// The latest build of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Build {
    /// `workspaces.id`.
    pub(super) workspace: Uuid,
    /// `workspace_builds.job_id`; nil where it has none.
    job: Uuid,
    /// `workspace_builds.created_at`.
    pub(super) built_at: Option<Timestamp>,
    template_version: u32,
    /// The provisioner daemon that ran a finished job.
    worker: u32,
    transition: u32,
    state: State,
    /// Whether it has an agent, and one that serves its workspace. Found out in each collection.
    pub(super) has_agent: HasAgent,
}

/// What is known of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing yet, or the workspace has no build.
    Unknown,
    /// It was read in this collection.
    Read,
    /// Its job has finished with this status: nothing of it changes any more.
    Finished(JobStatus),
}

/// The agents of a build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HasAgent {
    /// There is none.
    #[default]
    No,
    /// There are sub-agents alone.
    Sub,
    /// There is one that serves the workspace.
    Serving,
}

/// A resource of a latest build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource {
    /// `workspace_resources.id`.
    pub(super) id: Uuid,
    /// The index of its build.
    pub(super) build: u32,
    resource_type: u32,
    has_agent: bool,
}

/// A known build whose turn it is to be read again, with its resources that had an agent.
#[derive(Debug)]
struct Doubted {
    build: Build,
    resources: Vec<Uuid>,
}

/// A number that no value has.
const NONE: u32 = u32::MAX;

impl Build {
    fn unknown(workspace: Uuid) -> Self {
        Self {
            workspace,
            job: Uuid::nil(),
            built_at: None,
            template_version: NONE,
            worker: NONE,
            transition: NONE,
            state: State::Unknown,
            has_agent: HasAgent::No,
        }
    }

    /// The number of its transition.
    pub(super) fn transition_number(&self) -> u32 {
        self.transition
    }

    /// The number of the daemon that ran its job, among [`Builds::workers`]; `u32::MAX` where that
    /// is not known.
    pub(super) fn worker(&self) -> u32 {
        self.worker
    }

    /// Whether the workspace has a build.
    pub(super) fn is_there(&self) -> bool {
        self.state != State::Unknown
    }

    /// The id of its job.
    pub(super) fn job(&self) -> Option<Uuid> {
        Some(self.job).filter(|it| !it.is_nil())
    }

    fn is_known(&self) -> bool {
        matches!(self.state, State::Finished(_))
    }

    /// Whether what cannot change is the same.
    fn same(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.built_at, it.template_version, it.worker, it.transition);
        (self.state, of(self)) == (other.state, of(other))
    }
}

impl Builds {
    /// Begins a collection: from now on it has these workspaces, which are sorted and each there
    /// once. Of those that were known it keeps what is known, except where it is their turn to be
    /// read again.
    fn begin(&mut self, workspaces: &[Uuid]) {
        self.turn = (self.turn + 1) % TURNS;
        let turn = self.turn;
        let mut old = mem::take(&mut self.list).into_iter().enumerate().peekable();
        let mut moved_to = vec![NONE; old.len()];
        self.list.reserve_exact(workspaces.len());
        for (&workspace, index) in workspaces.iter().zip(0..) {
            while old.next_if(|(_, it)| it.workspace < workspace).is_some() {}
            let known = old.next_if(|(_, it)| it.workspace == workspace);
            let mut build = Build::unknown(workspace);
            if let Some((before, known)) = known.filter(|(_, it)| it.is_known()) {
                moved_to[before] = index;
                build = Build {
                    has_agent: HasAgent::No,
                    ..known
                };
            }
            self.list.push(build);
        }
        let list = &self.list;
        self.resources.retain_mut(|resource| {
            resource.build = moved_to[resource.build as usize];
            resource.build != NONE
        });
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

    /// The index of a workspace's build.
    pub(super) fn find(&self, workspace: Uuid) -> Option<usize> {
        let found = self
            .list
            .binary_search_by_key(&workspace, |it| it.workspace);
        found.ok()
    }

    /// Every workspace, with its build where it has one.
    pub(super) fn list(&self) -> &[Build] {
        &self.list
    }

    /// The resources whose agents are to be read, sorted by id.
    pub(super) fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The transition of a build.
    pub(super) fn transition(&self, build: &Build) -> DbEnum<Transition> {
        self.transition_of(build.transition)
    }

    /// The transition with this number.
    pub(super) fn transition_of(&self, number: u32) -> DbEnum<Transition> {
        let known = self.transitions.get(number).cloned();
        known.unwrap_or_else(|| DbEnum::parse(None))
    }

    /// The ids of the template versions that there are.
    fn template_versions(&self) -> &[Uuid] {
        self.template_versions.all()
    }

    /// The type of a resource.
    pub(super) fn resource_type(&self, resource: &Resource) -> Label {
        let known = self.resource_types.get(resource.resource_type).cloned();
        known.unwrap_or_default()
    }

    /// Takes in the latest build of the workspace at this place, which is another than was known.
    fn add_build(
        &mut self,
        place: usize,
        job: Option<Uuid>,
        built_at: Option<Timestamp>,
        template_version: Option<Uuid>,
        transition: DbEnum<Transition>,
    ) {
        let version = template_version.map_or(NONE, |it| self.template_versions.of(it));
        let transition = self.transitions.of(transition);
        if let Some(build) = self.list.get_mut(place) {
            *build = Build {
                job: job.unwrap_or_default(),
                built_at,
                template_version: version,
                transition,
                state: State::Read,
                ..Build::unknown(build.workspace)
            };
        }
    }

    /// The workspace at this place has no build any more, or never had one.
    fn no_build(&mut self, place: usize) {
        if let Some(build) = self.list.get_mut(place) {
            *build = Build::unknown(build.workspace);
        }
    }

    /// The builds whose job has not finished, as far as is known: sorted by the job, with the
    /// index of each one.
    pub(super) fn unfinished(&self) -> Vec<(Uuid, u32)> {
        let list = self.list.iter().zip(0..);
        let list = list.filter(|(it, _)| it.state == State::Read && !it.job.is_nil());
        let mut jobs: Vec<_> = list.map(|(it, index)| (it.job, index)).collect();
        jobs.sort_unstable();
        jobs
    }

    /// Forgets the resources of builds that turned out to be others.
    fn drop_old_resources(&mut self) {
        let list = &self.list;
        self.resources
            .retain(|it| list[it.build as usize].is_known());
    }

    /// Takes in a resource of the build with this index.
    fn add_resource(&mut self, id: Uuid, build: u32, resource_type: Label) {
        let resource_type = self.resource_types.of(resource_type);
        self.resources.push(Resource {
            id,
            build,
            resource_type,
            has_agent: false,
        });
    }

    fn sort_resources(&mut self) {
        self.resources.sort_unstable_by_key(|it| it.id);
    }

    /// A resource has an agent, which serves its workspace or does not.
    pub(super) fn has_agent(&mut self, resource: usize, serves: bool) {
        let Some(resource) = self.resources.get_mut(resource) else {
            return;
        };
        resource.has_agent = true;
        let has_agent = match serves {
            true => HasAgent::Serving,
            false => HasAgent::Sub,
        };
        if let Some(build) = self.list.get_mut(resource.build as usize) {
            build.has_agent = build.has_agent.max(has_agent);
        }
    }

    /// This provisioner daemon ran the job of the build with this index.
    pub(super) fn ran(&mut self, index: u32, worker: Option<Uuid>) {
        let worker = worker.map_or(NONE, |it| self.workers.of(it));
        if let Some(build) = self.list.get_mut(index as usize) {
            build.worker = worker;
        }
    }

    /// The job of the build with this index has finished: nothing of it changes any more.
    pub(super) fn finish(&mut self, index: u32, status: JobStatus) {
        if let Some(build) = self.list.get_mut(index as usize) {
            build.state = State::Finished(status);
        }
    }

    /// The status of the build's job, where it has finished.
    pub(super) fn finished(&self, build: &Build) -> Option<JobStatus> {
        match build.state {
            State::Finished(status) => Some(status),
            State::Unknown | State::Read => None,
        }
    }

    /// The provisioner daemons.
    pub(super) fn workers(&self) -> &[Uuid] {
        self.workers.all()
    }

    /// Ends a collection: compares what was read again, and forgets what may still change.
    fn end(&mut self) {
        self.differences += self.differing().len() as u64;
        self.doubted.clear();
        let list = &self.list;
        self.resources
            .retain(|it| it.has_agent && list[it.build as usize].is_known());
        self.resources.shrink_to_fit();
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
            if build.is_known() && build.job == doubted.build.job {
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
