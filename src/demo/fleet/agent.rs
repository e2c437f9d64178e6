//! The life of one simulated agent: it connects, starts, becomes ready, and may fail on the way. It
//! reports to Coder through the same [`Reporter`] that a real agent would use.

use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::reporter::core::{Replay, Reporter};

use super::apps::Apps;
use super::build::Place;
use super::context::Context;
use super::outcome::{News, Phase, StartOutcome};
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Changes, Time};
use super::seed_data::{AGENT_VERSIONS, TemplatePlan};

/// Coder's heartbeat interval in real seconds.
const HEARTBEAT_INTERVAL: Time = 15;
/// So long after its last answer coderd gives up an agent that has stopped answering, by the clock.
const GIVEN_UP_AFTER: std::ops::Range<Time> = 15..31;
/// The time of the next change when nothing is planned: a person has to act.
const NEVER: Time = Time::MAX;

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: Uuid,
    pub(super) resource_id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    phase: Phase,
    /// Time at which the current phase ends.
    until: Time,
    start_outcome: StartOutcome,
    /// Time of the next heartbeat; `None` while it is not connected.
    next_heartbeat: Option<Time>,
    /// When coderd writes that it is lost, after it stopped answering.
    given_up_at: Option<Time>,
    /// When its machine, which is going down, has started again.
    back_at: Option<Time>,
    /// The reporting state of its process, which may be older than the row.
    process: Reporter,
    apps: Apps,
}

impl Agent {
    /// The row of a new agent, and the agent that reports to it.
    pub(super) fn new(
        place: Place,
        template: &TemplatePlan,
        start_outcome: StartOutcome,
        cx: &mut Context<'_>,
    ) -> Self {
        let Context {
            now, rng, changes, ..
        } = cx;
        let now = *now;
        let id = rng.uuid();
        changes.new.agents.push(rows::Agent {
            id,
            resource_id: place.resource_id,
            parent_id: place.parent_id,
            name: place.name,
            created_at: now,
            first_connected_at: None,
            last_connected_at: None,
            disconnected_at: None,
            lifecycle_state: "created",
            started_at: None,
            ready_at: None,
            connection_timeout_seconds: template.connection_timeout_seconds,
            version: rng.weighted(&AGENT_VERSIONS),
            display_order: place.display_order,
            deleted: false,
        });
        let apps = Apps::new(id, place.apps, now, rng, changes);
        let until = match start_outcome {
            StartOutcome::NeverConnects => NEVER,
            _ if start_outcome.is_resumed() => now + rng.within(1..6),
            _ => now + rng.within(5..40),
        };
        Self {
            id,
            resource_id: place.resource_id,
            parent_id: place.parent_id,
            phase: Phase::Connecting,
            until,
            start_outcome,
            next_heartbeat: None,
            given_up_at: None,
            back_at: None,
            process: Reporter::new(Replay::OnNewRow),
            apps,
        }
    }

    /// Its process, which stands still with its machine. Coderd closes the connection of a row
    /// of an earlier build.
    pub(super) fn suspend(mut self, changes: &mut Changes) -> Reporter {
        self.hang_up(changes);
        self.process
    }

    /// Continues with a process that is older than the row, because the machine was resumed.
    pub(super) fn resume(&mut self, mut process: Reporter) {
        process.set_replay(match self.start_outcome {
            StartOutcome::Survives => Replay::Never,
            _ => Replay::OnNewRow,
        });
        self.process = process;
    }

    pub(super) fn tick(&mut self, cx: &mut Context<'_>) -> News {
        self.beat(cx);
        self.be_given_up(cx);
        self.apps.tick(cx.now, cx.changes);
        let mut news = News::None;
        if self.until <= cx.now {
            self.until = NEVER;
            news = self.advance(cx);
        }
        self.report(cx.changes);
        news
    }

    /// Changes the speed of the simulation and adjusts the time of the next heartbeat.
    pub(super) fn change_pace(&mut self, now: Time, pace: Pace) {
        let due = self.next_heartbeat;
        let rest = |due: Time| now + pace.of_clock((due - now).max(0));
        self.next_heartbeat = due.map(rest);
        self.given_up_at = self.given_up_at.map(rest);
    }

    /// Ends the current phase and starts the next one.
    fn advance(&mut self, cx: &mut Context<'_>) -> News {
        let now = cx.now;
        match self.phase {
            Phase::Connecting => self.connect(cx),
            Phase::Connected => self.start(now, cx.rng),
            Phase::Starting => return self.end_start(now, cx.rng),
            Phase::ReportingAgain if self.process.is_reported() => {
                self.phase = Phase::Ready;
                return News::Ready;
            }
            Phase::ReportingAgain => self.until = now + 1,
            Phase::Lost { since } => {
                self.given_up_at = None;
                self.next_heartbeat = Some(now);
                self.beat(cx);
                self.process.connected(self.id, moment(now));
                self.phase = Phase::Ready;
                return News::Back { after: now - since };
            }
            Phase::ShuttingDown => {
                self.process.transition(Lifecycle::Off, moment(now));
                self.phase = Phase::Off;
                self.until = now + 1;
            }
            // The last word is said before it goes.
            Phase::Off if self.process.is_reported() => {
                self.hang_up(cx.changes);
                self.boot(now);
            }
            Phase::Off => self.until = now + 1,
            Phase::StuckCreated | Phase::Ready | Phase::StartError => {}
        }
        News::None
    }

    /// Sends at most one report in each tick, since a report waits for the response to the one
    /// before.
    fn report(&mut self, changes: &mut Changes) {
        if let Some(report) = self.process.next() {
            changes.lifecycles.push((report.row, report.state.as_str()));
            self.process.reported(report);
        }
    }

