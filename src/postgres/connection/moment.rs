//! The moment the data is true for (`docs/spec/collection.md`).

use tokio_postgres::{Client, Row};

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

const MOMENT: &str = include_str!("moment.sql");
const SERVER: &str = include_str!("server.sql");
const REPLAY: &str = include_str!("replay.sql");

/// What the database says of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// The transaction's `now()`, by the clock of the server that answers.
    pub(crate) clock: Timestamp,
    /// The moment its data is true for: `clock`, unless a standby is behind.
    pub(crate) now: Timestamp,
    /// How far a standby is behind; `None` on a primary, and where it is unknown.
    pub(crate) replica_lag_seconds: Option<f64>,
    /// The server that answers; `None` where it does not say.
    pub(crate) server: Option<Server>,
}

/// A start of a server, and one of its databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Server {
    /// When it was started.
    pub(crate) started_at: Timestamp,
    /// The oid of the database.
    pub(crate) database: u32,
    /// Whether it answers as a standby.
    pub(crate) is_standby: bool,
}

/// Asks for the moment. As the transaction's first statement it also takes the snapshot.
///
/// A second statement asks which server it is, a third what a standby has replayed. Managed Postgres may refuse it, which ends
/// the transaction up to its last savepoint: what follows must go back to one. Then the server's
/// own time is used, how far it is behind is unknown, and a sentence says so.
pub(crate) async fn ask(client: &Client) -> Result<(Moment, Option<String>), Failure> {
    let all = async {
        tokio::join!(
            biased;
            client.query_typed(MOMENT, &[]),
            client.query_typed(SERVER, &[]),
            client.query_typed(REPLAY, &[])
        )
    };
    let (rows, server, replayed) = all.await;
    let rows = rows.map_err(|error| from_driver("reading the time", error))?;
    let columns = Columns::default();
    let row = columns.of(rows.first().ok_or_else(no_time)?);
    let clock: Timestamp = row.get("clock")?.ok_or_else(no_time)?;
    let is_standby = row.get("is_standby")?.unwrap_or_default();
    let server = match server {
        Ok(rows) => server_of(&rows, is_standby)?,
        Err(_) => None,
    };
    match replayed {
        Ok(rows) => {
            let moment = moment(clock, is_standby, replayed_until(&rows)?);
            Ok((Moment { server, ..moment }, None))
        }
        Err(error) => {
            let failure = from_driver("asking the standby how far it is behind", error);
            let note =
                format!("the lag of this standby is unknown, and its own time is used: {failure}");
            let unknown = Moment {
                clock,
                now: clock,
                replica_lag_seconds: None,
                server,
            };
            Ok((unknown, is_standby.then_some(note)))
        }
    }
}

fn replayed_until(rows: &[Row]) -> Result<Option<Timestamp>, Failure> {
    let columns = Columns::default();
    let row = rows.first().map(|row| columns.of(row));
    row.map_or(Ok(None), |row| row.get("replayed_until"))
}

fn server_of(rows: &[Row], is_standby: bool) -> Result<Option<Server>, Failure> {
    let columns = Columns::default();
    let Some(row) = rows.first().map(|row| columns.of(row)) else {
        return Ok(None);
    };
    let (started_at, database) = (row.get("server_started_at")?, row.get("database")?);
    Ok(started_at
        .zip(database)
        .map(|(started_at, database)| Server {
            started_at,
            database,
            is_standby,
        }))
}

fn moment(clock: Timestamp, is_standby: bool, replayed_until: Option<Timestamp>) -> Moment {
    let now = replayed_until.unwrap_or(clock);
    // Two servers' clocks are compared: behind by less than nothing is not behind.
    let lag = clock.seconds_since(now).max(0.0);
    Moment {
        clock,
        now,
        replica_lag_seconds: is_standby.then_some(lag),
        server: None,
    }
}

fn no_time() -> Failure {
    Failure::new(ErrorKind::Decode, "the database returned no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000)
    }

    #[test]
    fn primary_is_true_for_its_own_now() {
        let found = moment(at(100), false, None);
        assert_eq!((found.now, found.replica_lag_seconds), (at(100), None));
    }

    #[test]
    fn standby_that_caught_up_is_true_for_its_own_now() {
        let found = moment(at(100), true, None);
        assert_eq!((found.now, found.replica_lag_seconds), (at(100), Some(0.0)));
    }

    #[test]
    fn standby_that_is_behind_is_true_for_what_it_last_replayed() {
        let found = moment(at(100), true, Some(at(40)));
        assert_eq!((found.now, found.replica_lag_seconds), (at(40), Some(60.0)));
        let ahead = moment(at(100), true, Some(at(101)));
        assert_eq!((ahead.now, ahead.replica_lag_seconds), (at(101), Some(0.0)));
    }
}
