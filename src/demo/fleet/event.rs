//! Events of single workspaces: actions of users, and failures.

use super::Fleet;
use super::build::{Stage, Wish, build_error};
use super::changes::Weight::{self, Everyday, Trouble};
use super::changes::{Changes, JobOutcome};
use super::outcome::StartOutcome;
use super::rng::Rng;
use super::rows::Time;
use super::seed_data::{Machine, OLD_AGENT, TEMPLATES};
use super::workspace::Workspace;
use crate::demo::schema::Era;

/// An event of one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Stop,
    Start,
    SlowStart,
    Update,
    FailedBuild,
    CanceledBuild,
    AppFails,
    Chat,
    DevContainer,
    ShutDown,
    Reboot,
    Replace,
    ResumeAndReport,
    // From here on agents break.
    Evicted,
    Silence,
    Drop,
    NeverConnects,
    WaitsForEver,
    StartError,
    StartHangs,
    ResumeAndStick,
}

impl Event {
    /// How important the event is to the viewer.
    fn weight(self) -> Weight {
        match self {
            Self::FailedBuild | Self::ResumeAndReport | Self::Silence | Self::Drop => Trouble,
            Self::NeverConnects | Self::WaitsForEver | Self::StartError => Trouble,
            Self::StartHangs | Self::ResumeAndStick | Self::Evicted => Trouble,
            _ => Everyday,
        }
    }

    /// Whether the event can happen to this workspace now.
    pub(super) fn suits(self, workspace: &Workspace) -> bool {
        let plan = workspace.plan();
        let is_well = workspace.is_well();
        if workspace.is_prebuild() {
            return false;
        }
        if plan.machine == Machine::External {
            // Coder neither starts nor stops it.
            return is_well
                && matches!(
                    self,
                    Self::Silence | Self::Drop | Self::AppFails | Self::Chat
                );
        }
        let has_old_agent = workspace.agent_version == OLD_AGENT;
        match self {
            Self::Start => {
                matches!(workspace.stage, Stage::Stopped) && workspace.next_wish.is_none()
            }
            Self::Chat => matches!(workspace.stage, Stage::Up),
            Self::DevContainer => {
                is_well && workspace.has_dev_container && plan.dev_container.is_some()
            }
            Self::ResumeAndReport => is_well && plan.machine == Machine::Vm && !has_old_agent,
            Self::ResumeAndStick => is_well && plan.machine == Machine::Vm && has_old_agent,
            Self::NeverConnects => is_well && plan.connection_timeout_seconds > 0,
            Self::WaitsForEver => is_well && plan.connection_timeout_seconds == 0,
            _ => is_well,
        }
    }
}

impl Event {
    /// The build that the event starts, if any, and the message about it.
    fn build(self, owner: &str, label: &str, rng: &mut Rng) -> Option<(Wish, JobOutcome, String)> {
        let (wish, text) = match self {
            Self::Stop => (Wish::Stop, format!("{owner} stopped {label}")),
            Self::Start => (
                Wish::Start(StartOutcome::Well),
                format!("{owner} started {label}"),
            ),
            Self::Replace => (
                Wish::Delete,
                format!("{owner} deleted {label} and will create another workspace"),
            ),
            Self::Update => (
                Wish::Start(StartOutcome::Well),
                format!("{owner} updated {label}: its chats are still bound to the old agent"),
            ),
            Self::FailedBuild | Self::CanceledBuild => (
                Wish::Start(StartOutcome::Well),
                format!("{owner} updated {label}: the build will fail or be canceled"),
            ),
            Self::SlowStart => (
                Wish::Restart(
                    rng.weighted(&[(70, StartOutcome::Slow), (30, StartOutcome::Overdue)]),
                ),
                format!("{owner} restarted {label}: its startup script is slow"),
            ),
            Self::ResumeAndReport => (
                Wish::Restart(StartOutcome::ReportsAgain),
                format!(
                    "{label} was suspended and resumed with a new agent row: the agent reports again"
                ),
            ),
            Self::ResumeAndStick => (
                Wish::Restart(StartOutcome::Survives),
                format!(
                    "{label} was suspended and resumed with a new agent row: the agent stays in created"
                ),
            ),
            Self::NeverConnects | Self::WaitsForEver => (
                Wish::Restart(StartOutcome::NeverConnects),
                format!("{owner} restarted {label}: its agent will never connect"),
            ),
            Self::StartError => (
                Wish::Restart(StartOutcome::Fails),
                format!("{owner} restarted {label} with a broken startup script"),
            ),
            Self::StartHangs => (
                Wish::Restart(StartOutcome::Hangs),
                format!("{owner} restarted {label}: its startup script will hang"),
            ),
            Self::AppFails | Self::Chat | Self::DevContainer => return None,
            Self::ShutDown | Self::Reboot | Self::Evicted => return None,
            Self::Silence | Self::Drop => return None,
        };
        let outcome = match self {
            Self::FailedBuild => build_error(rng),
            Self::CanceledBuild => JobOutcome::Canceled,
            _ => JobOutcome::Succeeded,
        };
        Some((wish, outcome, text))
    }
}

