//! The builds of a workspace: their transition, result and agents.

use uuid::Uuid;

use super::agent::Agent;
use super::context::Context;
use super::outcome::StartOutcome;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Changes, JobOutcome, Time, Word};
use super::seed_data::{BUILD_ERRORS, Machine};
use super::workspace::Workspace;

/// Number of builds of a workspace whose rows are kept. Coder keeps them for ever, but a demo may
/// run for a week.
const KEPT_BUILDS: usize = 5;

/// What a user wants from a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Start(StartOutcome),
    Stop,
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
}

/// The build and resource that a new agent belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) resource_id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    pub(super) name: Word,
    pub(super) display_order: i32,
    pub(super) apps: usize,
}

impl Workspace {
    /// Starts a build. The rows of the earlier build stay and become history.
    pub(super) fn build(&mut self, wish: Wish, outcome: JobOutcome, cx: &mut Context<'_>) {
        self.leave_agents(wish, cx.changes);
        let (transition, seconds) = match wish {
            Wish::Start(_) => ("start", 4..20),
            Wish::Stop | Wish::Restart(_) | Wish::Rebuild => ("stop", 3..10),
            Wish::Delete => ("delete", 3..10),
        };
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
        });
        self.build_number += 1;
        let reasons = [
            (80, "initiator"),
            (
                20,
                if transition == "stop" {
                    "autostop"
                } else {
                    "autostart"
                },
            ),
        ];
        cx.changes.new.builds.push(rows::Build {
            id: build_id,
            workspace_id: self.id,
            template_version_id: template.version_id,
            build_number: self.build_number,
            transition,
            job_id,
            created_at: cx.now,
            reason: cx.rng.weighted(&reasons),
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
        });
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
            cx.changes.agents_deleted.append(&mut self.earlier_agents);
        }
        self.stage = match (outcome, wish) {
            (JobOutcome::Failed(_) | JobOutcome::Canceled, _) => {
                let at = cx.now + cx.rng.within(180..900);
                self.next_wish = Some((at, Wish::Start(StartOutcome::Well)));
                Stage::Failed
            }
            (JobOutcome::Succeeded, Wish::Start(start_outcome)) => {
                self.add_agents(job_id, "start", start_outcome, cx);
                self.reopen_chats(cx);
                self.next_wish = self
                    .patience(start_outcome, cx.pace, cx.rng)
                    .map(|patience| (cx.now + patience, Wish::Restart(StartOutcome::Well)));
                Stage::Up
            }
            (JobOutcome::Succeeded, Wish::Stop | Wish::Restart(_) | Wish::Rebuild) => {
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
            Wish::Start(_) | Wish::Stop | Wish::Delete => {}
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
            | StartOutcome::ReportsAgain => return None,
        };
        Some(pace.at_least(seen_after, rng.within(range)))
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
            };
            let start_outcome = if order == 0 {
                start_outcome
            } else {
                StartOutcome::Well
            };
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
        };
        let agent = Agent::new(place, plan, StartOutcome::Well, cx);
        self.agents.push(agent);
    }

    /// Replaces the sub-agent by a new one, as when its container is rebuilt.
    pub(super) fn rebuild_dev_container(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(index) = self
            .agents
            .iter()
            .position(|agent| agent.parent_id.is_some())
        else {
            return false;
        };
        let mut old = self.agents.remove(index);
        old.hang_up(cx.changes);
        cx.changes.agents_deleted.push(old.id);
        self.start_dev_container(cx);
        true
    }
}

/// A random error of a failed build.
pub(super) fn build_error(rng: &mut Rng) -> JobOutcome {
    JobOutcome::Failed(rng.pick(&BUILD_ERRORS))
}
