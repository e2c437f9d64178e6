//! Finds the database again at a reload: reads `--postgres.url-file` once more.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::postgres_args::PostgresArgs;
use crate::config::postgres_url::PostgresUrl;
use crate::web::DatabaseSource;

use super::settings;

/// Returns the database that the settings name now, if it differs from the one before; `url` is the
/// one at the start.
pub(super) fn database_source(args: &PostgresArgs, url: &PostgresUrl) -> DatabaseSource {
    let args = args.clone();
    let known = Mutex::new(fingerprint(url));
    DatabaseSource(Some(Arc::new(move || {
        let url = settings::postgres_url(&args).map_err(|error| error.to_string())?;
        let now = fingerprint(&url);
        let mut known = known.lock();
        // A pool that serves is kept: who reloads again and again gets no connections by it.
        if now == *known {
            return Ok(None);
        }
        let database = settings::database(&url, &args);
        let database = database.map_err(|error| error.to_string())?;
        *known = now;
        Ok(Some(database))
    })))
}

/// Everything that affects the connection, including the content of the CA file.
fn fingerprint(url: &PostgresUrl) -> impl PartialEq + Send + use<> {
    let authorities = url.tls.root_certificates.as_deref();
    let authorities = authorities.and_then(|path: &Path| std::fs::read(path).ok());
    let session = (url.target_session, url.parameters.clone());
    (url.config.clone(), url.tls.clone(), session, authorities)
}
