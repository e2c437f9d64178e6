//! Runs the simulation of the fleet in its database, tick by tick, and retries during outages.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_postgres::{Client, Config};

use super::error::DemoError;
use super::fleet::{Changes, Fleet, Pace, Time};
use super::narration::{Bound, News};
use super::schema::Era;
use super::{Tell, database, store};

/// Timeout of a tick, which usually takes milliseconds: a lock must not stop the simulation.
const TICK_TIMEOUT: Duration = Duration::from_secs(10);

/// A fleet and the database that its changes are written to.
pub(super) struct Simulation {
    database: Config,
    client: Option<Client>,
    era: Era,
    fleet: Fleet,
    pace: Pace,
    /// The simulated time at `began`.
    epoch: Time,
    began: Instant,
    /// Changes that are not written yet, and their simulated time.
    pending: Option<(Changes, Time)>,
    is_cut_off: bool,
    bound: Bound,
    tell: Tell,
}

impl Simulation {
    /// Starts with a fleet at the simulated time `epoch`, which continues at `pace`.
    pub(super) fn new(
        (database, client, era): (Config, Client, Era),
        (fleet, epoch): (Fleet, Time),
        pace: Pace,
        tell: Tell,
    ) -> Self {
        Self {
            database,
            client: Some(client),
            era,
            fleet,
            pace,
            epoch,
            began: Instant::now(),
            pending: None,
            is_cut_off: false,
            bound: Bound::default(),
            tell,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(&mut self) -> Infallible {
        let mut ticks = interval(self.pace.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.tick().await;
        }
    }

    /// Simulates until now and writes the changes. While the database is down the simulation waits
    /// and keeps its last changes, as agents do when Coder cannot reach its database.
    async fn tick(&mut self) {
        let elapsed = self.pace.story_of(self.began.elapsed());
        let now = self.epoch.saturating_add(elapsed);
        let (changes, at) = match self.pending.take() {
            Some(pending) => pending,
            None => (self.fleet.tick(now), now),
        };
        match timeout(TICK_TIMEOUT, self.apply(&changes, at)).await {
            Ok(Ok(())) => self.succeeded(changes),
            // Sent again it would be refused again. What it told is lost; the fleet goes on.
            Ok(Err(error)) if error.is_refusal() => {
                let text = format!("the demo's database refused an update: {error}");
                (self.tell)(&News::Amiss(text));
            }
            Ok(Err(error)) => self.cut_off(changes, at, &error.to_string()),
            Err(_) => self.cut_off(changes, at, "no answer within 10 s"),
        }
    }

    fn succeeded(&mut self, changes: Changes) {
        if self.is_cut_off {
            (self.tell)(&News::Mended(
                "the demo's database is reachable again".into(),
            ));
            self.is_cut_off = false;
        }
        for news in self.bound.tell(changes.messages, self.began.elapsed()) {
            (self.tell)(&news);
        }
    }

    fn cut_off(&mut self, changes: Changes, at: Time, error: &str) {
        if !self.is_cut_off {
            let text = format!(
                "the demo's database is not reachable, and the simulation is paused: {error}"
            );
            (self.tell)(&News::Amiss(text));
        }
        self.is_cut_off = true;
        self.client = None;
        self.pending = Some((changes, at));
    }

    async fn apply(&mut self, changes: &Changes, now: Time) -> Result<(), DemoError> {
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(database::connect(&self.database).await?),
        };
        let failed = || DemoError::of("update the fleet");
        let transaction = client.transaction().await.map_err(failed())?;
        store::apply(&transaction, changes, (self.era, now))
            .await
            .map_err(failed())?;
        transaction.commit().await.map_err(failed())
    }
}
