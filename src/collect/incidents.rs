//! What is kept about incidents from one collection to the next. Each part has a lock of its own,
//! since it looks at every lost agent, and every scrape locks the state.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::fleet::model::activity::{CutOff, Loss};
use crate::fleet::model::time::Timestamp;
use crate::fleet::stats::fleet_stats::FleetStats;
use crate::incident::facts::incidents_of;
use crate::incident::history::{EndedIncident, IncidentHistory};
use crate::incident::model::{Incident, IncidentSettings};
use crate::incident::sessions::{SessionRecord, first_question};

/// Incidents of one collection, shared with pages that are being written.
pub type Incidents = Arc<[Incident]>;

/// What is kept about incidents.
#[derive(Default)]
pub(super) struct IncidentMemory {
    /// Those of the last collection, and its moment.
    latest: Mutex<Option<(Timestamp, Incidents)>>,
    history: Mutex<IncidentHistory>,
    sessions: Mutex<SessionRecord>,
    /// Losses to be asked about.
    losses: Mutex<Vec<Loss>>,
    losses_found: Notify,
}

impl IncidentMemory {
    /// The incidents of this fleet, which the last collection may have found already.
    pub(super) fn of(&self, fleet: &FleetStats, settings: IncidentSettings) -> Incidents {
        let latest = self.latest.lock().clone();
        match latest {
            Some((at, incidents)) if at == fleet.snapshot.now => incidents,
            // Another collection ended meanwhile.
            _ => self.find(fleet, settings).into(),
        }
    }

    fn find(&self, fleet: &FleetStats, settings: IncidentSettings) -> Vec<Incident> {
        let mut incidents = incidents_of(fleet, settings);
        self.sessions.lock().fill(fleet, &mut incidents);
        incidents
    }

    /// Finds the incidents of a new collection, and the losses to be asked about.
    pub(super) fn follow(&self, fleet: &FleetStats, settings: IncidentSettings) {
        let incidents = self.find(fleet, settings);
        let now = fleet.snapshot.now;
        self.history.lock().follow(now, &incidents);
        let losses = self.sessions.lock().follow(fleet, &incidents);
        let has_losses = !losses.is_empty();
        *self.losses.lock() = losses;
        *self.latest.lock() = Some((now, incidents.into()));
        if has_losses {
            self.losses_found.notify_one();
        }
    }

    /// Incidents that ended lately, the newest first.
    pub(super) fn ended(&self) -> Vec<EndedIncident> {
        self.history.lock().ended().cloned().collect()
    }

    /// The next losses to ask about. Waits until there are some.
    pub(super) async fn losses_to_ask(&self) -> Vec<Loss> {
        loop {
            // Those found from here on are not missed.
            let found = self.losses_found.notified();
            let losses = self.take_losses();
            if !losses.is_empty() {
                return losses;
            }
            found.await;
        }
    }

    fn take_losses(&self) -> Vec<Loss> {
        let mut losses = std::mem::take(&mut *self.losses.lock());
        let sessions = self.sessions.lock();
        // A collection may have listed those that were just being asked about.
        losses.retain(|it| !sessions.is_known(it));
        drop(sessions);
        let rest = losses.split_off(first_question(&losses));
        *self.losses.lock() = rest;
        losses
    }

    /// Gives up these losses.
    pub(super) fn give_up(&self, asked: &[Loss]) {
        self.sessions.lock().give_up(asked);
    }

    /// Keeps what was answered about these losses.
    pub(super) fn learn(&self, asked: &[Loss], answer: &CutOff) {
        self.sessions.lock().learn(asked, answer);
    }
}