    /// Whether it has, or will have, one of the problems in `docs/spec/health.md`.
    pub(super) fn is_broken(&self) -> bool {
        match self.phase {
            Phase::Connecting => self.start_outcome == StartOutcome::NeverConnects,
            Phase::Connected | Phase::Starting => matches!(
                self.start_outcome,
                StartOutcome::Hangs | StartOutcome::Fails
            ),
            Phase::StuckCreated | Phase::StartError | Phase::Lost { .. } => true,
            Phase::ReportingAgain | Phase::Ready | Phase::ShuttingDown | Phase::Off => false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// It stops answering until the time given, as with its machine frozen. Coderd sees its
    /// connection end a while later.
    pub(super) fn fall_silent(&mut self, now: Time, until: Time, pace: Pace, rng: &mut Rng) {
        if self.next_heartbeat.take().is_some() {
            self.process.disconnected();
            self.given_up_at = Some(now + pace.of_clock(rng.within(GIVEN_UP_AFTER)));
        }
        self.phase = Phase::Lost { since: now };
        self.until = until;
    }

    /// Ends its connection until the given time, and Coder records the disconnect.
    pub(super) fn disconnect(&mut self, now: Time, until: Time, changes: &mut Changes) {
        self.hang_up(changes);
        self.phase = Phase::Lost { since: now };
        self.until = until;
    }

    /// Its machine is shut down by its user.
    pub(super) fn shut_down(&mut self, now: Time, until: Time) {
        self.process
            .transition(Lifecycle::ShuttingDown, moment(now));
        self.phase = Phase::ShuttingDown;
        self.until = until;
    }

    /// Its machine is rebooted from within, and is back at the time given.
    pub(super) fn reboot(&mut self, now: Time, until: Time, back_at: Time) {
        self.shut_down(now, until);
        self.back_at = Some(back_at);
    }

    /// The end of its connection, if coderd still held one.
    pub(super) fn hang_up(&mut self, changes: &mut Changes) {
        let was_heard = self.next_heartbeat.take().is_some();
        if was_heard {
            self.process.disconnected();
        }
        if was_heard || self.given_up_at.take().is_some() {
            changes.disconnects.push(self.id);
        }
    }

    /// Makes one of its healthy apps fail until the given time. Returns whether there was one.
    pub(super) fn flap(&mut self, until: Time, changes: &mut Changes) -> bool {
        self.apps.flap(until, changes)
    }

    /// Coderd gives it up when the time has come, unless it is back by now.
    fn be_given_up(&mut self, cx: &mut Context<'_>) {
        if self.given_up_at.is_some_and(|at| at <= cx.now) {
            self.given_up_at = None;
            if self.until > cx.now {
                cx.changes.disconnects.push(self.id);
            }
        }
    }

    fn beat(&mut self, cx: &mut Context<'_>) {
        if let Some(due) = self.next_heartbeat
            && due <= cx.now
        {
            cx.changes.heartbeats.push(self.id);
            // Keeps its place within the interval, however late this tick is.
            let interval = cx.pace.of_clock(HEARTBEAT_INTERVAL);
            let missed = (cx.now - due) / interval;
            self.next_heartbeat = Some(due + (missed + 1) * interval);
        }
    }

    fn connect(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        // Somewhere within the interval: a whole fleet that connects in one tick of a coarse
        // clock must not beat as one ever after.
        let interval = cx.pace.of_clock(HEARTBEAT_INTERVAL);
        self.next_heartbeat = Some(now + cx.rng.within(1..interval + 1));
        cx.changes.heartbeats.push(self.id);
        self.process.connected(self.id, moment(now));
        self.phase = if self.process.state() == Lifecycle::Created {
            self.until = now + cx.rng.within(1..3);
            Phase::Connected
        } else {
            // It has been running all along, whatever its row says.
            self.apps.come_up(now, cx.rng);
            if self.process.is_reported() {
                Phase::StuckCreated
            } else {
                self.until = now + 1;
                Phase::ReportingAgain
            }
        };
    }

    /// A new process on the same row, if its machine is to come back.
    fn boot(&mut self, now: Time) {
        if let Some(at) = self.back_at.take() {
            self.process = Reporter::new(Replay::OnNewRow);
            self.start_outcome = StartOutcome::Well;
            self.phase = Phase::Connecting;
            self.until = at.max(now + 1);
        }
    }

    fn start(&mut self, now: Time, rng: &mut Rng) {
        self.process.transition(Lifecycle::Starting, moment(now));
        self.phase = Phase::Starting;
        self.until = match self.start_outcome {
            StartOutcome::Hangs => NEVER,
            StartOutcome::Slow | StartOutcome::Overdue => now + rng.within(60..480),
            _ => now + rng.within(3..45),
        };
    }

    fn end_start(&mut self, now: Time, rng: &mut Rng) -> News {
        match self.start_outcome {
            StartOutcome::Overdue => {
                self.process
                    .transition(Lifecycle::StartTimeout, moment(now));
                self.start_outcome = StartOutcome::Slow;
                self.until = now + rng.within(60..480);
                News::None
            }
            StartOutcome::Fails => {
                self.process.transition(Lifecycle::StartError, moment(now));
                self.phase = Phase::StartError;
                News::StartError
            }
            _ => {
                self.process.transition(Lifecycle::Ready, moment(now));
                self.phase = Phase::Ready;
                self.apps.come_up(now, rng);
                News::Ready
            }
        }
    }
}

/// The simulated time for the reporter. The database uses its own time for the rows.
fn moment(now: Time) -> Timestamp {
    Timestamp::from_unix_micros(now.saturating_mul(1_000_000))
}
