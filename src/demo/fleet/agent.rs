//! One agent's life: connect, start, be ready, and what goes wrong on the way.

use uuid::Uuid;

use super::fate::{Fate, News};
use super::rng::Rng;
use super::rows::{self, Changes, Time, Word};
use super::scenery::{AGENT_VERSIONS, APPS, TemplatePlan};

/// Coder's own.
const HEARTBEAT_INTERVAL: Time = 15;
/// Nothing is planned: somebody has to intervene.
const NEVER: Time = Time::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Connected,
    StuckCreated,
    Starting,
    Ready,
    StartError,
    Lost { since: Time },
    ShuttingDown,
    Off,
}

#[derive(Debug)]
struct App {
    id: Uuid,
    healthy: bool,
    until: Time,
}

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: Uuid,
    pub(super) resource_id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    phase: Phase,
    /// When the present phase ends by itself.
    until: Time,
    fate: Fate,
    /// While it is connected.
    next_heartbeat: Option<Time>,
    /// Those with a health check.
    apps: Vec<App>,
}

/// Where a new agent belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) resource_id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    pub(super) name: Word,
    pub(super) display_order: i32,
    pub(super) apps: usize,
}

impl Agent {
    /// A new row, and the agent that will report to it.
    pub(super) fn new(
        place: Place,
        template: &TemplatePlan,
        fate: Fate,
        now: Time,
        rng: &mut Rng,
        changes: &mut Changes,
    ) -> Self {
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
        let mut apps = Vec::new();
        for plan in &APPS[..place.apps.min(APPS.len())] {
            let app_id = rng.uuid();
            changes.new.apps.push(rows::App {
                id: app_id,
                agent_id: id,
                created_at: now,
                slug: plan.slug,
                display_name: plan.display_name,
                health: if plan.checked {
                    "initializing"
                } else {
                    "disabled"
                },
            });
            if plan.checked {
                apps.push(App {
                    id: app_id,
                    healthy: false,
                    until: NEVER,
                });
            }
        }
        let until = match fate {
            Fate::NeverConnects => NEVER,
            Fate::Survives | Fate::ReportsAgain => now + rng.within(1..6),
            _ => now + rng.within(5..40),
        };
        Self {
            id,
            resource_id: place.resource_id,
            parent_id: place.parent_id,
            phase: Phase::Connecting,
            until,
            fate,
            next_heartbeat: None,
            apps,
        }
    }

    pub(super) fn tick(&mut self, now: Time, rng: &mut Rng, changes: &mut Changes) -> News {
        self.beat(now, changes);
        self.tick_apps(now, changes);
        if now < self.until {
            return News::None;
        }
        self.until = NEVER;
        match self.phase {
            Phase::Connecting => self.connect(now, rng, changes),
            Phase::Connected => self.start(now, rng, changes),
            Phase::Starting => return self.end_start(now, rng, changes),
            Phase::Lost { since } => {
                self.next_heartbeat = Some(now);
                self.beat(now, changes);
                self.phase = Phase::Ready;
                return News::Back { after: now - since };
            }
            Phase::ShuttingDown => {
                changes.lifecycles.push((self.id, "off"));
                self.hang_up(changes);
                self.phase = Phase::Off;
            }
            Phase::StuckCreated | Phase::Ready | Phase::StartError | Phase::Off => {}
        }
        News::None
    }

