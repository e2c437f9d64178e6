//! The builds of a workspace: their transition, result and agents.

use std::ops::Range;

use uuid::Uuid;

use super::agent::Agent;
use super::changes::{Changes, JobOutcome};
use super::context::Context;
use super::outcome::StartOutcome;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Time, Word};
use super::seed_data::{BUILD_ERRORS, Machine};
use super::workspace::Workspace;

/// Number of builds of a workspace whose rows are kept. Coder keeps them for ever, but a demo may
/// run for a week.
const KEPT_BUILDS: usize = 5;

/// So long after its last sign of life Coder gives up a job.
const HUNG_AFTER: Time = 300;
const HUNG_JOB: Word = "Build has been detected as hung for 5m and has been terminated.";

/// What a user wants from a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Start(StartOutcome),
    Stop,
    /// Coder stops the workspace, since its deadline has passed.
    Autostop,
    /// Stop and start the workspace.
    Restart(StartOutcome),
    /// Stop and start the workspace in a rolling rebuild of its template.
    Rebuild,
    Delete,
}

#[derive(Debug)]
pub(super) enum Stage {
    Building(Running),
    Up,
    Stopped,
    Failed,
    Deleted,
}

/// A provisioner job in progress.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) job_id: Uuid,
    pub(super) started: bool,
    pub(super) starts_at: Time,
    pub(super) ends_at: Time,
    pub(super) wish: Wish,
    pub(super) outcome: JobOutcome,
    /// Where the daemon runs that works on it.
    pub(super) host: Option<usize>,
}

/// The build and resource that a new agent belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) resource_id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    pub(super) name: Word,
    pub(super) display_order: i32,
    pub(super) apps: usize,
    /// The version of its agent.
    pub(super) version: Word,
}

impl Workspace {
    /// Starts a build. The rows of the earlier build stay and become history.
    pub(super) fn build(&mut self, wish: Wish, outcome: JobOutcome, cx: &mut Context<'_>) {
        self.leave_agents(wish, cx.changes);
        let (transition, seconds) = match wish {
            Wish::Start(_) => ("start", 4..20),
            Wish::Stop | Wish::Autostop | Wish::Restart(_) | Wish::Rebuild => ("stop", 3..10),
            Wish::Delete => ("delete", 3..10),
        };
        // What stops is of the version that it was started with.
        if transition == "start" {
            self.version_id = cx.deployment.version(self.template).id;
        }
        self.usage.deadline = None;
        let (build_id, job_id) = (cx.rng.uuid(), cx.rng.uuid());
        let template = &cx.seed_data.templates[self.template];
        cx.changes.new.jobs.push(rows::Job {
            id: job_id,
            organization_id: template.organization_id,
            created_at: cx.now,
            started_at: None,
            canceled_at: None,
            completed_at: None,
            error: None,
            worker_id: None,
        });
        self.build_number += 1;
        let reason = match wish {
            Wish::Autostop => "autostop",
            Wish::Start(_) if cx.rng.percent(20) => "autostart",
            _ => "initiator",
        };
        cx.changes.new.builds.push(rows::Build {
            id: build_id,
            workspace_id: self.id,
            template_version_id: self.version_id,
            build_number: self.build_number,
            transition,
            job_id,
            created_at: cx.now,
            reason,
            deadline: None,
        });
        self.builds.push_back((build_id, job_id));
        if self.builds.len() > KEPT_BUILDS {
            cx.changes
                .jobs_pruned
                .extend(self.builds.pop_front().map(|(_, job)| job));
        }
        let starts_at = cx.now + cx.rng.within(1..3);
        self.next_wish = None;
        self.stage = Stage::Building(Running {
            job_id,
            started: false,
            starts_at,
            ends_at: starts_at + cx.rng.within(seconds),
            wish,
            outcome,
            host: None,
        });
    }

    /// The coderd on a host goes without a word, and its provisioner daemons with it. Coder ends a
    /// job that it hears nothing of after five minutes. Returns how many agents were connected to
    /// this replica; they connect again at a time between these two.
    pub(super) fn lose_coderd(
        &mut self,
        (host, replica): (usize, Uuid),
        back_within: Range<Time>,
        cx: &mut Context<'_>,
    ) -> usize {
        if let Stage::Building(running) = &mut self.stage
            && running.host == Some(host)
        {
            running.host = None;
            running.outcome = JobOutcome::Failed(HUNG_JOB);
            running.ends_at = back_within.start.max(cx.now) + HUNG_AFTER;
        }
        let mut lost = 0;
        for agent in &mut self.agents {
            let back_at = cx.rng.within(back_within.clone());
            lost += usize::from(agent.lose_coderd(replica, back_at));
        }
        lost
    }

    fn leave_agents(&mut self, wish: Wish, changes: &mut Changes) {
        let left = self.agents.iter().map(|agent| agent.id);
        self.earlier_agents.extend(left);
        let mut agents = self.agents.drain(..);
        if let Wish::Restart(start_outcome) = wish
            && start_outcome.is_resumed()
        {
            // A suspended machine says no goodbye.
            self.suspended = agents.next().map(|agent| agent.suspend(changes));
        }
        for mut agent in agents {
            agent.hang_up(changes);
        }
    }

