//! The moment the data is true for (`docs/spec/collection.md`).

use tokio_postgres::{Client, Row};

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::time::Timestamp;
use crate::postgres::columns::Columns;
use crate::postgres::failure::from_driver;

const SQL: &str = include_str!("moment.sql");

/// What the database says of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// The transaction's `now()`, by the clock of the server that answers.
    pub(crate) clock: Timestamp,
    /// The moment its data is true for: `clock`, unless a standby is behind.
    pub(crate) now: Timestamp,
    /// How far a standby is behind; `None` on a primary.
    pub(crate) replica_lag_seconds: Option<f64>,
}

/// Asks for the moment. As the transaction's first statement it also takes the snapshot.
pub(crate) async fn ask(client: &Client) -> Result<Moment, Failure> {
    let rows = client
        .query_typed(SQL, &[])
        .await
        .map_err(|error| from_driver("reading the time", error))?;
    let row = rows.first().ok_or_else(no_time)?;
    read(row)
}

fn read(row: &Row) -> Result<Moment, Failure> {
    let columns = Columns::default();
    let row = columns.of(row);
    let clock: Timestamp = row.get("clock")?.ok_or_else(no_time)?;
    let is_standby = row.get("is_standby")?.unwrap_or_default();
    Ok(moment(clock, is_standby, row.get("replayed_until")?))
}

fn moment(clock: Timestamp, is_standby: bool, replayed_until: Option<Timestamp>) -> Moment {
    let now = replayed_until.unwrap_or(clock);
    // Two servers' clocks are compared: behind by less than nothing is not behind.
    let lag = clock.seconds_since(now).max(0.0);
    Moment {
        clock,
        now,
        replica_lag_seconds: is_standby.then_some(lag),
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
