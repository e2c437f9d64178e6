//! One simulated workspace.

use std::collections::VecDeque;
use std::ops::Range;

use uuid::Uuid;

use crate::reporter::core::Reporter;

use super::agent::Agent;
use super::build::{Stage, Wish};
use super::changes::Weight::{Everyday, Trouble};
use super::changes::{Claim, JobOutcome};
use super::context::Context;
use super::outcome::{News, StartOutcome};
use super::rows::{self, Time, Word};
use super::seed_data::{
    AGENTS_OF_CONTAINERS, AGENTS_OF_MACHINES, CHAT_TITLES, Machine, PREBUILDS, TEMPLATES,
    TemplatePlan,
};
use super::usage::Usage;

const KEPT_CHATS: usize = 3;

#[derive(Debug)]
struct Chat {
    id: Uuid,
    /// When its user opens it again, which binds it to the current agent.
    opened_at: Time,
}

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) id: Uuid,
    /// `owner/name`, for messages.
    pub(super) label: String,
    pub(super) stage: Stage,
    pub(super) agents: Vec<Agent>,
    /// Agents of builds before the latest, until that one has succeeded.
    pub(super) earlier_agents: Vec<Uuid>,
    /// When its user acts on a problem or on a stopped workspace, and what the user does.
    pub(super) next_wish: Option<(Time, Wish)>,
    pub(super) owner: usize,
    pub(super) template: usize,
    pub(super) apps: usize,
    pub(super) has_dev_container: bool,
    /// Job and build ids, oldest first.
    pub(super) builds: VecDeque<(Uuid, Uuid)>,
    pub(super) build_number: i32,
    /// The version of its template that it was last started with.
    pub(super) version_id: Uuid,
    /// The version of the agents on its machine.
    pub(super) agent_version: Word,
    pub(super) usage: Usage,
    /// The state of the first agent's process, while its machine is suspended.
    pub(super) suspended: Option<Reporter>,
    chats: VecDeque<Chat>,
}

impl Workspace {
    pub(super) fn new(owner: usize, name: String, template: usize, cx: &mut Context<'_>) -> Self {
        let id = cx.rng.uuid();
        let user = &cx.seed_data.users[owner];
        let label = format!("{}/{name}", user.name);
        let of = &cx.seed_data.templates[template];
        cx.changes.new.workspaces.push(rows::Workspace {
            id,
            owner_id: user.id,
            organization_id: of.organization_id,
            template_id: of.id,
            name,
            created_at: cx.now,
            last_used_at: (owner != PREBUILDS).then_some(cx.now),
            deleted: false,
        });
        let versions: &[_] = match TEMPLATES[template].machine {
            Machine::Vm => &AGENTS_OF_MACHINES,
            Machine::Container | Machine::External => &AGENTS_OF_CONTAINERS,
        };
        Self {
            id,
            label,
            stage: Stage::Stopped,
            agents: Vec::new(),
            earlier_agents: Vec::new(),
            next_wish: None,
            owner,
            template,
            apps: cx.rng.below(5),
            has_dev_container: cx.rng.percent(60) && cx.era.has_sub_agents(),
            builds: VecDeque::new(),
            build_number: 0,
            version_id: cx.deployment.version(template).id,
            agent_version: cx.rng.weighted(versions),
            usage: Usage::none_until(cx.now + cx.rng.within(0..3 * 3600)),
            suspended: None,
            chats: VecDeque::new(),
        }
    }

    /// Whether it waits for a person to claim it.
    pub(super) fn is_prebuild(&self) -> bool {
        self.owner == PREBUILDS
    }

    /// It becomes a person's: Coder renames it, and builds it again for the new owner.
    pub(super) fn claim(&mut self, owner: usize, name: String, cx: &mut Context<'_>) {
        let user = &cx.seed_data.users[owner];
        let label = format!("{}/{name}", user.name);
        let text = format!("{} claimed {}, which is now {label}", user.name, self.label);
        cx.changes.tell(Everyday, text);
        cx.changes.claims.push(Claim {
            workspace: self.id,
            owner: user.id,
            name,
        });
        (self.owner, self.label) = (owner, label);
        self.build(Wish::Start(StartOutcome::Well), JobOutcome::Succeeded, cx);
    }

