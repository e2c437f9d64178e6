//! What people do in a workspace, as its agents report it, and what Coder makes of it: the time of
//! the last use, and a deadline that moves while the workspace is in use.

use super::build::{Stage, Wish};
use super::changes::JobOutcome;
use super::changes::Weight::Everyday;
use super::context::Context;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Time, Word};
use super::workspace::Workspace;

/// Use of a workspace moves its deadline to so many seconds from then: Coder's default.
const ACTIVITY_BUMP: Time = 3600;
/// A deadline moves once this much of the time since the last move has passed.
const BUMPED_AFTER_PERCENT: Time = 5;

/// Kinds of sessions by frequency. A browser IDE has connections and no session.
const SESSIONS: [(usize, Option<Word>); 5] = [
    (50, Some("vscode")),
    (15, Some("jetbrains")),
    (15, Some("ssh")),
    (10, Some("reconnecting_pty")),
    (10, None),
];

/// Whether a person works in a workspace, and until when.
#[derive(Debug)]
pub(super) struct Usage {
    connections: i64,
    session: Option<Word>,
    until: Time,
    /// Whether it was used since Coder last wrote that.
    is_untold: bool,
    /// When Coder stops the workspace.
    pub(super) deadline: Option<Time>,
}

impl Usage {
    /// No person works there for a while.
    pub(super) fn none_until(until: Time) -> Self {
        Self {
            connections: 0,
            session: None,
            until,
            is_untold: false,
            deadline: None,
        }
    }

    fn tick(&mut self, now: Time, rng: &mut Rng) {
        if self.until > now {
            return;
        }
        if self.connections > 0 {
            (self.connections, self.session) = (0, None);
            self.until = now + rng.within(20 * 60..3 * 3600);
        } else {
            self.connections = rng.within(1..4);
            self.session = rng.weighted(&SESSIONS);
            self.until = now + rng.within(10 * 60..90 * 60);
        }
    }

    /// The deadline after a report of use at `now`, if it moves.
    fn bumped(&self, now: Time) -> Option<Time> {
        let rest = self.deadline? - now;
        let least = ACTIVITY_BUMP * (100 - BUMPED_AFTER_PERCENT) / 100;
        (0..least).contains(&rest).then_some(now + ACTIVITY_BUMP)
    }
}

impl Workspace {
    pub(super) fn tick_usage(&mut self, cx: &mut Context<'_>) {
        if !self.is_prebuild() && matches!(self.stage, Stage::Up) {
            self.usage.tick(cx.now, cx.rng);
        }
        for index in 0..self.agents.len() {
            if self.agents[index].is_report_due(cx.now, cx.pace) {
                self.report(index, cx);
            }
        }
        self.stop_when_due(cx);
    }

    /// The deadline of a build that has just started the workspace.
    pub(super) fn begin_deadline(&mut self, cx: &mut Context<'_>) {
        let time = self.plan().time_to_live;
        // Coder never stops a prebuilt workspace.
        if time > 0 && !self.is_prebuild() {
            self.move_deadline(cx.now + time, cx);
        }
    }

    /// Whether it was used since the last time that this was asked.
    pub(super) fn take_use(&mut self) -> bool {
        std::mem::take(&mut self.usage.is_untold)
    }

    /// A session report of an agent. People work with the first one.
    fn report(&mut self, index: usize, cx: &mut Context<'_>) {
        let is_first = index == 0;
        let connections = if is_first { self.usage.connections } else { 0 };
        cx.changes.new.reports.push(rows::Report {
            id: cx.rng.uuid(),
            created_at: cx.now,
            user_id: cx.seed_data.users[self.owner].id,
            agent_id: self.agents[index].id,
            workspace_id: self.id,
            template_id: cx.seed_data.templates[self.template].id,
            connection_count: connections,
            session: self.usage.session.filter(|_| is_first),
        });
        if connections > 0 {
            self.usage.is_untold = true;
            if let Some(deadline) = self.usage.bumped(cx.now) {
                self.move_deadline(deadline, cx);
            }
        }
    }

    fn move_deadline(&mut self, deadline: Time, cx: &mut Context<'_>) {
        if let Some((build, _)) = self.builds.back() {
            self.usage.deadline = Some(deadline);
            let seconds = cx.pace.by_clock(deadline - cx.now);
            cx.changes.deadlines.push((*build, seconds));
        }
    }

    fn stop_when_due(&mut self, cx: &mut Context<'_>) {
        let is_due = self.usage.deadline.is_some_and(|at| at <= cx.now);
        if is_due && matches!(self.stage, Stage::Up) {
            let text = format!("Coder stopped {}: its deadline has passed", self.label);
            self.build(Wish::Autostop, JobOutcome::Succeeded, cx);
            cx.changes.tell(Everyday, text);
        }
    }
}

/// The deadlines that lie ahead, in seconds of the clock instead of the story's.
pub(super) fn by_clock(deadline: Time, now: Time, pace: Pace) -> Time {
    match deadline > now {
        true => now + pace.by_clock(deadline - now),
        false => deadline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_moves_a_deadline_that_is_less_than_57_minutes_away() {
        let bumped = |rest: Time| {
            let usage = Usage {
                deadline: Some(1000 + rest),
                ..Usage::none_until(0)
            };
            usage.bumped(1000).map(|it| it - 1000)
        };
        let minute = 60;
        assert_eq!(bumped(8 * 60 * minute), None);
        assert_eq!(bumped(57 * minute), None);
        assert_eq!(bumped(57 * minute - 1), Some(60 * minute));
        assert_eq!(bumped(0), Some(60 * minute));
        assert_eq!(bumped(-1), None, "it is being stopped");
        assert_eq!(Usage::none_until(0).bumped(1000), None);
    }
}
