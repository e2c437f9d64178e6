//! A made-up fleet in a private, throwaway Postgres, served like the real thing.
//!
//! [`start`] makes the database and fills it; [`Demo::live`] lets the fleet live in it.
//! `fleet` decides what happens and touches nothing; `store` turns that into SQL, `simulation` into
//! time, `narration` into no more lines than people can read; `database` is where the database
//! comes from, usually a [`cluster`].

pub mod cluster;
mod database;
mod error;
pub mod fleet;
mod narration;
pub mod schema;
mod setup;
mod simulation;
mod store;
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
use simulation::Simulation;

/// Takes what there is to tell.
pub type Tell = Arc<dyn Fn(&News) + Send + Sync>;

/// What a demo is to be like.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many workspaces there are that are not deleted. Most have one agent.
    pub workspaces: usize,
    /// The same seed tells the same story.
    pub seed: u64,
    /// Which story that is.
    pub scenario: Scenario,
    /// How fast it goes.
    pub pace: Pace,
    /// A server to use instead of a throwaway one. Its user must be allowed to create a
    /// database and a role, which get random names and are dropped in the end.
    pub database_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workspaces: 200,
            seed: 1,
            scenario: Scenario::All,
            pace: Pace::REAL,
            database_url: None,
        }
    }
}

/// A fleet in a database of its own, waiting to live.
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

/// Makes a database and a fleet that has lived in it for a morning. There is none when `stop`
/// was done first: then everything is removed again.
///
/// # Errors
///
/// When there is no Postgres to be had, or the one given refuses.
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
    /// The URL by which an exporter reaches the fleet, as a role that may only read.
    #[must_use]
    pub fn url(&self) -> &str {
        self.demo_database.url()
    }

    /// The URL again, where it may be shown: in a throwaway server it holds no password.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.demo_database
            .is_ours()
            .then(|| self.demo_database.url())
    }

    /// Lets the fleet live until `shutdown`, then removes everything.
    pub async fn live(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            never = self.simulation.run() => match never {},
            never = self.demo_database.keep(&self.tell) => match never {},
        }
        self.end().await;
    }

    /// Removes everything. A demo that is dropped instead leaves its database in a server
    /// that was given by its URL.
    pub async fn end(self) {
        drop(self.simulation);
        self.demo_database.leave().await;
    }
}
