//! This machine's clock. It dates the exporter's own errors and is compared with the database's
//! clock. It never judges an agent.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fleet::model::time::Timestamp;

/// The current time of this machine.
pub(crate) fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since_epoch.map_or(0, |it| it.as_micros());
    Timestamp::from_unix_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