    /// Whether it is, or will turn out to be, one of the problems of SPEC 1.4.
    pub(super) fn is_broken(&self) -> bool {
        match self.phase {
            Phase::Connecting => self.fate == Fate::NeverConnects,
            Phase::Connected | Phase::Starting => matches!(self.fate, Fate::Hangs | Fate::Fails),
            Phase::StuckCreated | Phase::StartError | Phase::Lost { .. } => true,
            Phase::Ready | Phase::ShuttingDown | Phase::Off => false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Its heartbeats just stop, until the time given.
    pub(super) fn fall_silent(&mut self, now: Time, until: Time) {
        self.next_heartbeat = None;
        self.phase = Phase::Lost { since: now };
        self.until = until;
    }

    /// Its connection is seen to end, until the time given.
    pub(super) fn disconnect(&mut self, now: Time, until: Time, changes: &mut Changes) {
        self.hang_up(changes);
        self.phase = Phase::Lost { since: now };
        self.until = until;
    }

    /// Somebody shuts its machine down from within.
    pub(super) fn shut_down(&mut self, until: Time, changes: &mut Changes) {
        changes.lifecycles.push((self.id, "shutting_down"));
        self.phase = Phase::ShuttingDown;
        self.until = until;
    }

    /// The end of its process, if it was there to be seen.
    pub(super) fn hang_up(&mut self, changes: &mut Changes) {
        if self.next_heartbeat.take().is_some() {
            changes.disconnects.push(self.id);
        }
    }

    /// One of its healthy apps fails until the time given. Says which, if there is one.
    pub(super) fn flap(&mut self, until: Time, changes: &mut Changes) -> bool {
        let Some(app) = self.apps.iter_mut().find(|app| app.healthy) else {
            return false;
        };
        app.healthy = false;
        app.until = until;
        changes.app_healths.push((app.id, "unhealthy"));
        true
    }

    fn beat(&mut self, now: Time, changes: &mut Changes) {
        if let Some(due) = self.next_heartbeat
            && due <= now
        {
            changes.heartbeats.push(self.id);
            // Keeps its place within the interval, however late this tick is.
            let missed = (now - due) / HEARTBEAT_INTERVAL;
            self.next_heartbeat = Some(due + (missed + 1) * HEARTBEAT_INTERVAL);
        }
    }

    fn tick_apps(&mut self, now: Time, changes: &mut Changes) {
        for app in self.apps.iter_mut().filter(|app| app.until <= now) {
            app.healthy = true;
            app.until = NEVER;
            changes.app_healths.push((app.id, "healthy"));
        }
    }

    fn connect(&mut self, now: Time, rng: &mut Rng, changes: &mut Changes) {
        // Somewhere within the interval: a whole fleet that connects in one tick of a coarse
        // clock must not beat as one ever after.
        self.next_heartbeat = Some(now + rng.within(1..HEARTBEAT_INTERVAL + 1));
        changes.heartbeats.push(self.id);
        if self.fate == Fate::Survives {
            self.phase = Phase::StuckCreated;
            self.apps_come_up(now, rng);
        } else {
            self.phase = Phase::Connected;
            self.until = now + rng.within(1..3);
        }
    }

    fn start(&mut self, now: Time, rng: &mut Rng, changes: &mut Changes) {
        changes.lifecycles.push((self.id, "starting"));
        self.phase = Phase::Starting;
        self.until = match self.fate {
            Fate::Hangs => NEVER,
            Fate::Slow | Fate::Overdue => now + rng.within(60..480),
            Fate::ReportsAgain => now + rng.within(1..4),
            _ => now + rng.within(3..45),
        };
    }

    fn end_start(&mut self, now: Time, rng: &mut Rng, changes: &mut Changes) -> News {
        match self.fate {
            Fate::Overdue => {
                changes.lifecycles.push((self.id, "start_timeout"));
                self.fate = Fate::Slow;
                self.until = now + rng.within(60..480);
                News::None
            }
            Fate::Fails => {
                changes.lifecycles.push((self.id, "start_error"));
                self.phase = Phase::StartError;
                News::StartError
            }
            _ => {
                changes.lifecycles.push((self.id, "ready"));
                self.phase = Phase::Ready;
                self.apps_come_up(now, rng);
                News::Ready
            }
        }
    }

    fn apps_come_up(&mut self, now: Time, rng: &mut Rng) {
        for app in &mut self.apps {
            app.until = now + rng.within(1..20);
        }
    }
}
