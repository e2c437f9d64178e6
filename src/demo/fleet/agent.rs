//! The life of one simulated agent: it connects, starts, becomes ready, and may fail on the way. It
//! reports to Coder through the same [`Reporter`] that a real agent would use.

use uuid::Uuid;

use crate::fleet::model::agent::Lifecycle;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::time::Timestamp;
use crate::reporter::core::{Replay, Reporter};

use super::apps::Apps;
use super::build::Place;
use super::changes::{Changes, ScriptEnd};
use super::connection::Connection;
use super::context::Context;
use super::outcome::{News, Phase, StartOutcome};
use super::pace::Pace;
use super::rng::Rng;
use super::rows::{self, Time, Word};
use super::seed_data::TemplatePlan;

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
    /// The version that it tells when it connects.
    version: Word,
    connection: Connection,
    /// Its startup script; a sub-agent has none.
    script: Option<Uuid>,
    /// How its script ended, until Coder knows.
    script_end: Option<ScriptEnd>,
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
        let script = place.parent_id.is_none().then(|| rng.uuid());
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
            architecture: template.architecture,
            last_connected_replica_id: None,
            version: "",
            display_order: place.display_order,
            deleted: false,
        });
        changes
            .new
            .scripts
            .extend(script.map(|script| rows::Script {
                id: script,
                workspace_agent_id: id,
                created_at: now,
                display_name: "Startup Script",
            }));
        let apps = Apps::new(id, place.apps, now, rng, changes);
        let until = match start_outcome {
            StartOutcome::NeverConnects => NEVER,
            StartOutcome::WaitsForOwner if rng.percent(40) => NEVER,
            StartOutcome::WaitsForOwner => now + rng.within(60..3600),
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
            version: place.version,
            connection: Connection::of(id),
            script,
            script_end: None,
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
        self.connection.beat(cx);
        self.connection.be_given_up(self.until, cx);
        if self.connection.is_reconnect_due(cx.now) {
            self.open(cx);
        }
        self.apps.tick(cx.now, cx.changes);
        let mut news = News::None;
        if self.until <= cx.now {
            self.until = NEVER;
            news = self.advance(cx);
        }
        self.report(cx.changes);
        news
    }

    /// Changes the speed of the simulation.
    pub(super) fn change_pace(&mut self, now: Time, pace: Pace) {
        self.connection.change_pace(now, pace);
    }

    /// Ends the current phase and starts the next one.
    fn advance(&mut self, cx: &mut Context<'_>) -> News {
        let now = cx.now;
        match self.phase {
            Phase::Connecting => self.connect(cx),
            Phase::Connected => self.start(now, cx.rng),
            Phase::Starting => return self.end_start(cx),
            Phase::ReportingAgain if self.process.is_reported() => {
                self.phase = Phase::Ready;
                return News::Ready;
            }
            Phase::ReportingAgain => self.until = now + 1,
            Phase::Lost { since } => {
                if !self.open(cx) {
                    self.until = now + 1;
                    return News::None;
                }
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
        if self.connection.is_up() {
            changes.scripts_ended.extend(self.script_end.take());
        }
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
        self.phase == Phase::Ready && self.connection.is_up()
    }

    /// Whether a session report is to be sent now.
    pub(super) fn is_report_due(&mut self, now: Time, pace: Pace) -> bool {
        self.connection.is_report_due(now, pace)
    }

    /// It stops answering until the time given, as with its machine frozen. Coderd sees its
    /// connection end a while later.
    pub(super) fn fall_silent(&mut self, now: Time, until: Time, pace: Pace, rng: &mut Rng) {
        if self.connection.fall_silent(now, pace, rng) {
            self.process.disconnected();
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
        if self.connection.close(changes) {
            self.process.disconnected();
        }
    }

    /// The coderd that holds its connection goes without a word. Returns whether it was connected.
    pub(super) fn lose_coderd(&mut self, replica: Uuid, back_at: Time) -> bool {
        let was_heard = self.connection.lose_coderd(replica, back_at);
        if was_heard {
            self.process.disconnected();
        }
        was_heard
    }

    /// Makes one of its healthy apps fail until the given time. Returns whether there was one.
    pub(super) fn flap(&mut self, until: Time, changes: &mut Changes) -> bool {
        self.apps.flap(until, changes)
    }

    /// Connects to any coderd. Returns whether there is one.
    fn open(&mut self, cx: &mut Context<'_>) -> bool {
        let is_open = self.connection.open(cx);
        if is_open {
            self.process.connected(self.id, moment(cx.now));
        }
        is_open
    }

    fn connect(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        if !self.open(cx) {
            self.until = now + 1;
            return;
        }
        cx.changes.versions_told.push((self.id, self.version));
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

    fn end_start(&mut self, cx: &mut Context<'_>) -> News {
        let now = moment(cx.now);
        match self.start_outcome {
            StartOutcome::Overdue => {
                self.end_script("timed_out", 255);
                self.process.transition(Lifecycle::StartTimeout, now);
            }
            StartOutcome::Fails => {
                // Not found is 127. It follows from the id, since it changes no story.
                let is_missing = self.id.as_u128().is_multiple_of(4);
                self.end_script("exit_failure", if is_missing { 127 } else { 1 });
                self.process.transition(Lifecycle::StartError, now);
                self.phase = Phase::StartError;
                return News::StartError;
            }
            _ => {
                self.end_script("ok", 0);
                self.process.transition(Lifecycle::Ready, now);
            }
        }
        self.phase = Phase::Ready;
        self.apps.come_up(cx.now, cx.rng);
        News::Ready
    }

    fn end_script(&mut self, status: Word, exit_code: i32) {
        self.script_end = self.script.map(|script| ScriptEnd {
            script,
            agent: self.id,
            exit_code,
            status,
        });
    }
}

/// The simulated time for the reporter. The database uses its own time for the rows.
fn moment(now: Time) -> Timestamp {
    Timestamp::from_unix_micros(now.saturating_mul(1_000_000))
}
