//! The latest build of every workspace that is not deleted, with the resources that it made.
//!
//! What cannot change is read once (`docs/decisions/0023-what-cannot-change-is-read-once.md`): the
//! columns of a build, and the resources and the status of a job that has finished. Which build is
//! the latest, and everything else, is read in each collection.
//!
//! [`known`] keeps what is known between collections, [`turns`] begins and ends one, [`read`] has the
//! statements.

pub(super) mod known;
mod numbers;
pub(super) mod read;
#[cfg(test)]
mod tests;
mod turns;

use uuid::Uuid;

use crate::fleet::model::agent::{Label, Transition};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::sorted::find_by_id;
use crate::fleet::model::time::Timestamp;
use crate::fleet::model::workspace::JobStatus;

use numbers::Numbers;

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
    /// `workspace_builds.build_number`; 0 where there is no build, since Coder counts from 1.
    number: i32,
    /// `workspace_builds.created_at`.
    pub(super) built_at: Option<Timestamp>,
    template_version: u32,
    /// The provisioner daemon that ran a finished job.
    worker: u32,
    /// A handful of values; a number of four bytes would make a build eight bytes larger.
    transition: u16,
    state: State,
    /// Whether it has an agent, and one that serves its workspace. Found out in each collection.
    pub(super) has_agent: HasAgent,
}

/// The columns of a build that was read.
#[derive(Debug)]
struct NewBuild {
    number: i32,
    built_at: Option<Timestamp>,
    template_version: Option<Uuid>,
    transition: DbEnum<Transition>,
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
    /// A handful of values; a number of four bytes would make a resource four bytes larger.
    resource_type: u16,
    has_agent: bool,
    /// Whether it had an agent in an earlier collection.
    is_known: bool,
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
            number: 0,
            built_at: None,
            template_version: NONE,
            worker: NONE,
            transition: u16::MAX,
            state: State::Unknown,
            has_agent: HasAgent::No,
        }
    }

    /// The number of its transition.
    pub(super) fn transition_number(&self) -> u16 {
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

    /// Its number, by which it is asked whether it is still the latest; 0 where none is known.
    fn number(&self) -> i32 {
        self.number
    }

    fn is_known(&self) -> bool {
        matches!(self.state, State::Finished(_))
    }

    /// Whether what cannot change is the same.
    fn same(&self, other: &Self) -> bool {
        let columns = |it: &Self| (it.built_at, it.template_version, it.transition);
        let job = |it: &Self| (it.state, it.worker);
        (columns(self), job(self)) == (columns(other), job(other))
    }
}

impl Builds {
    /// The index of a workspace's build.
    pub(super) fn find(&self, workspace: Uuid) -> Option<usize> {
        find_by_id(&self.list, workspace, |it| it.workspace)
    }

    /// Every workspace, with its build where it has one.
    pub(super) fn list(&self) -> &[Build] {
        &self.list
    }

    /// The resources whose agents are to be read, sorted by id.
    pub(super) fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource with this id, and its index.
    pub(super) fn resource(&self, id: Uuid) -> Option<(usize, Resource)> {
        let index = find_by_id(&self.resources, id, |it| it.id)?;
        self.resources.get(index).map(|it| (index, *it))
    }

    /// The transition of a build.
    pub(super) fn transition(&self, build: &Build) -> DbEnum<Transition> {
        self.transition_of(build.transition)
    }

    /// The transition with this number.
    pub(super) fn transition_of(&self, number: u16) -> DbEnum<Transition> {
        let known = self.transitions.get(number.into()).cloned();
        known.unwrap_or_else(|| DbEnum::parse(None))
    }

    /// The ids of the template versions that there are.
    fn template_versions(&self) -> &[Uuid] {
        self.template_versions.all()
    }

    /// The type of a resource.
    pub(super) fn resource_type(&self, resource: &Resource) -> Label {
        let known = self
            .resource_types
            .get(resource.resource_type.into())
            .cloned();
        known.unwrap_or_default()
    }

    /// Takes in the latest build of the workspace at this place, which is another than was known.
    fn add_build(&mut self, place: usize, new: NewBuild) {
        let version = new.template_version;
        let version = version.map_or(NONE, |it| self.template_versions.of(it));
        let transition = self.transitions.of(new.transition);
        let transition = u16::try_from(transition).unwrap_or(u16::MAX);
        if let Some(build) = self.list.get_mut(place) {
            *build = Build {
                number: new.number,
                built_at: new.built_at,
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

    /// Forgets the resources of builds that turned out to be others.
    fn drop_old_resources(&mut self) {
        let list = &self.list;
        self.resources
            .retain(|it| list[it.build as usize].is_known());
    }

    /// Takes in a resource of the build with this index.
    fn add_resource(&mut self, id: Uuid, build: u32, resource_type: Label) {
        let resource_type = self.resource_types.of(resource_type);
        let resource_type = u16::try_from(resource_type).unwrap_or(u16::MAX);
        self.resources.push(Resource {
            id,
            build,
            resource_type,
            has_agent: false,
            is_known: false,
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
}