    pub(super) fn end_build(
        &mut self,
        job_id: Uuid,
        wish: Wish,
        outcome: JobOutcome,
        cx: &mut Context<'_>,
    ) {
        if outcome == JobOutcome::Succeeded {
            let earlier = std::mem::take(&mut self.earlier_agents);
            if cx.era.deletes_earlier_agents() {
                cx.changes.agents_deleted.extend(earlier);
            }
        }
        self.stage = match (outcome, wish) {
            (JobOutcome::Failed(_) | JobOutcome::Canceled, _) => {
                let at = cx.now + cx.rng.within(180..900);
                self.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
                Stage::Failed
            }
            (JobOutcome::Succeeded, Wish::Start(start_outcome)) => {
                self.add_agents(job_id, "start", start_outcome, cx);
                self.begin_deadline(cx);
                self.reopen_chats(cx);
                let start_outcome = self.start_outcome(start_outcome, cx);
                self.next_wish = self
                    .patience(start_outcome, cx.pace, cx.rng)
                    .map(|patience| (cx.now + patience, Wish::Restart(StartOutcome::Well)));
                Stage::Up
            }
            (
                JobOutcome::Succeeded,
                Wish::Stop | Wish::Autostop | Wish::Restart(_) | Wish::Rebuild,
            ) => {
                if self.plan().machine == Machine::Vm {
                    self.add_agents(job_id, "stop", StartOutcome::NeverConnects, cx);
                    let left = self.agents.drain(..).map(|agent| agent.id);
                    self.earlier_agents.extend(left);
                }
                Stage::Stopped
            }
            (JobOutcome::Succeeded, Wish::Delete) => {
                cx.changes.workspaces_deleted.push(self.id);
                Stage::Deleted
            }
        };
        if !matches!(self.stage, Stage::Stopped) {
            return;
        }
        match wish {
            Wish::Restart(start_outcome) => {
                self.build(Wish::Start(start_outcome), JobOutcome::Succeeded, cx)
            }
            Wish::Rebuild => self.build(Wish::Start(StartOutcome::Well), JobOutcome::Succeeded, cx),
            Wish::Start(_) | Wish::Stop | Wish::Autostop | Wish::Delete => {}
        }
    }

    /// How long the user waits for such a start before doing something about it. It is long enough
    /// for each problem to be counted and seen; an agent that hangs gets half an hour.
    fn patience(&self, start_outcome: StartOutcome, pace: Pace, rng: &mut Rng) -> Option<Time> {
        let (seen_after, range) = match start_outcome {
            StartOutcome::Hangs => (0, 45 * 60..75 * 60),
            StartOutcome::NeverConnects if self.plan().connection_timeout_seconds == 0 => {
                (0, 900..2100)
            }
            StartOutcome::NeverConnects => (180, 600..1500),
            StartOutcome::Survives => (180, 660..1200),
            StartOutcome::Fails => (60, 660..1200),
            StartOutcome::Well
            | StartOutcome::Slow
            | StartOutcome::Overdue
            | StartOutcome::WaitsForOwner
            | StartOutcome::ReportsAgain => return None,
        };
        Some(pace.at_least(seen_after, rng.within(range)))
    }

    /// How a start goes that is to go like this: the template's version may have a flaw, and an agent
    /// outside Coder waits for its user.
    fn start_outcome(&self, wanted: StartOutcome, cx: &Context<'_>) -> StartOutcome {
        match wanted {
            StartOutcome::Well if self.plan().machine == Machine::External => {
                StartOutcome::WaitsForOwner
            }
            StartOutcome::Well => {
                let flaw = cx.deployment.version(self.template).flaw;
                flaw.unwrap_or(StartOutcome::Well)
            }
            other => other,
        }
    }

    /// Adds the rows of one resource and its agents. Only the first agent gets `start_outcome`.
    fn add_agents(
        &mut self,
        job_id: Uuid,
        transition: Word,
        start_outcome: StartOutcome,
        cx: &mut Context<'_>,
    ) {
        let plan = self.plan();
        let resource_id = cx.rng.uuid();
        cx.changes.new.resources.push(rows::Resource {
            id: resource_id,
            job_id,
            created_at: cx.now,
            transition,
            kind: plan.resource,
        });
        for (order, name) in (0..).zip(plan.agents) {
            let place = Place {
                resource_id,
                parent_id: None,
                name,
                display_order: order,
                apps: self.apps,
                version: self.agent_version,
            };
            let start_outcome = if order == 0 {
                start_outcome
            } else {
                StartOutcome::Well
            };
            let start_outcome = self.start_outcome(start_outcome, cx);
            let mut agent = Agent::new(place, plan, start_outcome, cx);
            if start_outcome.is_resumed()
                && let Some(process) = self.suspended.take()
            {
                agent.resume(process);
            }
            self.agents.push(agent);
        }
    }

    pub(super) fn start_dev_container(&mut self, cx: &mut Context<'_>) {
        let plan = self.plan();
        let (Some(name), Some(parent), true) = (
            plan.dev_container,
            self.agents.first(),
            self.has_dev_container,
        ) else {
            return;
        };
        let place = Place {
            resource_id: parent.resource_id,
            parent_id: Some(parent.id),
            name,
            display_order: 0,
            apps: 1,
            version: self.agent_version,
        };
        let agent = Agent::new(place, plan, StartOutcome::Well, cx);
        self.agents.push(agent);
    }

    /// Its dev container goes, or comes again, or is rebuilt with a new sub-agent. Returns which.
    pub(super) fn change_dev_container(&mut self, cx: &mut Context<'_>) -> &'static str {
        let is_sub = |agent: &Agent| agent.parent_id.is_some();
        let Some(index) = self.agents.iter().position(is_sub) else {
            self.start_dev_container(cx);
            return "started";
        };
        let mut old = self.agents.remove(index);
        old.hang_up(cx.changes);
        cx.changes.agents_deleted.push(old.id);
        if cx.rng.percent(50) {
            return "removed";
        }
        self.start_dev_container(cx);
        "rebuilt"
    }
}

/// A random error of a failed build.
pub(super) fn build_error(rng: &mut Rng) -> JobOutcome {
    JobOutcome::Failed(rng.pick(&BUILD_ERRORS))
}
