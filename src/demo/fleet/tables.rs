//! The database in memory, as the simulation leaves it. The history is simulated here and then
//! inserted at once.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::rows::{
    Agent, App, Build, Changes, Chat, Job, JobOutcome, Resource, Rows, Time, Workspace,
};

/// The rows of each table, by id.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are the tables")]
pub struct Tables {
    pub workspaces: BTreeMap<Uuid, Workspace>,
    pub jobs: BTreeMap<Uuid, Job>,
    pub builds: BTreeMap<Uuid, Build>,
    pub resources: BTreeMap<Uuid, Resource>,
    pub agents: BTreeMap<Uuid, Agent>,
    pub apps: BTreeMap<Uuid, App>,
    pub chats: BTreeMap<Uuid, Chat>,
    doomed_jobs: BTreeSet<Uuid>,
}

impl Tables {
    /// Applies the changes as the statements of `simulation.rs` do to the database.
    pub fn apply(&mut self, changes: &Changes, now: Time) {
        self.insert(&changes.new);
        self.apply_to_jobs(changes, now);
        self.apply_to_agents(changes, now);
        for (id, health) in &changes.app_healths {
            if let Some(app) = self.apps.get_mut(id) {
                app.health = health;
            }
        }
        for (id, build, agent) in &changes.bindings {
            if let Some(chat) = self.chats.get_mut(id) {
                chat.build_id = Some(*build);
                chat.agent_id = Some(*agent);
            }
        }
        for id in &changes.workspaces_deleted {
            if let Some(workspace) = self.workspaces.get_mut(id) {
                workspace.deleted = true;
            }
        }
        for id in &changes.chats_pruned {
            self.chats.remove(id);
        }
        for id in &changes.workspaces_pruned {
            self.workspaces.remove(id);
        }
        // One sweep looks at every row: many jobs at once.
        self.doomed_jobs.extend(&changes.jobs_pruned);
        if self.doomed_jobs.len() > self.jobs.len() / 4 {
            self.prune();
        }
    }

    /// All rows. Agents come after their parents.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let mut agents: Vec<Agent> = self.agents.values().cloned().collect();
        agents.sort_by_key(|agent| agent.parent_id.is_some());
        Rows {
            workspaces: self.workspaces.values().cloned().collect(),
            jobs: self.jobs.values().cloned().collect(),
            builds: self.builds.values().cloned().collect(),
            resources: self.resources.values().cloned().collect(),
            agents,
            apps: self.apps.values().cloned().collect(),
            chats: self.chats.values().cloned().collect(),
        }
    }

    fn insert(&mut self, new: &Rows) {
        self.workspaces
            .extend(new.workspaces.iter().map(|row| (row.id, row.clone())));
        self.jobs
            .extend(new.jobs.iter().map(|row| (row.id, row.clone())));
        self.builds
            .extend(new.builds.iter().map(|row| (row.id, row.clone())));
        self.resources
            .extend(new.resources.iter().map(|row| (row.id, row.clone())));
        self.agents
            .extend(new.agents.iter().map(|row| (row.id, row.clone())));
        self.apps
            .extend(new.apps.iter().map(|row| (row.id, row.clone())));
        self.chats
            .extend(new.chats.iter().map(|row| (row.id, row.clone())));
    }

    fn apply_to_jobs(&mut self, changes: &Changes, now: Time) {
        for id in &changes.jobs_started {
            if let Some(job) = self.jobs.get_mut(id) {
                job.started_at = Some(now);
            }
        }
        for (id, outcome) in &changes.jobs_ended {
            if let Some(job) = self.jobs.get_mut(id) {
                job.completed_at = Some(now);
                match outcome {
                    JobOutcome::Succeeded => {}
                    JobOutcome::Failed(error) => job.error = Some(error),
                    JobOutcome::Canceled => job.canceled_at = Some(now),
                }
            }
        }
    }

    fn apply_to_agents(&mut self, changes: &Changes, now: Time) {
        for id in &changes.heartbeats {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.first_connected_at.get_or_insert(now);
                agent.last_connected_at = Some(now);
            }
        }
        for id in &changes.disconnects {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.disconnected_at = Some(now);
            }
        }
        for (id, state) in &changes.lifecycles {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.lifecycle_state = state;
                match *state {
                    // It may have been ready before, and is not any more.
                    "starting" => {
                        agent.started_at = Some(now);
                        agent.ready_at = None;
                    }
                    "ready" | "start_timeout" | "start_error" => agent.ready_at = Some(now),
                    _ => {}
                }
            }
        }
        for id in &changes.agents_deleted {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.deleted = true;
            }
        }
    }

    /// Removes the rows that depend on pruned jobs, as foreign keys do: children are deleted, and
    /// bindings of chats become null.
    pub fn prune(&mut self) {
        let jobs = std::mem::take(&mut self.doomed_jobs);
        let Self {
            builds,
            resources,
            agents,
            apps,
            chats,
            ..
        } = self;
        self.jobs.retain(|id, _| !jobs.contains(id));
        builds.retain(|_, build| !jobs.contains(&build.job_id));
        resources.retain(|_, resource| !jobs.contains(&resource.job_id));
        agents.retain(|_, agent| resources.contains_key(&agent.resource_id));
        apps.retain(|_, app| agents.contains_key(&app.agent_id));
        for chat in chats.values_mut() {
            chat.agent_id = chat.agent_id.filter(|id| agents.contains_key(id));
            chat.build_id = chat.build_id.filter(|id| builds.contains_key(id));
        }
    }
}