    pub(super) fn plan(&self) -> &'static TemplatePlan {
        &TEMPLATES[self.template]
    }

    /// Whether it runs and all its agents are ready. Only such workspaces are chosen to fail.
    pub(super) fn is_well(&self) -> bool {
        matches!(self.stage, Stage::Up)
            && self.next_wish.is_none()
            && !self.agents.is_empty()
            && self.agents.iter().all(Agent::is_ready)
    }

    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        if let Stage::Building(running) = &mut self.stage {
            if !running.started {
                let organization = cx.seed_data.templates[self.template].organization_id;
                if running.starts_at <= cx.now
                    && let Some((daemon, host)) =
                        cx.deployment.any_daemon(organization, cx.seed_data, cx.rng)
                {
                    running.started = true;
                    running.host = Some(host);
                    cx.changes.jobs_started.push((running.job_id, daemon));
                }
            } else if running.ends_at <= cx.now {
                let (job_id, wish, outcome) = (running.job_id, running.wish, running.outcome);
                cx.changes.jobs_ended.push((job_id, outcome));
                self.end_build(job_id, wish, outcome, cx);
            }
        }
        self.tick_agents(cx);
        self.tick_usage(cx);
        self.tick_chats(cx);
        if let Some((at, wish)) = self.next_wish
            && at <= cx.now
        {
            self.build(wish, JobOutcome::Succeeded, cx);
            let label = &self.label;
            cx.changes.tell(
                Everyday,
                match wish {
                    Wish::Start(_) => format!("{label} was started again"),
                    Wish::Rebuild => {
                        format!("{label} is rebuilt: its chats are still bound to the old agent")
                    }
                    _ => format!("{} restarted {label}", self.owner(cx)),
                },
            );
        }
    }

    /// Adds a chat, bound to the current agent if there is one. Returns whether this Coder has any.
    pub(super) fn chat(&mut self, cx: &mut Context<'_>) -> bool {
        if !cx.era.has_chats() {
            return false;
        }
        let id = cx.rng.uuid();
        let bound = cx.rng.percent(85);
        let agent_id = self.agents.first().filter(|_| bound).map(|agent| agent.id);
        cx.changes.new.chats.push(rows::Chat {
            id,
            owner_id: cx.seed_data.users[self.owner].id,
            workspace_id: Some(self.id),
            build_id: self.builds.back().map(|(build, _)| *build),
            agent_id,
            title: cx.rng.pick(&CHAT_TITLES),
            created_at: cx.now,
            archived: cx.rng.percent(5),
        });
        let opened_at = Time::MAX;
        self.chats.push_back(Chat { id, opened_at });
        if self.chats.len() > KEPT_CHATS {
            cx.changes
                .chats_pruned
                .extend(self.chats.pop_front().map(|chat| chat.id));
        }
        true
    }

    /// The machine is shut down, by no build, and started again so many seconds later. Its agent
    /// counts as terminated after five minutes.
    pub(super) fn shut_down(&mut self, back_after: Range<Time>, cx: &mut Context<'_>) {
        let ends_at = cx.now + cx.rng.within(3..15);
        for agent in &mut self.agents {
            agent.shut_down(cx.now, ends_at);
        }
        let at = cx.now + cx.rng.within(back_after);
        self.next_wish = Some((at, Wish::Restart(StartOutcome::Well)));
    }

    /// The machine is rebooted from within: no build, the same rows.
    pub(super) fn reboot(&mut self, cx: &mut Context<'_>) {
        let ends_at = cx.now + cx.rng.within(2..8);
        let back_at = ends_at + cx.rng.within(20..60);
        for agent in &mut self.agents {
            agent.reboot(cx.now, ends_at, back_at);
        }
    }

    /// The ids of the jobs and chats whose rows remain.
    pub(super) fn remains(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let jobs = self.builds.iter().map(|(_, job)| *job).collect();
        (jobs, self.chats.iter().map(|chat| chat.id).collect())
    }

    pub(super) fn owner(&self, cx: &Context<'_>) -> &'static str {
        cx.seed_data.users[self.owner].name
    }

    fn tick_agents(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.agents.len() {
            let agent = &mut self.agents[index];
            let is_parent = index == 0 && agent.parent_id.is_none();
            match agent.tick(cx) {
                News::None => {}
                News::Ready if is_parent && self.agents.len() == 1 => self.start_dev_container(cx),
                News::Back { after } if is_parent => {
                    let after = cx.pace.by_clock(after);
                    let text = format!("{} is back after {after} s", self.label);
                    cx.changes.tell(Everyday, text);
                }
                News::Ready | News::Back { .. } => {}
                News::StartError => {
                    let text = format!("{}: the startup script failed", self.label);
                    cx.changes.tell(Trouble, text);
                }
            }
        }
    }

    pub(super) fn reopen_chats(&mut self, cx: &mut Context<'_>) {
        for chat in &mut self.chats {
            if cx.rng.percent(60) {
                chat.opened_at = cx.now + cx.rng.within(60..1800);
            }
        }
    }

    fn tick_chats(&mut self, cx: &mut Context<'_>) {
        let (Some(agent), Some((build, _))) = (self.agents.first(), self.builds.back()) else {
            return;
        };
        for chat in self
            .chats
            .iter_mut()
            .filter(|chat| chat.opened_at <= cx.now)
        {
            chat.opened_at = Time::MAX;
            cx.changes.bindings.push((chat.id, *build, agent.id));
        }
    }
}
