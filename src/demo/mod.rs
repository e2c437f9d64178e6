//! A made-up fleet in a private, throwaway Postgres, served like the real thing.
//!
//! [`start`] makes the database and fills it; [`Demo::live`] lets the fleet live in it.
//! `fleet` decides what happens and touches nothing; `store` turns that into SQL, `life` into
//! time; `home` is where the database comes from, usually a [`cluster`], with the feature
//! `embedded` and no Postgres on the machine one within this program.

pub mod cluster;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
pub mod fleet;
mod home;
mod life;
pub mod schema;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::future::Future;

use tokio_postgres::Client;

use crate::postgres::grants::grants_sql;

pub use error::DemoError;
use fleet::Fleet;
use home::Home;
use life::Life;
use schema::Era;

/// What a demo is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many workspaces there are that are not deleted. Most have one agent.
    pub workspaces: usize,
    /// The same seed tells the same story.
    pub seed: u64,
    /// A server to use instead of a throwaway one. Its user must be allowed to create a
    /// database and a role, which get random names and are dropped in the end.
    pub database_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workspaces: 200,
            seed: 1,
            database_url: None,
        }
    }
}

/// A fleet in a database of its own, waiting to live.
#[derive(Debug)]
pub struct Demo {
    home: Home,
    life: Life,
}

/// Makes a database and a fleet that has lived in it for a morning.
///
/// # Errors
///
/// When there is no Postgres to be had, or the one given refuses.
pub async fn start(options: &Options) -> Result<Demo, DemoError> {
    let home = match &options.database_url {
        Some(url) => Home::rent(url).await?,
        None => Home::build().await?,
    };
    match settle(&home, options).await {
        Ok(life) => Ok(Demo { home, life }),
        Err(error) => {
            home.leave().await;
            Err(error)
        }
    }
}

impl Demo {
    /// The URL by which an exporter reaches the fleet, as a role that may only read.
    #[must_use]
    pub fn url(&self) -> &str {
        self.home.url()
    }

    /// Lets the fleet live until `shutdown`, then removes everything.
    pub async fn live(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            never = self.life.run() => match never {},
        }
        self.end().await;
    }

    /// Removes everything. A demo that is dropped instead leaves its database in a server
    /// that was given by its URL.
    pub async fn end(self) {
        drop(self.life);
        self.home.leave().await;
    }
}

/// Allows the exporter's role to read what a real one may, and no more. CONNECT to the database
/// is everybody's by default.
async fn grant(client: &Client, role: &str) -> Result<(), tokio_postgres::Error> {
    let newest_has_all = |_: &str, _: &str| true;
    let sql = grants_sql(role, newest_has_all);
    client.batch_execute(&sql).await
}

async fn settle(home: &Home, options: &Options) -> Result<Life, DemoError> {
    let failed = || DemoError::of("make the demo's fleet");
    let mut client = home::connect(home.owner()).await?;
    let schema = Era::NEWEST.sql();
    client.batch_execute(&schema).await.map_err(failed())?;
    grant(&client, home.role()).await.map_err(failed())?;
    let (fleet, tables, now) = Fleet::with_history(options.workspaces, options.seed);
    let transaction = client.transaction().await.map_err(failed())?;
    let scenery = fleet.scenery();
    store::insert_scenery(&transaction, scenery)
        .await
        .map_err(failed())?;
    store::insert(&transaction, &tables.rows(), now)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    // Autovacuum would need a minute to notice the tables, and queries good plans by then.
    client.batch_execute("ANALYZE").await.map_err(failed())?;
    Ok(Life::new(home.owner().clone(), client, fleet, now))
}
