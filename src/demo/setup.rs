//! Fills a database with a fleet and its history.

use tokio::task::yield_now;
use tokio_postgres::{Client, Transaction};

use crate::fleet::stats::collection::Collector;
use crate::postgres::grants::{USUAL_SCHEMA, role_sql};

use super::database::{self, DemoDatabase};
use super::error::DemoError;
use super::fleet::{Fleet, History, Tables, Time};
use super::narration::News;
use super::simulation::Simulation;
use super::{Options, Tell, store};

/// Share of the progress that the simulation of the history takes; inserting rows is the rest.
const TOLD_PERCENT: usize = 40;

/// Creates the fleet for these options, and the simulation that continues it.
pub(super) async fn make(
    demo_database: &DemoDatabase,
    options: &Options,
    tell: &Tell,
) -> Result<Simulation, DemoError> {
    let failed = || DemoError::of("create the demo's fleet");
    let mut client = database::connect(demo_database.owner()).await?;
    let era = options.era;
    let schema = era.sql();
    client.batch_execute(&schema).await.map_err(failed())?;
    grant(&client, demo_database.role())
        .await
        .map_err(failed())?;
    let (fleet, tables, now) = tell_history(options, tell).await;
    let transaction = client.transaction().await.map_err(failed())?;
    if demo_database.is_ours() {
        trust_rows(&transaction).await.map_err(failed())?;
    }
    store::insert_scenery(&transaction, era, fleet.seed_data())
        .await
        .map_err(failed())?;
    let inserted = |percent: usize| {
        let rest = 100 - TOLD_PERCENT;
        tell(&News::MadeUp(TOLD_PERCENT + percent * rest / 100));
    };
    store::insert_all(&transaction, &tables.rows(), (era, now), &inserted)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    // Autovacuum would need a minute to notice the tables, and queries good plans by then.
    client.batch_execute("ANALYZE").await.map_err(failed())?;
    let database = demo_database.owner().clone();
    let database = (database, client, era);
    let pace = options.pace;
    Ok(Simulation::new(database, (fleet, now), pace, tell.clone()))
}

/// Simulates the history in steps, so that the creation of a large fleet can be cancelled.
async fn tell_history(options: &Options, tell: &Tell) -> (Fleet, Tables, Time) {
    let Options {
        workspaces,
        seed,
        scenario,
        era,
        ..
    } = *options;
    let mut history = History::new(workspaces, seed, scenario, era);
    let mut reported = 0;
    while history.step() {
        let percent = history.percent() * TOLD_PERCENT / 100;
        if percent > reported {
            tell(&News::MadeUp(percent));
            reported = percent;
            yield_now().await;
        }
    }
    history.end(options.pace)
}

/// Allows the exporter's role to read what a real one may, and no more.
async fn grant(client: &Client, role: &str) -> Result<(), tokio_postgres::Error> {
    let sql = role_sql(role, USUAL_SCHEMA, Collector::DEFAULT);
    client.batch_execute(&sql).await
}

/// Disables foreign key checks for this transaction, which needs a superuser. The rows are
/// consistent by construction, and each check would look up a parent.
async fn trust_rows(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    let sql = "SET LOCAL session_replication_role = replica";
    transaction.batch_execute(sql).await
}
