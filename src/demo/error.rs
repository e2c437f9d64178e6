//! Errors that keep a demo from starting.

use super::cluster::ClusterError;

/// Why the demo did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The temporary Postgres server did not start.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The URL of the server is invalid.
    #[error("the demo's database URL is not a Postgres URL: {0}")]
    Url(tokio_postgres::Error),
    /// A connection or a statement failed.
    #[error("could not {doing}: {}", reason(.source))]
    Database {
        /// The operation and its object.
        doing: String,
        /// The error of Postgres or of the connection.
        source: tokio_postgres::Error,
    },
    /// A thread of the demo panicked or was cancelled.
    #[error("the demo's Postgres was not started: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// For `map_err`: adds the operation and its object to an error.
    pub(super) fn of(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Database { doing, source }
    }

    /// Whether a retry would fail the same way: invalid data (class 22), a constraint (23), a
    /// missing table or privilege (42).
    pub(super) fn is_refusal(&self) -> bool {
        let Self::Database { source, .. } = self else {
            return false;
        };
        let class = source.code().map(|code| code.code().get(..2));
        matches!(class, Some(Some("22" | "23" | "42")))
    }
}

/// The server's message. `Display` of the error itself only prints "db error".
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
