//! Finds the workspace or agent that an argument names.

use anyhow::anyhow;
use tokio::time::Instant;

use crate::config::SettingError;
use crate::details::{self, ResolvedName};
use crate::fleet::model::reference::Reference;
use crate::fleet::report::sanitize::sanitize;
use crate::postgres::database::Database;

use super::{CommandError, PATIENCE};

/// Parses the argument.
///
/// # Errors
///
/// When the argument is not a UUID, `owner/workspace` or `owner/workspace.agent`.
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

/// Looks up the workspace or agent in the database.
///
/// # Errors
///
/// When no row or several rows match, with a list of candidates; when the database does not answer.
pub(super) async fn find(
    database: &Database,
    reference: &Reference,
) -> Result<ResolvedName, CommandError> {
    let found = details::find(database, reference, Instant::now() + PATIENCE).await;
    Ok(found.map_err(|unclear| anyhow!("{unclear}"))?)
}
