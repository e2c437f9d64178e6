//! What was written on the command line, and what is meant by it.

use anyhow::anyhow;
use tokio::time::Instant;

use crate::config::SettingError;
use crate::details::{self, ResolvedName};
use crate::fleet::model::reference::Reference;
use crate::fleet::report::sanitize::sanitize;
use crate::postgres::database::Database;

use super::{CommandError, PATIENCE};

/// Reads what was written on the command line.
///
/// # Errors
///
/// When it names nothing: a wrong argument.
pub(super) fn reference(text: &str) -> Result<Reference, SettingError> {
    text.parse::<Reference>().map_err(|error| {
        // Not repeated where it may be the database URL, with its password.
        let shown = match text.contains("://") {
            true => "that".to_owned(),
            false => sanitize(text),
        };
        SettingError::new(&shown, error.to_string())
    })
}

/// Finds what is meant.
///
/// # Errors
///
/// When nothing or more than one thing is called that, saying what there is; when the database
/// does not answer.
pub(super) async fn find(
    database: &Database,
    reference: &Reference,
) -> Result<ResolvedName, CommandError> {
    let found = details::find(database, reference, Instant::now() + PATIENCE).await;
    Ok(found.map_err(|unclear| anyhow!("{unclear}"))?)
}
