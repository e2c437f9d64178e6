//! The database in memory, as the simulation leaves it. The history is simulated here and then
//! inserted at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use super::changes::{Changes, JobOutcome};
use super::rows::{
    Agent, App, Build, Chat, Job, Replica, Report, Resource, Rows, Script, TemplateVersion, Time,
    Timing, Workspace,
};

/// Reports that are older than this are of no use to the exporter. A fleet begins without them.
const KEPT_REPORTS: Time = 200;

/// The rows of each table, by id.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are the tables")]
pub struct Tables {
    pub replicas: BTreeMap<Uuid, Replica>,
    pub versions: BTreeMap<Uuid, TemplateVersion>,
    pub workspaces: BTreeMap<Uuid, Workspace>,
    pub jobs: BTreeMap<Uuid, Job>,
    pub builds: BTreeMap<Uuid, Build>,
    pub resources: BTreeMap<Uuid, Resource>,
    pub agents: BTreeMap<Uuid, Agent>,
    pub scripts: BTreeMap<Uuid, Script>,
    pub timings: BTreeMap<(Uuid, Time), Timing>,
    pub reports: VecDeque<Report>,
    pub apps: BTreeMap<Uuid, App>,
    pub chats: BTreeMap<Uuid, Chat>,
    doomed_jobs: BTreeSet<Uuid>,
}

impl Tables {
    /// Applies the changes as the statements of `simulation.rs` do to the database.
    pub fn apply(&mut self, changes: &Changes, now: Time) {
        self.insert(&changes.new);
        self.apply_to_coder(changes, now);
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
        self.apply_to_workspaces(changes, now);
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
            replicas: self.replicas.values().cloned().collect(),
            versions: self.versions.values().cloned().collect(),
            workspaces: self.workspaces.values().cloned().collect(),
            jobs: self.jobs.values().cloned().collect(),
            builds: self.builds.values().cloned().collect(),
            resources: self.resources.values().cloned().collect(),
            agents,
            scripts: self.scripts.values().cloned().collect(),
            timings: self.timings.values().cloned().collect(),
            reports: self.reports.iter().cloned().collect(),
            apps: self.apps.values().cloned().collect(),
            chats: self.chats.values().cloned().collect(),
        }
    }

    fn insert(&mut self, new: &Rows) {
        fn add<Row: Clone>(to: &mut BTreeMap<Uuid, Row>, rows: &[Row], id: impl Fn(&Row) -> Uuid) {
            to.extend(rows.iter().map(|row| (id(row), row.clone())));
        }
        add(&mut self.replicas, &new.replicas, |row| row.id);
        add(&mut self.versions, &new.versions, |row| row.id);
        add(&mut self.workspaces, &new.workspaces, |row| row.id);
        add(&mut self.jobs, &new.jobs, |row| row.id);
        add(&mut self.builds, &new.builds, |row| row.id);
        add(&mut self.resources, &new.resources, |row| row.id);
        add(&mut self.agents, &new.agents, |row| row.id);
        add(&mut self.scripts, &new.scripts, |row| row.id);
        add(&mut self.apps, &new.apps, |row| row.id);
        add(&mut self.chats, &new.chats, |row| row.id);
        self.reports.extend(new.reports.iter().cloned());
    }

    fn apply_to_coder(&mut self, changes: &Changes, now: Time) {
        for id in &changes.replicas_seen {
            if let Some(replica) = self.replicas.get_mut(id) {
                replica.updated_at = now;
            }
        }
        for id in &changes.replicas_removed {
            self.replicas.remove(id);
        }
        let is_old = |it: &Report| it.created_at < now - KEPT_REPORTS;
        while self.reports.front().is_some_and(is_old) {
            self.reports.pop_front();
        }
    }

    fn apply_to_workspaces(&mut self, changes: &Changes, now: Time) {
        for claim in &changes.claims {
            if let Some(workspace) = self.workspaces.get_mut(&claim.workspace) {
                workspace.owner_id = claim.owner;
                workspace.name.clone_from(&claim.name);
                workspace.last_used_at = Some(now);
            }
        }
        for id in &changes.used {
            if let Some(workspace) = self.workspaces.get_mut(id) {
                workspace.last_used_at = Some(now);
            }
        }
        for (id, seconds) in &changes.deadlines {
            if let Some(build) = self.builds.get_mut(id) {
                build.deadline = Some(now + seconds);
            }
        }
    }

    fn apply_to_jobs(&mut self, changes: &Changes, now: Time) {
        for (id, daemon) in &changes.jobs_started {
            if let Some(job) = self.jobs.get_mut(id) {
                job.started_at = Some(now);
                job.worker_id = Some(*daemon);
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
        for (id, version) in &changes.versions_told {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.version = version;
            }
        }
        for (id, replica) in &changes.heartbeats {
            if let Some(agent) = self.agents.get_mut(id) {
                agent.first_connected_at.get_or_insert(now);
                agent.last_connected_at = Some(now);
                agent.last_connected_replica_id = Some(*replica);
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
        for end in &changes.scripts_ended {
            let started_at = self.agents.get(&end.agent).and_then(|it| it.started_at);
            if let Some(started_at) = started_at {
                let timing = Timing {
                    script_id: end.script,
                    started_at,
                    ended_at: now,
                    exit_code: end.exit_code,
                    status: end.status,
                };
                self.timings.insert((end.script, started_at), timing);
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
            scripts,
            timings,
            apps,
            chats,
            ..
        } = self;
        self.jobs.retain(|id, _| !jobs.contains(id));
        builds.retain(|_, build| !jobs.contains(&build.job_id));
        resources.retain(|_, resource| !jobs.contains(&resource.job_id));
        agents.retain(|_, agent| resources.contains_key(&agent.resource_id));
        scripts.retain(|_, script| agents.contains_key(&script.workspace_agent_id));
        timings.retain(|(script, _), _| scripts.contains_key(script));
        apps.retain(|_, app| agents.contains_key(&app.agent_id));
        for chat in chats.values_mut() {
            chat.agent_id = chat.agent_id.filter(|id| agents.contains_key(id));
            chat.build_id = chat.build_id.filter(|id| builds.contains_key(id));
        }
    }
}