impl Fleet {
    /// Applies the event to a random suitable workspace. Returns whether one was found.
    pub(super) fn event(&mut self, event: Event, now: Time, changes: &mut Changes) -> bool {
        // In a fleet where few suit, looking at all of them would be the slowest thing we do.
        let attempts = if self.workspaces.is_empty() {
            0
        } else {
            ATTEMPTS
        };
        let found = (0..attempts).find_map(|_| {
            let index = self.rng.below(self.workspaces.len());
            event.suits(&self.workspaces[index]).then_some(index)
        });
        let Some(index) = found else {
            return false;
        };
        match event {
            Event::Silence | Event::Drop => self.lose(index, event, now, changes),
            _ => self.happen(index, event, now, changes),
        }
        true
    }

    fn happen(&mut self, index: usize, event: Event, now: Time, changes: &mut Changes) {
        let (workspace, mut cx) = self.at(index, now, changes);
        let (owner, label) = (workspace.owner(&cx), workspace.label.clone());
        if let Some((wish, outcome, text)) = event.build(owner, &label, cx.rng) {
            workspace.build(wish, outcome, &mut cx);
            changes.tell(event.weight(), text);
            return;
        }
        let text = match event {
            Event::AppFails => {
                let until = now + cx.rng.within(20..300);
                let mut agents = workspace.agents.iter_mut();
                agents
                    .any(|agent| agent.flap(until, cx.changes))
                    .then(|| format!("an app of {label} is unhealthy"))
            }
            Event::DevContainer => {
                let how = workspace.change_dev_container(&mut cx);
                Some(format!("{owner} {how} the dev container of {label}"))
            }
            Event::ShutDown => {
                workspace.shut_down(60..240, &mut cx);
                Some(format!("{owner} shut down {label} from inside"))
            }
            Event::Reboot => {
                workspace.reboot(&mut cx);
                Some(format!("{owner} rebooted {label} from inside"))
            }
            Event::Evicted => {
                workspace.shut_down(1800..5400, &mut cx);
                Some(format!("the pod of {label} was evicted from its node"))
            }
            _ => workspace
                .chat(&mut cx)
                .then(|| format!("{owner} started a chat in {label}")),
        };
        if let Some(text) = text {
            changes.tell(event.weight(), text);
        }
    }

    /// The machine and all its agents are lost. Some recover by themselves.
    fn lose(&mut self, index: usize, how: Event, now: Time, changes: &mut Changes) {
        let (workspace, cx) = self.at(index, now, changes);
        let comes_back = workspace.plan().machine == Machine::External;
        let back_at = if cx.rng.percent(75) || comes_back {
            now + cx.pace.at_least(SEEN_BY_CLOCK, cx.rng.within(100..900))
        } else {
            let at = now + cx.pace.at_least(SEEN_BY_CLOCK, cx.rng.within(300..1200));
            workspace.next_wish = Some((at, Wish::Restart(StartOutcome::Well)));
            Time::MAX
        };
        for agent in &mut workspace.agents {
            if how == Event::Silence {
                agent.fall_silent(now, back_at, cx.pace, cx.rng);
            } else {
                agent.disconnect(now, back_at, cx.changes);
            }
        }
        let label = &workspace.label;
        let text = if how == Event::Silence {
            format!("{label} stopped answering: coderd gives it up within 30 s")
        } else {
            format!("{label} lost its connection, and coderd recorded it at once")
        };
        cx.changes.tell(how.weight(), text);
    }
}

/// Minimum duration of a failure in real seconds: agents count as lost after 30 s, and the rest is
/// for the viewer.
const SEEN_BY_CLOCK: Time = 60;

/// Attempts to find a suitable workspace at random. Rare kinds are a twentieth of the fleet.
const ATTEMPTS: usize = 150;

/// A random template of those that this Coder can have, weighted by its share of the fleet.
pub(super) fn template(era: Era, rng: &mut Rng) -> usize {
    let mut shares = [(0, 0); TEMPLATES.len()];
    for (index, plan) in TEMPLATES.iter().enumerate() {
        let is_known = plan.machine != Machine::External || era.has_external_agents();
        shares[index] = (if is_known { plan.share } else { 0 }, index);
    }
    rng.weighted(&shares)
}
