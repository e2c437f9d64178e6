//! The apps of an agent. Those with a health check become healthy, fail and recover.

use uuid::Uuid;

use super::changes::Changes;
use super::rng::Rng;
use super::rows::{self, Time};
use super::seed_data::APPS;

#[derive(Debug)]
struct App {
    id: Uuid,
    healthy: bool,
    until: Time,
}

/// The apps that have a health check.
#[derive(Debug)]
pub(super) struct Apps(Vec<App>);

impl Apps {
    /// Creates the rows of `count` apps, none of which is healthy yet.
    pub(super) fn new(
        agent_id: Uuid,
        count: usize,
        now: Time,
        rng: &mut Rng,
        changes: &mut Changes,
    ) -> Self {
        let mut checked = Vec::new();
        for plan in &APPS[..count.min(APPS.len())] {
            let id = rng.uuid();
            changes.new.apps.push(rows::App {
                id,
                agent_id,
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
                checked.push(App {
                    id,
                    healthy: false,
                    until: Time::MAX,
                });
            }
        }
        Self(checked)
    }

    /// Plans when the apps become healthy after their agent became ready.
    pub(super) fn come_up(&mut self, now: Time, rng: &mut Rng) {
        for app in &mut self.0 {
            app.until = now + rng.within(1..20);
        }
    }

    pub(super) fn tick(&mut self, now: Time, changes: &mut Changes) {
        for app in self.0.iter_mut().filter(|app| app.until <= now) {
            app.healthy = true;
            app.until = Time::MAX;
            changes.app_healths.push((app.id, "healthy"));
        }
    }

    /// Makes one healthy app fail until the given time. Returns whether there was one.
    pub(super) fn flap(&mut self, until: Time, changes: &mut Changes) -> bool {
        let Some(app) = self.0.iter_mut().find(|app| app.healthy) else {
            return false;
        };
        app.healthy = false;
        app.until = until;
        changes.app_healths.push((app.id, "unhealthy"));
        true
    }
}
