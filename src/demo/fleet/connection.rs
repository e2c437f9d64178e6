//! An agent's connection to a coderd, which writes the heartbeats and the end.

use std::ops::Range;

use uuid::Uuid;

use super::changes::Changes;
use super::context::Context;
use super::pace::Pace;
use super::rng::Rng;
use super::rows::Time;

/// Coder's heartbeat interval in real seconds.
const HEARTBEAT_INTERVAL: Time = 15;
/// From one session report to the next, by the clock.
const REPORT_INTERVAL: Time = 30;
/// So long after its last answer coderd gives up an agent that has stopped answering, by the clock.
const GIVEN_UP_AFTER: Range<Time> = 15..31;

#[derive(Debug)]
pub(super) struct Connection {
    agent: Uuid,
    /// The replica that holds it, or that did.
    replica: Option<Uuid>,
    /// Time of the next heartbeat; `None` while it is not connected.
    next_heartbeat: Option<Time>,
    next_report: Time,
    /// When coderd writes that it is lost, after it stopped answering.
    given_up_at: Option<Time>,
    /// When it connects again, after the coderd that held it has gone.
    reconnects_at: Option<Time>,
}

impl Connection {
    /// None yet.
    pub(super) fn of(agent: Uuid) -> Self {
        Self {
            agent,
            replica: None,
            next_heartbeat: None,
            next_report: Time::MAX,
            given_up_at: None,
            reconnects_at: None,
        }
    }

    /// Connects to any coderd. Returns whether there is one.
    pub(super) fn open(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(replica) = cx.deployment.any_replica(cx.rng) else {
            return false;
        };
        self.replica = Some(replica);
        self.given_up_at = None;
        self.reconnects_at = None;
        // Somewhere within the interval: a whole fleet that connects in one tick of a coarse
        // clock must not beat as one ever after.
        let interval = cx.pace.of_clock(HEARTBEAT_INTERVAL);
        self.next_heartbeat = Some(cx.now + cx.rng.within(1..interval + 1));
        let interval = cx.pace.of_clock(REPORT_INTERVAL);
        self.next_report = cx.now + cx.rng.within(1..interval + 1);
        cx.changes.heartbeats.push((self.agent, replica));
        true
    }

    pub(super) fn is_up(&self) -> bool {
        self.next_heartbeat.is_some()
    }

    /// What coderd writes in this tick by itself.
    pub(super) fn beat(&mut self, cx: &mut Context<'_>) {
        if let Some(due) = self.next_heartbeat
            && let Some(replica) = self.replica
            && due <= cx.now
        {
            cx.changes.heartbeats.push((self.agent, replica));
            self.next_heartbeat = Some(next(due, cx.now, cx.pace.of_clock(HEARTBEAT_INTERVAL)));
        }
    }

    /// Coderd gives it up when the time has come, unless it is back by now.
    pub(super) fn be_given_up(&mut self, back_at: Time, cx: &mut Context<'_>) {
        if self.given_up_at.is_some_and(|at| at <= cx.now) {
            self.given_up_at = None;
            if back_at > cx.now {
                cx.changes.disconnects.push(self.agent);
            }
        }
    }

    /// Whether a session report is to be sent now.
    pub(super) fn is_report_due(&mut self, now: Time, pace: Pace) -> bool {
        let is_due = self.next_heartbeat.is_some() && self.next_report <= now;
        if is_due {
            self.next_report = next(self.next_report, now, pace.of_clock(REPORT_INTERVAL));
        }
        is_due
    }

    /// Whether it is to connect again now.
    pub(super) fn is_reconnect_due(&self, now: Time) -> bool {
        self.reconnects_at.is_some_and(|at| at <= now)
    }

    /// It stops answering, and coderd notices a while later. Returns whether it was connected.
    pub(super) fn fall_silent(&mut self, now: Time, pace: Pace, rng: &mut Rng) -> bool {
        self.reconnects_at = None;
        let was_heard = self.next_heartbeat.take().is_some();
        if was_heard {
            self.given_up_at = Some(now + pace.of_clock(rng.within(GIVEN_UP_AFTER)));
        }
        was_heard
    }

    /// It ends, and coderd sees it if it still held one. Returns whether it was connected.
    pub(super) fn close(&mut self, changes: &mut Changes) -> bool {
        self.reconnects_at = None;
        let was_heard = self.next_heartbeat.take().is_some();
        if self.given_up_at.take().is_some() || was_heard {
            changes.disconnects.push(self.agent);
        }
        was_heard
    }

    /// The coderd that holds it goes and writes nothing more; it is to connect again at the time
    /// given. Returns whether it was connected.
    pub(super) fn lose_coderd(&mut self, replica: Uuid, back_at: Time) -> bool {
        if self.replica != Some(replica) {
            return false;
        }
        self.given_up_at = None;
        let was_heard = self.next_heartbeat.take().is_some();
        if was_heard {
            self.reconnects_at = Some(back_at);
        }
        was_heard
    }

    /// Changes the speed of the simulation and adjusts the times that follow the clock.
    pub(super) fn change_pace(&mut self, now: Time, pace: Pace) {
        let rest = |due: Time| now + pace.of_clock((due - now).max(0));
        self.next_heartbeat = self.next_heartbeat.map(rest);
        self.given_up_at = self.given_up_at.map(rest);
        if self.next_report != Time::MAX {
            self.next_report = rest(self.next_report);
        }
    }
}

/// The next time after `now`: it keeps its place within the interval, however late this tick is.
fn next(due: Time, now: Time, interval: Time) -> Time {
    due + ((now - due) / interval + 1) * interval
}
