//! A simulated fleet in a temporary Postgres, for the exporter to serve.
//!
//! [`start`] creates the database and fills it; [`Demo::live`] simulates the fleet in it. `fleet`
//! is the pure simulation. `store` writes its changes by SQL, `simulation` runs it in real time,
//! and `narration` limits the messages. `database` provides the database, usually from a
//! [`cluster`].

pub mod cluster;
mod database;
mod error;
pub mod fleet;
#[cfg(test)]
mod incident_tests;
mod narration;
pub mod schema;
mod setup;
mod simulation;
mod store;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use database::DemoDatabase;
pub use error::DemoError;
use fleet::{Pace, Scenario};
pub use narration::News;
use schema::Era;
use simulation::Simulation;

/// Callback for the demo's news.
pub type Tell = Arc<dyn Fn(&News) + Send + Sync>;

/// Options of a demo.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Number of workspaces that are not deleted. Most have one agent.
    pub workspaces: usize,
    /// Seed: the same seed gives the same fleet and events.
    pub seed: u64,
    /// Events that are simulated.
    pub scenario: Scenario,
    /// Speed of the simulation.
    pub pace: Pace,
    /// The Coder that is simulated: it has the tables, columns and customs of its time.
    pub era: Era,
    /// An existing server to use instead of a temporary one. Its user must be allowed to create
    /// databases and roles. The demo's have random names and are dropped at the end.
    pub database_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workspaces: 200,
            seed: 1,
            scenario: Scenario::All,
            pace: Pace::REAL,
            era: Era::NEWEST,
            database_url: None,
        }
    }
}

/// A fleet in a database of its own, ready to run.
pub struct Demo {
    demo_database: DemoDatabase,
    simulation: Simulation,
    tell: Tell,
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").finish_non_exhaustive()
    }
}

/// Creates a database with a fleet and its history. Returns `None` if `stop` completes first; then
/// everything is removed again.
///
/// # Errors
///
/// When Postgres is not available, or the existing server refuses a statement.
pub async fn start(
    options: &Options,
    tell: &Tell,
    stop: impl Future<Output = ()>,
) -> Result<Option<Demo>, DemoError> {
    // To its end: a database that is half made would never be removed.
    let demo_database = match &options.database_url {
        Some(url) => DemoDatabase::rent(url).await?,
        None => DemoDatabase::build().await?,
    };
    let made = tokio::select! {
        biased;
        () = stop => Ok(None),
        made = setup::make(&demo_database, options, tell) => made.map(Some),
    };
    match made {
        Ok(Some(simulation)) => Ok(Some(Demo {
            demo_database,
            simulation,
            tell: tell.clone(),
        })),
        none => {
            demo_database.leave().await;
            none.map(|_| None)
        }
    }
}

impl Demo {
    /// The URL for the exporter, with a read-only role.
    #[must_use]
    pub fn url(&self) -> &str {
        self.demo_database.url()
    }

    /// The URL if it may be shown: in a temporary server it contains no password. Otherwise `None`.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.demo_database
            .is_ours()
            .then(|| self.demo_database.url())
    }

    /// Runs the simulation until `shutdown` completes, then removes everything.
    pub async fn live(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            never = self.simulation.run() => match never {},
            never = self.demo_database.keep(&self.tell) => match never {},
        }
        self.end().await;
    }

    /// Removes everything. A demo that is dropped instead leaves its database on an existing
    /// server.
    pub async fn end(self) {
        drop(self.simulation);
        self.demo_database.leave().await;
    }
}
