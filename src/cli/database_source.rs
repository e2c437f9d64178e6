//! Where a reload finds the database: what `--postgres.url-file` holds by then.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::postgres_args::PostgresArgs;
use crate::config::postgres_url::PostgresUrl;
use crate::web::DatabaseSource;

use super::settings;

/// The database as the settings name it when it is asked for, if that is another than before;
/// `url` is what they name at the start.
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

/// All that decides how the database is reached, the authorities' file with what it holds.
fn fingerprint(url: &PostgresUrl) -> impl PartialEq + Send + use<> {
    let authorities = url.tls.root_certificates.as_deref();
    let authorities = authorities.and_then(|path: &Path| std::fs::read(path).ok());
    let session = (url.target_session, url.parameters.clone());
    (url.config.clone(), url.tls.clone(), session, authorities)
}
