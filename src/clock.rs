//! This machine's clock. It dates our own errors and is compared with the database's; it is
//! never used to judge an agent.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fleet::model::time::Timestamp;

/// The present moment by this machine's clock.
pub(crate) fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since_epoch.map_or(0, |it| it.as_micros());
    Timestamp::from_unix_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
